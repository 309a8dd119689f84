//! Where the bytes of a frame lie, and what stored values they hold.

use std::{
    borrow::Cow,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{
    DicomError, DicomFile, Layout, Photometric, Tag,
    codec::{self, Decoded, Pixels},
    color::{full_to_rgb, partial_to_rgb, spread_422},
    dataset::Value,
    syntax::Coding,
};

/// How many samples a coded frame may have whatever its size, and how many more for each of its bytes: a file of one
/// megabyte must not keep a machine busy.
const CODED_SAMPLES: usize = 16 << 20;
const CODED_SAMPLES_PER_BYTE: usize = 32;

/// One frame: stored values, rows from the top, pixels from the left, samples of a pixel side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// Samples a pixel: 1, or 3 for red, green and blue.
    pub samples: u16,
    /// `rows × columns × samples` values.
    pub values: Values,
}

/// Stored values in the type that holds them.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is the vector's type")]
pub enum Values {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// Does the same with the vector of each type.
macro_rules! each {
    ($values:expr, $v:ident => $body:expr) => {
        match $values {
            Values::U8($v) => $body,
            Values::I8($v) => $body,
            Values::U16($v) => $body,
            Values::I16($v) => $body,
            Values::U32($v) => $body,
            Values::I32($v) => $body,
            Values::F32($v) => $body,
            Values::F64($v) => $body,
        }
    };
}

impl Values {
    /// The values as real numbers, which hold each of them exactly.
    pub fn numbers(&self) -> Box<dyn Iterator<Item = f64> + '_> {
        match self {
            Self::F64(v) => Box::new(v.iter().copied()),
            Self::U8(v) => Box::new(v.iter().map(|&v| v.into())),
            Self::I8(v) => Box::new(v.iter().map(|&v| v.into())),
            Self::U16(v) => Box::new(v.iter().map(|&v| v.into())),
            Self::I16(v) => Box::new(v.iter().map(|&v| v.into())),
            Self::U32(v) => Box::new(v.iter().map(|&v| v.into())),
            Self::I32(v) => Box::new(v.iter().map(|&v| v.into())),
            Self::F32(v) => Box::new(v.iter().map(|&v| v.into())),
        }
    }

    /// The smallest and the largest value; `None` where no value is a number.
    pub fn span(&self) -> Option<(f64, f64)> {
        fn of<T: Copy + PartialOrd + Into<f64>>(values: &[T]) -> Option<(f64, f64)> {
            let mut finite = values.iter().copied().filter(|v| v.partial_cmp(v).is_some());
            let first = finite.next()?;
            let less = |a: T, b: T| if b < a { b } else { a };
            let more = |a: T, b: T| if b > a { b } else { a };
            let (low, high) = finite.fold((first, first), |(low, high), v| (less(low, v), more(high, v)));
            Some((low.into(), high.into()))
        }
        each!(self, v => of(v))
    }

    /// The values' bytes, little endian.
    pub fn to_le_bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::U8(v) => Cow::Borrowed(v),
            Self::I8(v) => v.iter().map(|v| v.cast_unsigned()).collect(),
            Self::U16(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::I16(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::U32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::I32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::F32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::F64(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        each!(self, v => v.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl DicomFile<'_> {
    /// Decodes the stored values of one frame, counted from 0.
    ///
    /// Colour differences become red, green and blue; a palette is not applied. Bits beyond the stored ones are left
    /// out, and the sign is carried on.
    ///
    /// # Errors
    /// [`DicomError`] says which element is absent or makes no sense, which transfer syntax is not read, or what is
    /// wrong with the coded pixels.
    pub fn frame(&self, frame: u32) -> Result<Frame, DicomError> {
        self.frame_reduced(frame, None)
    }

    /// The frame at the lowest of its resolutions that has at least `enough` columns and rows.
    pub(super) fn frame_reduced(&self, frame: u32, enough: Option<(usize, usize)>) -> Result<Frame, DicomError> {
        let layout = self.layout()?.ok_or_else(|| self.no_pixels())?;
        self.decoded(layout, frame, enough)
    }

    /// A whole frame where the layout is known: to find it again for each of 500,000 frames takes longer than to decode
    /// them.
    pub(crate) fn frame_of(&self, layout: &Layout, frame: u32) -> Result<Frame, DicomError> {
        self.decoded(layout.clone(), frame, None)
    }

    fn decoded(&self, mut layout: Layout, frame: u32, enough: Option<(usize, usize)>) -> Result<Frame, DicomError> {
        if frame >= layout.frames {
            return Err(DicomError::NoFrame { frame, frames: layout.frames });
        }
        let syntax = self.transfer_syntax();
        let native = syntax.is_native() || layout.real;
        let decode = || if native { self.native(&layout, frame) } else { self.coded(&mut layout, frame, enough) };
        // The decoders are written not to panic, and one file out of 100,000 that finds a way must not end the run.
        let values =
            catch_unwind(AssertUnwindSafe(decode)).map_err(|_| DicomError::Panicked { syntax: syntax.clone() })??;
        let Layout { rows, columns, samples, .. } = layout;
        if values.len() != layout.frame_samples() {
            return Err(self.broken(format!("{} samples instead of {}", values.len(), layout.frame_samples())));
        }
        Ok(Frame { rows, columns, samples, values })
    }

    pub(super) fn broken(&self, reason: impl Into<String>) -> DicomError {
        DicomError::Broken { syntax: self.transfer_syntax().clone(), reason: reason.into() }
    }

    fn native(&self, layout: &Layout, frame: u32) -> Result<Values, DicomError> {
        let tag = self.pixels().unwrap_or(Tag::PIXELS);
        let Some(element) = self.data.get(tag) else { return Err(self.no_pixels()) };
        let Value::Bytes(range) = &element.value else {
            return Err(self.broken("they lie in fragments, which only compressed ones do"));
        };
        let bytes = &self.bytes[range.clone()];
        // PS3.5, 8.1.1 and annex A: of two 8-bit samples in one word the first is the lower one, and words are turned.
        let words = self.encoding.big_endian && layout.bits_allocated <= 8 && element.vr == Some(*b"OW");
        let (bytes, range) = if words {
            let span = bit_range(layout, frame);
            let (start, end) = (span.start / 16 * 2, (span.end.div_ceil(16) * 2).min(bytes.len() & !1));
            let turned = bytes.get(start..end).ok_or(DicomError::CutShort { tag })?;
            let turned: Vec<u8> = turned.as_chunks::<2>().0.iter().flat_map(|&[a, b]| [b, a]).collect();
            (Cow::Owned(turned), span.start - start * 8..span.end - start * 8)
        } else {
            (Cow::Borrowed(bytes), bit_range(layout, frame))
        };
        if range.end.div_ceil(8) > bytes.len() {
            return Err(DicomError::CutShort { tag });
        }
        Ok(self.unpack(layout, &bytes, range))
    }

    /// Uncompressed bits → values.
    fn unpack(&self, layout: &Layout, bytes: &[u8], bits: Range<usize>) -> Values {
        if layout.bits_allocated == 1 {
            return Values::U8(bits.map(|bit| (bytes[bit / 8] >> (bit % 8)) & 1).collect());
        }
        let bytes = &bytes[bits.start / 8..bits.end / 8];
        if layout.real {
            return match layout.bits_allocated {
                32 => Values::F32(bytes.as_chunks().0.iter().map(|&b| f32::from_bits(self.u32(b))).collect()),
                _ => Values::F64(bytes.as_chunks().0.iter().map(|&b| f64::from_bits(self.u64(b))).collect()),
            };
        }
        let pixels = match layout.bits_allocated {
            8 if is_422(layout.photometric) => Pixels::U8(spread_422(bytes)),
            8 => Pixels::U8(interleaved(bytes.to_vec(), layout)),
            16 => Pixels::U16(interleaved(bytes.as_chunks().0.iter().map(|&b| self.u16(b)).collect(), layout)),
            _ => Pixels::U32(interleaved(bytes.as_chunks().0.iter().map(|&b| self.u32(b)).collect(), layout)),
        };
        let bits = layout.high_bit + 1;
        typed(Decoded { pixels, bits, rgb: false }, layout)
    }

    /// Coded bytes → values. A frame that comes at a lower resolution changes the layout's rows and columns.
    fn coded(&self, layout: &mut Layout, frame: u32, enough: Option<(usize, usize)>) -> Result<Values, DicomError> {
        let coding = self.transfer_syntax().coding;
        let refused =
            |reason: &str| DicomError::Unsupported { syntax: self.transfer_syntax().clone(), reason: reason.into() };
        match coding {
            Coding::Refused => return Err(refused("there is no decoder for it here")),
            Coding::Unknown => return Err(refused("it is not known")),
            _ => {}
        }
        let bytes = self.frame_bytes(layout.frames, frame)?;
        let samples = layout.frame_samples();
        if samples > CODED_SAMPLES.max(bytes.len().saturating_mul(CODED_SAMPLES_PER_BYTE)) {
            let (what, limit) = (format!("{samples} samples out of {} bytes", bytes.len()), "32 for each byte".into());
            return Err(DicomError::Limit { what, limit });
        }
        let native = |bytes: &[u8]| {
            let bits = 0..bit_range(layout, 0).end;
            if bits.end.div_ceil(8) > bytes.len() {
                return Err(self.broken("the frame ends early"));
            }
            Ok(self.unpack(layout, bytes, bits))
        };
        let decoded = match coding {
            Coding::Encapsulated => return native(&bytes),
            Coding::Deflated => {
                let limit = bit_range(layout, 0).end.div_ceil(8) + 1;
                let inflated = miniz_oxide::inflate::decompress_to_vec_with_limit(&bytes, limit);
                return native(&inflated.map_err(|_| self.broken("the frame cannot be inflated"))?);
            }
            Coding::Rle if layout.bits_allocated == 1 => {
                let packed = codec::rle::segment(&bytes, samples.div_ceil(8)).map_err(|e| self.codec_error(e))?;
                return native(&packed);
            }
            Coding::Rle => codec::rle::decode(&bytes, layout),
            Coding::Jpeg => codec::jpeg::decode(&bytes, layout),
            Coding::JpegLs => codec::jpeg_ls::decode(&bytes, layout),
            Coding::Jpeg2000 | Coding::HighThroughput => codec::jpeg2000::decode(&bytes, layout, enough),
            Coding::Native | Coding::Refused | Coding::Unknown => return Err(refused("it has no coded pixels")),
        };
        Ok(typed(decoded.map_err(|e| self.codec_error(e))?, layout))
    }

    fn codec_error(&self, fault: codec::Fault) -> DicomError {
        match fault {
            codec::Fault::Broken(reason) => self.broken(reason),
            codec::Fault::Unsupported(reason) => {
                DicomError::Unsupported { syntax: self.transfer_syntax().clone(), reason }
            }
        }
    }

    /// The coded bytes of one frame (PS3.5, annex A.4).
    fn frame_bytes(&self, frames: u32, frame: u32) -> Result<Cow<'_, [u8]>, DicomError> {
        let fragments = match self.data.get(Tag::PIXELS).map(|e| &e.value) {
            Some(Value::Fragments(fragments)) => fragments.as_slice(),
            // A writer that put coded pixels as if they were native ones.
            Some(Value::Bytes(range)) if frames == 1 => return Ok(Cow::Borrowed(&self.bytes[range.clone()])),
            _ => return Err(self.broken("they do not lie in fragments, as compressed ones do")),
        };
        let Some((table, fragments)) = fragments.split_first() else {
            return Err(DicomError::CutShort { tag: Tag::PIXELS });
        };
        let (frames, frame) = (frames as usize, frame as usize);
        let chosen = match fragments.len() {
            _ if frames == 1 => fragments,
            count if count == frames => &fragments[frame..=frame],
            _ => self.fragments_of(fragments, table, frames, frame).ok_or_else(|| {
                self.broken(format!("{} fragments do not tell where {frames} frames begin", fragments.len()))
            })?,
        };
        match chosen {
            [] => Err(DicomError::CutShort { tag: Tag::PIXELS }),
            [single] => Ok(Cow::Borrowed(&self.bytes[single.clone()])),
            several => Ok(Cow::Owned(several.iter().flat_map(|f| &self.bytes[f.clone()]).copied().collect())),
        }
    }

    /// The fragments of one frame.
    fn fragments_of<'s>(
        &self,
        fragments: &'s [Range<usize>],
        table: &Range<usize>,
        frames: usize,
        frame: usize,
    ) -> Option<&'s [Range<usize>]> {
        let starts = self.starts.get_or_init(|| self.starts_of(fragments, table, frames)).as_ref()?;
        let end = starts.get(frame + 1).copied().unwrap_or(fragments.len());
        fragments.get(*starts.get(frame)?..end)
    }

    /// Which fragment each frame begins with, by the extended or the basic offset table, or else by how coded pictures
    /// begin. Found for all frames at once, or a file of many would be read as often as it has frames.
    fn starts_of(&self, fragments: &[Range<usize>], table: &Range<usize>, frames: usize) -> Option<Vec<usize>> {
        let base = fragments.first()?.start;
        let extended = self.value(&self.data, Tag::FRAME_OFFSETS).map(|(bytes, _)| bytes).unwrap_or_default();
        let mut offsets: Vec<u64> = extended.as_chunks().0.iter().map(|&b| self.u64(b)).collect();
        if offsets.len() != frames {
            let basic = &self.bytes[table.clone()];
            offsets = basic.as_chunks().0.iter().map(|&b| self.u32(b).into()).collect();
        }
        let starts: Vec<usize> = if offsets.len() == frames {
            let index = |offset: &u64| fragments.partition_point(|f| ((f.start - base) as u64) < *offset);
            offsets.iter().map(index).collect()
        } else {
            let begins = |f: &Range<usize>| {
                let start = &self.bytes[f.clone()];
                start.starts_with(b"\xff\xd8\xff") || start.starts_with(b"\xff\x4f\xff\x51")
            };
            fragments.iter().enumerate().filter(|(_, f)| begins(f)).map(|(index, _)| index).collect()
        };
        // Frames that overlap would be joined anew for each, whatever their number.
        (starts.len() == frames && starts.is_sorted()).then_some(starts)
    }
}

fn is_422(photometric: Photometric) -> bool {
    matches!(photometric, Photometric::YbrFull422 | Photometric::YbrPartial422)
}

/// The bits of one uncompressed frame; frames of 1-bit samples follow each other without a gap.
fn bit_range(layout: &Layout, frame: u32) -> Range<usize> {
    let samples = match layout.photometric {
        photometric if is_422(photometric) => layout.rows as usize * (layout.columns as usize).div_ceil(2) * 4,
        _ => layout.frame_samples(),
    };
    let bits = samples * usize::from(layout.bits_allocated);
    let start = bits.saturating_mul(frame as usize);
    start..start.saturating_add(bits)
}

/// Puts planes into pixels.
fn interleaved<T: Copy>(samples: Vec<T>, layout: &Layout) -> Vec<T> {
    if !layout.planar {
        return samples;
    }
    let pixels = samples.len() / 3;
    (0..pixels).flat_map(|i| [samples[i], samples[pixels + i], samples[2 * pixels + i]]).collect()
}

/// Decoded numbers → stored values: unused bits away, sign carried on, colours to red, green and blue.
fn typed(decoded: Decoded, layout: &Layout) -> Values {
    let Decoded { pixels, bits, rgb } = decoded;
    let convert = layout.samples == 3 && !rgb && !matches!(layout.photometric, Photometric::Rgb);
    let stored = layout.bits_stored.min(bits);
    // How far values lie above the lowest bit; only uncompressed ones do.
    let shift = u32::from(bits.saturating_sub(layout.bits_stored));
    let shift = if bits == layout.high_bit + 1 { shift } else { 0 };
    macro_rules! finish {
        ($v:expr, $unsigned:ident, $signed:ident, $U:ident, $I:ident) => {{
            let mut v: Vec<$unsigned> = $v;
            let unused = $unsigned::BITS - u32::from(stored);
            if layout.signed {
                let carry = |v: $unsigned| ((v >> shift) << unused).cast_signed() >> unused;
                return Values::$I(v.into_iter().map(carry).collect());
            }
            if unused > 0 || shift > 0 {
                for v in &mut v {
                    *v = ((*v >> shift) << unused) >> unused;
                }
            }
            v
        }};
    }
    match (pixels, layout.bits_allocated) {
        (Pixels::U8(v), ..=8) => {
            let mut v = finish!(v, u8, i8, U8, I8);
            match layout.photometric {
                Photometric::YbrPartial422 if convert => partial_to_rgb(&mut v),
                _ if convert => full_to_rgb(&mut v),
                _ => {}
            }
            Values::U8(v)
        }
        (Pixels::U16(v), ..=8) => Values::U8(finish!(v.into_iter().map(|v| v as u8).collect(), u8, i8, U8, I8)),
        (Pixels::U32(v), ..=8) => Values::U8(finish!(v.into_iter().map(|v| v as u8).collect(), u8, i8, U8, I8)),
        (Pixels::U8(v), 16) => Values::U16(finish!(v.into_iter().map(u16::from).collect(), u16, i16, U16, I16)),
        (Pixels::U16(v), 16) => {
            let mut v = finish!(v, u16, i16, U16, I16);
            if convert {
                full_to_rgb(&mut v);
            }
            Values::U16(v)
        }
        (Pixels::U32(v), 16) => Values::U16(finish!(v.into_iter().map(|v| v as u16).collect(), u16, i16, U16, I16)),
        (Pixels::U8(v), _) => Values::U32(finish!(v.into_iter().map(u32::from).collect(), u32, i32, U32, I32)),
        (Pixels::U16(v), _) => Values::U32(finish!(v.into_iter().map(u32::from).collect(), u32, i32, U32, I32)),
        (Pixels::U32(v), _) => Values::U32(finish!(v, u32, i32, U32, I32)),
    }
}
