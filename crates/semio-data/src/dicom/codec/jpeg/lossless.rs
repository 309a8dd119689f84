//! Lossless JPEG (T.81, annex H).

use super::{
    Fault, Picture,
    huffman::{Bits, Differences, Table},
};

/// Decodes the samples of all components, those of a pixel side by side.
pub(super) fn decode(picture: &mut Picture) -> Result<Vec<u16>, Fault> {
    let (width, height) = (usize::from(picture.frame.width), usize::from(picture.frame.height));
    let components = picture.frame.components.len();
    if picture.frame.components.iter().any(|c| (c.horizontal, c.vertical) != (1, 1)) && components > 1 {
        return Err(Fault::unsupported("lossless JPEG with reduced components"));
    }
    let mut samples = vec![0u16; width * height * components];
    let mut done = 0;
    while done < components {
        let header = picture.scan()?;
        let (predictor, transform) = (header.start, u32::from(header.low));
        let bits = u32::from(picture.frame.bits);
        if !(1..=7).contains(&predictor) || transform >= bits {
            return Err(Fault::broken("its predictor makes no sense"));
        }
        let tables: Option<Vec<(usize, &Table)>> = header
            .components
            .iter()
            .map(|&(place, tables)| Some((place, picture.dc.get(usize::from(tables >> 4))?.as_ref()?)))
            .collect();
        let tables = tables.ok_or_else(|| Fault::broken("a Huffman table is missing"))?;
        let mut bits = Bits::new(picture.stream, header.at);
        let scan = Scan {
            tables: tables.into_iter().map(|(place, table)| (place, Differences::new(table))).collect(),
            predictor,
            transform,
            middle: 1 << (u32::from(picture.frame.bits) - transform - 1),
            restart: picture.restart,
            width,
            components,
        };
        scan.decode(&mut bits, &mut samples)?;
        picture.at = bits.end();
        done += header.components.len();
    }
    Ok(samples)
}

struct Scan<'a> {
    /// The place of each component among those of a pixel, and its table.
    tables: Vec<(usize, Differences<'a>)>,
    predictor: u8,
    transform: u32,
    /// What the first sample is predicted by.
    middle: i32,
    restart: usize,
    width: usize,
    components: usize,
}

impl Scan<'_> {
    fn decode(&self, bits: &mut Bits, samples: &mut [u16]) -> Result<(), Fault> {
        let plain = self.transform == 0 && self.restart == 0;
        match self.tables.as_slice() {
            [(0, table)] if plain && self.components == 1 => self.lines(bits, [table], samples.as_chunks_mut().0),
            [(0, r), (1, g), (2, b)] if plain && self.components == 3 => {
                self.lines(bits, [r, g, b], samples.as_chunks_mut().0)
            }
            _ => self.any(bits, samples),
        }
    }

    /// Lines of whole pixels without restarts, as nearly all files have them.
    fn lines<const N: usize>(
        &self,
        bits: &mut Bits,
        tables: [&Differences; N],
        pixels: &mut [[u16; N]],
    ) -> Result<(), Fault> {
        let mut lines = pixels.chunks_exact_mut(self.width);
        let Some(first) = lines.next() else { return Ok(()) };
        let mut left = [self.middle as u16; N];
        for pixel in first.iter_mut() {
            for (left, table) in left.iter_mut().zip(tables) {
                *left = (i32::from(*left) + bits.coded(table)?) as u16;
            }
            *pixel = left;
        }
        let mut above: &[[u16; N]] = first;
        for line in lines {
            match self.predictor {
                1 => predicted(bits, tables, line, above, |a, _, _| a)?,
                2 => predicted(bits, tables, line, above, |_, b, _| b)?,
                3 => predicted(bits, tables, line, above, |_, _, c| c)?,
                4 => predicted(bits, tables, line, above, |a, b, c| a + b - c)?,
                5 => predicted(bits, tables, line, above, |a, b, c| a + ((b - c) >> 1))?,
                6 => predicted(bits, tables, line, above, |a, b, c| b + ((a - c) >> 1))?,
                _ => predicted(bits, tables, line, above, |a, b, _| (a + b) >> 1)?,
            }
            above = line;
        }
        Ok(())
    }

    /// The same for all that the standard allows: scans of one component, restarts, fewer bits.
    fn any(&self, bits: &mut Bits, samples: &mut [u16]) -> Result<(), Fault> {
        let row_length = self.width * self.components;
        let mut until_restart = self.restart;
        // The line in which the bits began anew is predicted from the left, its first sample from nothing.
        let mut fresh_row = 0;
        let mut fresh_column = 0;
        for (y, start) in (0..samples.len()).step_by(row_length).enumerate() {
            for x in 0..self.width {
                if self.restart > 0 && until_restart == 0 {
                    bits.restart()?;
                    until_restart = self.restart;
                    (fresh_row, fresh_column) = (y, x);
                }
                until_restart = until_restart.wrapping_sub(1);
                for (place, table) in &self.tables {
                    let at = start + x * self.components + place;
                    let sample = |at: usize| i32::from(samples[at] >> self.transform);
                    let prediction = if y == fresh_row && x == fresh_column {
                        self.middle
                    } else if y == fresh_row {
                        sample(at - self.components)
                    } else if x == 0 {
                        sample(at - row_length)
                    } else {
                        let (a, b) = (sample(at - self.components), sample(at - row_length));
                        let c = sample(at - row_length - self.components);
                        match self.predictor {
                            1 => a,
                            2 => b,
                            3 => c,
                            4 => a + b - c,
                            5 => a + ((b - c) >> 1),
                            6 => b + ((a - c) >> 1),
                            _ => (a + b) >> 1,
                        }
                    };
                    // Modulo 65,536 (T.81, H.1.2.1).
                    samples[at] = ((prediction + bits.coded(table)?) as u16) << self.transform;
                }
            }
        }
        Ok(())
    }
}

/// Decodes a line below another one; its first pixel is predicted from above.
#[inline]
fn predicted<const N: usize>(
    bits: &mut Bits,
    tables: [&Differences; N],
    line: &mut [[u16; N]],
    above: &[[u16; N]],
    predict: impl Fn(i32, i32, i32) -> i32,
) -> Result<(), Fault> {
    let (mut left, mut corner) = ([0; N], [0; N]);
    for (x, (pixel, &up)) in line.iter_mut().zip(above).enumerate() {
        for ((left, table), (b, c)) in left.iter_mut().zip(tables).zip(up.into_iter().zip(corner)) {
            let [a, b, c] = [*left, b, c].map(i32::from);
            let prediction = if x == 0 { b } else { predict(a, b, c) };
            // Modulo 65,536 (T.81, H.1.2.1).
            *left = (prediction + bits.coded(table)?) as u16;
        }
        *pixel = left;
        corner = up;
    }
    Ok(())
}
