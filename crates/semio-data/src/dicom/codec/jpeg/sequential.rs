//! Sequential JPEG of 8 and 12 bits (T.81, annex F), in which all coefficients of a block come in one scan.

use super::{
    Fault, Picture,
    huffman::{Bits, Table},
    transform::Transform,
    upsample::upsampled,
};

/// T.81, figure A.6: where the coefficients of a block lie, by the order in which they come.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// The samples of one component, in whole blocks.
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) samples: Vec<u16>,
}

/// Decodes the samples of all components, those of a pixel side by side; reduced ones are spread as libjpeg does.
pub(super) fn decode(picture: &mut Picture) -> Result<Vec<u16>, Fault> {
    let frame = picture.frame.clone();
    let (width, height) = (usize::from(frame.width), usize::from(frame.height));
    let factor = |of: fn(&super::Component) -> usize| frame.components.iter().map(of).max().unwrap_or(1);
    let (most_across, most_down) = (factor(|c| c.horizontal), factor(|c| c.vertical));
    let units = (width.div_ceil(8 * most_across), height.div_ceil(8 * most_down));
    let mut planes: Vec<Plane> = frame
        .components
        .iter()
        .map(|c| {
            let width = units.0 * c.horizontal * 8;
            Plane { width, samples: vec![0; width * units.1 * c.vertical * 8] }
        })
        .collect();
    let transform = Transform::new(frame.bits);
    let mut done = 0;
    while done < frame.components.len() {
        let header = picture.scan()?;
        let mut bits = Bits::new(picture.stream, header.at);
        let mut parts = vec![];
        for &(place, tables) in &header.components {
            let component = &frame.components[place];
            let part = || {
                let dc = picture.dc.get(usize::from(tables >> 4))?.as_ref()?;
                let ac = picture.ac.get(usize::from(tables & 15))?.as_ref()?;
                Some(Part { place, dc, ac, steps: picture.quantization[component.quantization]?, last: 0 })
            };
            parts.push(part().ok_or_else(|| Fault::broken("a table is missing"))?);
        }
        // One component alone comes block by block, without those that only fill up its units (T.81, A.2.2).
        let alone = parts.len() == 1;
        let (across, down) = match (alone, parts.first()) {
            (true, Some(part)) => {
                let c = &frame.components[part.place];
                let reduced = |side: usize, factor: usize, most: usize| (side * factor).div_ceil(most).div_ceil(8);
                (reduced(width, c.horizontal, most_across), reduced(height, c.vertical, most_down))
            }
            _ => units,
        };
        for unit in 0..across * down {
            if picture.restart > 0 && unit > 0 && unit % picture.restart == 0 {
                bits.restart()?;
                for part in &mut parts {
                    part.last = 0;
                }
            }
            let (x, y) = (unit % across, unit / across);
            for part in &mut parts {
                let component = &frame.components[part.place];
                let (wide, high) = if alone { (1, 1) } else { (component.horizontal, component.vertical) };
                for block in 0..wide * high {
                    let coefficients = part.block(&mut bits)?;
                    let plane = &mut planes[part.place];
                    let (column, row) = ((x * wide + block % wide) * 8, (y * high + block / wide) * 8);
                    let at = row * plane.width + column;
                    transform.apply(&coefficients, &mut plane.samples[at..], plane.width);
                }
            }
        }
        picture.at = bits.end();
        done += header.components.len();
    }
    let whole: Vec<Vec<u16>> = planes
        .into_iter()
        .zip(&frame.components)
        .map(|(plane, c)| {
            let reduced = |side: usize, factor: usize, most: usize| (side * factor).div_ceil(most);
            let size = (reduced(width, c.horizontal, most_across), reduced(height, c.vertical, most_down));
            upsampled(plane, size, (width, height), (most_across, c.horizontal), (most_down, c.vertical))
        })
        .collect();
    Ok(match <[Vec<u16>; 1]>::try_from(whole) {
        Ok([grey]) => grey,
        Err(planes) => (0..width * height).flat_map(|i| planes.iter().map(move |plane| plane[i])).collect(),
    })
}

/// One component in a scan.
struct Part<'a> {
    place: usize,
    dc: &'a Table,
    ac: &'a Table,
    steps: [u16; 64],
    /// The last block's first coefficient.
    last: i32,
}

impl Part<'_> {
    /// Decodes the coefficients of one block.
    fn block(&mut self, bits: &mut Bits) -> Result<[i32; 64], Fault> {
        let mut block = [0; 64];
        let count = bits.value(self.dc)?;
        if count > 15 {
            return Err(Fault::broken("a coefficient has more than 15 bits"));
        }
        // Sums of hostile differences may leave the range; they are wrong anyway, and must only not overflow.
        self.last = self.last.wrapping_add(bits.difference(count)?);
        block[0] = self.last.wrapping_mul(self.steps[0].into());
        let mut place = 1;
        while place < 64 {
            let code = bits.value(self.ac)?;
            let (zeros, count) = (usize::from(code >> 4), code & 15);
            if count == 0 {
                if zeros != 15 {
                    break;
                }
                place += 16;
                continue;
            }
            place += zeros;
            let coefficient = bits.difference(count)?;
            let (Some(&at), Some(&step)) = (ZIGZAG.get(place), self.steps.get(place)) else {
                return Err(Fault::broken("a block has more than 64 coefficients"));
            };
            block[usize::from(at)] = coefficient.wrapping_mul(step.into());
            place += 1;
        }
        Ok(block)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use sha2::{Digest, Sha256};

    use super::*;

    /// Pillow 13.0 with libjpeg-turbo 3.2: `im.draft("YCbCr", im.size)`, SHA-256 of the bytes; the picture of 4:2:2 is
    /// `Image.open("ycbcr444.jpg").crop((0, 0, 37, 29)).save("ycbcr422.jpg", quality=88, subsampling=1)`.
    #[test]
    fn samples_are_those_of_libjpeg() {
        for (stream, expected) in [
            (&include_bytes!("../../../../tests/fixtures/raster/ycbcr444.jpg")[..], 0xf20d_48db_bf7f_dc28),
            (include_bytes!("../../../../tests/fixtures/raster/ycbcr422.jpg"), 0xe97f_fd66_2cf2_b3bf),
            (include_bytes!("../../../../tests/fixtures/raster/ycbcr420.jpg"), 0xa3ea_e2ef_ac60_91d4),
            (include_bytes!("../../../../tests/fixtures/raster/restart.jpg"), 0xf20d_48db_bf7f_dc28),
        ] {
            let samples = decode(&mut Picture::read(stream).unwrap()).unwrap();
            let bytes: Vec<u8> = samples.into_iter().map(|v| v as u8).collect();
            let digest = Sha256::digest(&bytes);
            assert_eq!(u64::from_be_bytes(std::array::from_fn(|i| digest[i])), expected);
        }
    }
}
