use crate::{Color, Image, Samples};

impl Image {
    /// Gives the picture in grey or in red, green and blue, at the same depth.
    ///
    /// Grey becomes three equal channels. Colour becomes Rec. 601 luma with the integer weights and the rounding of
    /// Pillow's `convert("L")`, for 16 bits too; for real values the same weights without rounding.
    #[must_use]
    pub fn to_color(&self, to: Color) -> Self {
        let this = self.shown();
        let samples = match (this.color(), to) {
            (Color::Grey, Color::Rgb) => match this.samples() {
                Samples::U8(v) => Samples::U8(triple(v)),
                Samples::U16(v) => Samples::U16(triple(v)),
                Samples::F32(v) => Samples::F32(triple(v)),
            },
            (Color::Rgb, Color::Grey) => match this.samples() {
                Samples::U8(v) => Samples::U8(single(v, |r, g, b| luma(r.into(), g.into(), b.into()) as u8)),
                Samples::U16(v) => Samples::U16(single(v, |r, g, b| luma(r.into(), g.into(), b.into()) as u16)),
                Samples::F32(v) => Samples::F32(single(v, real_luma)),
            },
            (Color::Grey, Color::Grey) | (Color::Rgb, Color::Rgb) => this.samples().clone(),
        };
        self.with_samples(to, samples)
    }
}

/// Rec. 601: 0.299, 0.587 and 0.114 in 1/65,536 (Pillow, `libImaging/Convert.c`).
const RED: u32 = 19_595;
const GREEN: u32 = 38_470;
const BLUE: u32 = 7_471;

fn luma(red: u32, green: u32, blue: u32) -> u32 {
    // The weights sum to 65,536: three 16-bit samples and the half still fit into 32 bits.
    (red * RED + green * GREEN + blue * BLUE + 0x8000) >> 16
}

fn real_luma(red: f32, green: f32, blue: f32) -> f32 {
    let sum = f64::from(red) * f64::from(RED) + f64::from(green) * f64::from(GREEN) + f64::from(blue) * f64::from(BLUE);
    (sum / 65_536.0) as f32
}

fn triple<T: Copy>(grey: &[T]) -> Vec<T> {
    grey.iter().flat_map(|&v| [v, v, v]).collect()
}

fn single<T: Copy>(rgb: &[T], luma: impl Fn(T, T, T) -> T) -> Vec<T> {
    rgb.chunks_exact(3).map(|pixel| luma(pixel[0], pixel[1], pixel[2])).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn grey_survives_the_way_to_colour_and_back(v in any::<u16>(), w in any::<u8>()) {
            prop_assert_eq!(luma(v.into(), v.into(), v.into()), u32::from(v));
            prop_assert_eq!(luma(w.into(), w.into(), w.into()), u32::from(w));
        }
    }

    #[test]
    fn real_values_take_the_same_weights() {
        assert!((real_luma(1.0, 0.0, 0.0) - 0.299).abs() < 1e-5);
        assert!((real_luma(-1000.0, -1000.0, -1000.0) + 1000.0).abs() < 1e-9);
    }
}
