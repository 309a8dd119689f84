//! JPEG-LS, lossless and near-lossless (ITU-T T.87 | ISO/IEC 14495-1).

mod bits;
mod coding;
mod scan;

use coding::Coding;
use scan::Scan;

use super::{Decoded, Fault, Size, narrow};
use crate::dicom::Layout;

/// How the components of a colour picture lie in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interleave {
    /// One scan for each component.
    None,
    Line,
    Sample,
}

/// Decodes a frame of 2 to 16 bits.
pub(in crate::dicom) fn decode(stream: &[u8], layout: &Layout) -> Result<Decoded, Fault> {
    let mut reader = Markers { stream, at: 0 };
    if reader.next()? != (0xd8, &[]) {
        return Err(Fault::broken("no JPEG-LS picture begins here"));
    }
    let mut bits = 0;
    let mut preset = [0u16; 5];
    let components = usize::from(layout.samples);
    let mut samples = vec![0u16; layout.frame_samples()];
    let mut done = 0;
    while done < components {
        match reader.next()? {
            (0xf7, &[precision, h0, h1, w0, w1, count, ..]) => {
                let (width, height) = (u16::from_be_bytes([w0, w1]).into(), u16::from_be_bytes([h0, h1]).into());
                Size { width, height, components: count.into(), bits: precision }.check(layout)?;
                if !(2..=16).contains(&precision) {
                    return Err(Fault::broken(format!("{precision} bits a sample, 2 to 16 are possible")));
                }
                bits = precision;
            }
            (0xf8, &[1, ref rest @ ..]) if rest.len() >= 10 => {
                preset = std::array::from_fn(|i| u16::from_be_bytes([rest[2 * i], rest[2 * i + 1]]));
            }
            (0xf8, _) => return Err(Fault::unsupported("JPEG-LS with mapping tables or extended sizes")),
            (0xdd, interval) if interval.iter().any(|&b| b != 0) => {
                return Err(Fault::unsupported("JPEG-LS with restart intervals"));
            }
            // HP's own colour transforms.
            (0xe8, &[b'm', b'r', b'f', b'x', transform, ..]) if transform != 0 => {
                return Err(Fault::unsupported("JPEG-LS with a colour transform"));
            }
            (0xda, &[count, ref rest @ ..]) if rest.len() == usize::from(count) * 2 + 3 => {
                if bits == 0 {
                    return Err(Fault::broken("a scan comes before the frame's header"));
                }
                let &[near, interleave, transform] = &rest[rest.len() - 3..] else {
                    return Err(Fault::broken("the scan's header ends early"));
                };
                let interleave = match (interleave, count) {
                    (_, 1) => Interleave::None,
                    (1, _) => Interleave::Line,
                    (2, _) => Interleave::Sample,
                    _ => return Err(Fault::broken("its components are interleaved in an unknown way")),
                };
                if usize::from(count) > components - done
                    || (interleave != Interleave::None && usize::from(count) != components)
                {
                    return Err(Fault::broken("its scans do not fit its components"));
                }
                if transform & 0x0f != 0 {
                    return Err(Fault::unsupported("JPEG-LS with a point transform"));
                }
                let coding =
                    Coding::new(bits, near.into(), preset).ok_or_else(|| Fault::broken("its presets make no sense"))?;
                let scan = Scan::new(&stream[reader.at..], layout.columns as usize, coding);
                let length = scan.decode(interleave, components, done, &mut samples)?;
                done += usize::from(count);
                reader.at += length;
            }
            (0xd9, _) => return Err(Fault::broken("it ends before its pixels")),
            _ => {}
        }
    }
    Ok(Decoded { pixels: narrow(samples, bits), bits, rgb: false })
}

/// Walks from marker to marker.
struct Markers<'a> {
    stream: &'a [u8],
    at: usize,
}

impl<'a> Markers<'a> {
    /// The next marker and its content.
    fn next(&mut self) -> Result<(u8, &'a [u8]), Fault> {
        let early = || Fault::broken("it ends early");
        loop {
            match self.stream.get(self.at..self.at + 2).ok_or_else(early)? {
                [0xff, 0xff] => self.at += 1,
                // After a scan, whatever is no marker is skipped.
                [0xff, marker] if *marker >= 0x80 => {
                    let marker = *marker;
                    self.at += 2;
                    if matches!(marker, 0xd0..=0xd9) {
                        return Ok((marker, &[]));
                    }
                    let length = self.stream.get(self.at..self.at + 2).ok_or_else(early)?;
                    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                    let content = self.stream.get(self.at + 2..self.at + length).ok_or_else(early)?;
                    self.at += length;
                    return Ok((marker, content));
                }
                _ => self.at += 1,
            }
        }
    }
}
