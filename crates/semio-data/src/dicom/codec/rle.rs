//! DICOM's run lengths (PS3.5, annex G): one segment for each byte of a sample, the highest byte first.

use super::{Decoded, Fault, Pixels};
use crate::dicom::Layout;

const HEADER: usize = 64;

/// Decodes a frame of 8, 16 or 32 bits.
pub(in crate::dicom) fn decode(frame: &[u8], layout: &Layout) -> Result<Decoded, Fault> {
    let samples = usize::from(layout.samples);
    let width = usize::from(layout.bits_allocated / 8);
    let pixels = layout.rows as usize * layout.columns as usize;
    let segments = segments(frame)?;
    if segments.len() != samples * width {
        return Err(Fault::broken(format!("{} segments instead of {}", segments.len(), samples * width)));
    }
    // Planes of one byte of each sample, one after the other.
    let mut planes = Vec::with_capacity(segments.len() * pixels);
    for segment in segments {
        unpack(segment, pixels, &mut planes)?;
    }
    let mut plane = planes.chunks_exact(pixels);
    macro_rules! weave {
        ($variant:ident, $type:ty) => {{
            let mut values = vec![0 as $type; pixels * samples];
            for (index, plane) in plane.enumerate() {
                let (sample, shift) = (index / width, 8 * (width - 1 - index % width));
                for (value, &byte) in values[sample..].iter_mut().step_by(samples).zip(plane) {
                    *value |= <$type>::from(byte) << shift;
                }
            }
            Pixels::$variant(values)
        }};
    }
    let pixels = match (width, samples) {
        (1, 1) => Pixels::U8(planes),
        (1, 3) => {
            let [red, green, blue] = std::array::from_fn(|_| plane.next().unwrap_or_default());
            let pixels = red.iter().zip(green).zip(blue);
            let mut values = vec![0; 3 * pixels.len()];
            values.as_chunks_mut().0.iter_mut().zip(pixels).for_each(|(to, ((&r, &g), &b))| *to = [r, g, b]);
            Pixels::U8(values)
        }
        (2, 1) => {
            let (high, low) = planes.split_at(pixels);
            Pixels::U16(high.iter().zip(low).map(|(&high, &low)| u16::from_be_bytes([high, low])).collect())
        }
        (1, _) => weave!(U8, u8),
        (2, _) => weave!(U16, u16),
        _ => weave!(U32, u32),
    };
    Ok(Decoded { pixels, bits: layout.high_bit + 1, rgb: false })
}

/// Decodes the one segment of a frame of packed 1-bit samples.
pub(in crate::dicom) fn segment(frame: &[u8], bytes: usize) -> Result<Vec<u8>, Fault> {
    let mut packed = Vec::new();
    match segments(frame)?.as_slice() {
        [single] => unpack(single, bytes, &mut packed)?,
        several => return Err(Fault::broken(format!("{} segments instead of 1", several.len()))),
    }
    Ok(packed)
}

fn segments(frame: &[u8]) -> Result<Vec<&[u8]>, Fault> {
    let early = || Fault::broken("the frame ends early");
    let header = frame.get(..HEADER).ok_or_else(early)?;
    let words: Vec<usize> = header.as_chunks().0.iter().map(|&b| u32::from_le_bytes(b) as usize).collect();
    let count = words[0];
    if !(1..=15).contains(&count) {
        return Err(Fault::broken(format!("{count} segments, 1 to 15 are possible")));
    }
    let end = |index: usize| if index < count { words[index + 1] } else { frame.len() };
    (1..=count).map(|index| frame.get(words[index]..end(index)).ok_or_else(early)).collect()
}

/// Adds exactly `length` bytes to `to`.
fn unpack(segment: &[u8], length: usize, to: &mut Vec<u8>) -> Result<(), Fault> {
    let early = || Fault::broken("a segment ends early");
    let end = to.len() + length;
    to.reserve(length);
    let mut rest = segment;
    while to.len() < end {
        let (&control, behind) = rest.split_first().ok_or_else(early)?;
        let room = end - to.len();
        match control {
            0..=127 => {
                let run = usize::from(control) + 1;
                let literal = behind.get(..run.min(room)).ok_or_else(early)?;
                to.extend_from_slice(literal);
                rest = &behind[run.min(behind.len())..];
            }
            128 => rest = behind,
            129.. => {
                let (&byte, behind) = behind.split_first().ok_or_else(early)?;
                to.resize(to.len() + (257 - usize::from(control)).min(room), byte);
                rest = behind;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;
    use crate::dicom::Photometric;

    fn layout(bits: u8, columns: u32, samples: u16) -> Layout {
        let photometric = if samples == 1 { Photometric::Monochrome2 } else { Photometric::Rgb };
        Layout {
            rows: 1,
            columns,
            frames: 1,
            samples,
            photometric,
            planar: false,
            bits_allocated: bits,
            bits_stored: bits,
            high_bit: bits - 1,
            signed: false,
            real: false,
        }
    }

    /// The plainest encoder: runs where two bytes are the same, literals of one byte otherwise.
    fn encode(planes: &[Vec<u8>]) -> Vec<u8> {
        let mut body = Vec::new();
        let mut words = vec![planes.len() as u32];
        for plane in planes {
            words.push((HEADER + body.len()) as u32);
            let mut rest = plane.as_slice();
            while let Some(&byte) = rest.first() {
                let run = rest.iter().take(128).take_while(|&&b| b == byte).count();
                if run == 1 {
                    body.extend([0, byte]);
                } else {
                    body.extend([(257 - run) as u8, byte]);
                }
                rest = &rest[run..];
            }
            if body.len() % 2 == 1 {
                body.push(128);
            }
        }
        words.resize(16, 0);
        words.into_iter().flat_map(u32::to_le_bytes).chain(body).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_packed_comes_back(values in prop::collection::vec(any::<u32>().prop_map(|v| v & 0x0303_0303), 3..200)) {
            let values = &values[..values.len() / 3 * 3];
            for (bits, samples) in [(8u8, 1u16), (8, 3), (16, 1), (16, 3), (32, 1), (32, 3)] {
                let columns = values.len() as u32 / u32::from(samples);
                let bytes = bits / 8;
                let plane = |s: usize, b: u8| -> Vec<u8> {
                    let pixels = values.chunks(samples.into());
                    pixels.map(|p| (p[s] >> (8 * (bytes - 1 - b))) as u8).collect()
                };
                let planes: Vec<_> = (0..usize::from(samples)).flat_map(|s| (0..bytes).map(move |b| (s, b))).collect();
                let frame = encode(&planes.into_iter().map(|(s, b)| plane(s, b)).collect::<Vec<_>>());
                let decoded = decode(&frame, &layout(bits, columns, samples)).unwrap();
                let expected = match bits {
                    8 => Pixels::U8(values.iter().map(|&v| v as u8).collect()),
                    16 => Pixels::U16(values.iter().map(|&v| v as u16).collect()),
                    _ => Pixels::U32(values.to_vec()),
                };
                prop_assert_eq!(decoded.pixels, expected);
            }
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(frame in prop::collection::vec(any::<u8>(), 0..300), segments in 0u8..4) {
            let mut frame = frame;
            if frame.len() > 64 {
                frame[..64].fill(0);
                frame[0] = segments;
                for s in 0..usize::from(segments) {
                    frame[4 + 4 * s] = 64 + 20 * s as u8;
                }
            }
            for (bits, samples) in [(8, 1), (16, 1), (8, 3)] {
                let _ = decode(&frame, &layout(bits, 50, samples));
            }
        }
    }
}
