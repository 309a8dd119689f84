//! Numbers of colours → colours (DICOM PS3.3, C.7.6.3.1.5, C.7.6.3.1.6 and C.7.9.2).

use semio_image::{Color, Image, ImageError, Samples};

use super::{DicomError, DicomFile, Tag};

/// A colour table: three columns of the same length.
pub(super) struct Palette {
    /// The number of the first colour.
    first: f64,
    /// 8 or 16.
    bits: u8,
    columns: [Vec<u16>; 3],
}

impl Palette {
    /// Gives each number its colour; grey, where the table holds nothing but greys.
    pub(super) fn paint(
        &self,
        width: usize,
        height: usize,
        numbers: impl Iterator<Item = f64>,
    ) -> Result<Image, ImageError> {
        let [red, green, blue] = &self.columns;
        let last = red.len() - 1;
        // `as` saturates: numbers before the first colour take the first.
        let place = |number: f64| ((number - self.first) as usize).min(last);
        let (color, samples): (_, Vec<u16>) = if red == green && green == blue {
            (Color::Grey, numbers.map(|n| red[place(n)]).collect())
        } else {
            let colours = numbers.flat_map(|n| {
                let at = place(n);
                [red[at], green[at], blue[at]]
            });
            (Color::Rgb, colours.collect())
        };
        let samples = match self.bits {
            8 => Samples::U8(samples.into_iter().map(|v| v as u8).collect()),
            _ => Samples::U16(samples),
        };
        Image::new(width, height, color, samples)
    }
}

impl DicomFile<'_> {
    pub(super) fn palette(&self) -> Result<Palette, DicomError> {
        const NAME: &str = "Red Palette Color Lookup Table Descriptor";
        let descriptor = self.numbers(&self.data, Tag::RED_DESCRIPTOR);
        let &[count, first, bits, ..] = descriptor.as_slice() else {
            return Err(DicomError::Missing { tag: Tag::RED_DESCRIPTOR, name: NAME });
        };
        // Whatever the representation says, these are unsigned (PS3.3, C.7.6.3.1.5); 0 stands for 65,536.
        let count = usize::from(count as i32 as u16);
        let (count, bits) = (if count == 0 { 1 << 16 } else { count }, if bits as u8 == 8 { 8 } else { 16 });
        let column = |colour: u16| {
            let of = |tag: Tag| Tag(tag.0, tag.1 + colour);
            let plain = self.value(&self.data, of(Tag::RED_DATA)).map(|(bytes, _)| self.entries(bytes, count));
            let entries = plain.or_else(|| {
                let (bytes, _) = self.value(&self.data, of(Tag::RED_SEGMENTS))?;
                let words: Vec<u16> = match bits {
                    8 => bytes.iter().map(|&b| b.into()).collect(),
                    _ => bytes.as_chunks().0.iter().map(|&b| self.u16(b)).collect(),
                };
                Some(expand(&words, count))
            });
            let (tag, name) = (of(Tag::RED_DATA), "Palette Color Lookup Table Data");
            let entries = entries.ok_or(DicomError::Missing { tag, name })?;
            match entries.len() {
                held if held < count => {
                    Err(DicomError::value(tag, name, format!("{held} entries, but its descriptor says {count}")))
                }
                _ => Ok(entries),
            }
        };
        Ok(Palette { first, bits, columns: [column(0)?, column(1)?, column(2)?] })
    }

    /// The entries of a table: 16-bit ones, or 8-bit ones where the value is too short for that.
    pub(super) fn entries(&self, bytes: &[u8], count: usize) -> Vec<u16> {
        if bytes.len() >= count * 2 {
            bytes.as_chunks().0.iter().take(count).map(|&b| self.u16(b)).collect()
        } else {
            bytes.iter().take(count).map(|&b| b.into()).collect()
        }
    }
}

/// How many segments a table may be made of: each of the longest one's entries by a segment of its own, twice over. A
/// repetition names 65,535 in four words, and segments without an entry fill nothing.
const MOST_SEGMENTS: usize = 2 << 16;

/// Expands segments: 0 discrete, 1 linear, 2 a repetition of earlier ones (PS3.3, C.7.9.2). What is wrong ends it.
fn expand(words: &[u16], count: usize) -> Vec<u16> {
    let (mut entries, mut left) = (vec![], MOST_SEGMENTS);
    let mut at = 0;
    while at < words.len() && entries.len() < count {
        match words[at..] {
            [2, segments, low, high, ..] => {
                at += 4;
                // The offset counts bytes of words as wide as the entries; there are as many words before it.
                let mut from = (usize::from(high) << 16 | usize::from(low)) / 2;
                for _ in 0..segments {
                    let Some(length) = segment(words, from, count, &mut left, &mut entries) else { return entries };
                    from += length;
                }
            }
            _ => match segment(words, at, count, &mut left, &mut entries) {
                Some(length) => at += length,
                None => return entries,
            },
        }
    }
    entries.truncate(count);
    entries
}

/// Expands one discrete or linear segment and gives the words that it takes.
fn segment(words: &[u16], at: usize, count: usize, left: &mut usize, entries: &mut Vec<u16>) -> Option<usize> {
    *left = left.checked_sub(1)?;
    if entries.len() >= count {
        return None;
    }
    let (kind, length) = (*words.get(at)?, usize::from(*words.get(at + 1)?));
    match kind {
        0 => {
            entries.extend_from_slice(words.get(at + 2..at + 2 + length)?);
            Some(2 + length)
        }
        1 => {
            let (from, to) = (f64::from(*entries.last()?), f64::from(*words.get(at + 2)?));
            let step = (to - from) / length.max(1) as f64;
            entries.extend((1..=length).map(|i| (from + step * i as f64).round() as u16));
            Some(3)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_discrete_linear_or_repeated() {
        // Two entries, a line of three up to 8, and both again from word 0.
        let words = [0, 2, 1, 2, 1, 3, 8, 2, 2, 0, 0];
        assert_eq!(expand(&words, 10), [1, 2, 4, 6, 8, 1, 2, 4, 6, 8]);
        assert_eq!(expand(&words, 7), [1, 2, 4, 6, 8, 1, 2]);
        // A line without a beginning, a segment that ends early, an unknown kind.
        assert_eq!(expand(&[1, 3, 8], 10), []);
        assert_eq!(expand(&[0, 9, 1], 10), []);
        assert_eq!(expand(&[0, 1, 5, 7, 7], 10), [5]);
    }

    #[test]
    fn segments_without_an_entry_keep_nobody_busy() {
        // Half a megabyte: 65,535 empty segments, repeated 65,535 times each by 50,000 repetitions.
        let empty = vec![0; 131_072];
        let repeated = [2, 65_535, 0, 0].repeat(50_000);
        let started = std::time::Instant::now();
        assert_eq!(expand(&[empty, repeated].concat(), 256), []);
        assert!(started.elapsed().as_secs_f64() < 0.5, "{:?}", started.elapsed());
    }
}
