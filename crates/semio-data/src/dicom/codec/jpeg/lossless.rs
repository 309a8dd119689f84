//! Lossless JPEG (T.81, annex H).

use super::{
    Fault, Picture,
    huffman::{Bits, Table},
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
            tables,
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
    tables: Vec<(usize, &'a Table)>,
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
                for &(place, table) in &self.tables {
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
                    let difference = match bits.value(table)? {
                        16 => 32_768,
                        count @ 0..=15 => bits.difference(count)?,
                        _ => return Err(Fault::broken("a difference has more than 16 bits")),
                    };
                    // Modulo 65,536 (T.81, H.1.2.1).
                    samples[at] = ((prediction + difference) as u16) << self.transform;
                }
            }
        }
        Ok(())
    }
}
