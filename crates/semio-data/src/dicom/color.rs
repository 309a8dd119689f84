//! Luma and colour differences → red, green and blue (DICOM PS3.3, C.7.6.3.1.2; ITU-R BT.601).

/// A sample that conversions can be made with.
pub(super) trait Sample: Copy {
    /// One half of the range, where colour differences are zero.
    const MIDDLE: f32;
    /// The largest sample.
    const MAX: f32;
    fn to_f32(self) -> f32;
    fn of(value: f32) -> Self;
}

impl Sample for u8 {
    const MIDDLE: f32 = 128.0;
    const MAX: f32 = 255.0;
    fn to_f32(self) -> f32 {
        self.into()
    }
    fn of(value: f32) -> Self {
        value as u8
    }
}

impl Sample for u16 {
    const MIDDLE: f32 = 32_768.0;
    const MAX: f32 = 65_535.0;
    fn to_f32(self) -> f32 {
        self.into()
    }
    fn of(value: f32) -> Self {
        value as u16
    }
}

/// Converts pixels of the full range in place.
pub(super) fn full_to_rgb<T: Sample>(samples: &mut [T]) {
    for pixel in samples.as_chunks_mut::<3>().0 {
        let [y, cb, cr] = pixel.map(T::to_f32);
        *pixel = rgb(y, cb - T::MIDDLE, cr - T::MIDDLE);
    }
}

/// Converts 8-bit pixels of the range of television (luma 16 to 235, differences 16 to 240) in place.
pub(super) fn partial_to_rgb(samples: &mut [u8]) {
    for pixel in samples.as_chunks_mut::<3>().0 {
        let [y, cb, cr] = pixel.map(f32::from);
        let wide = 255.0 / 224.0;
        *pixel = rgb((y - 16.0) * (255.0 / 219.0), (cb - 128.0) * wide, (cr - 128.0) * wide);
    }
}

fn rgb<T: Sample>(y: f32, cb: f32, cr: f32) -> [T; 3] {
    let green = y - (0.114 * 1.772 / 0.587) * cb - (0.299 * 1.402 / 0.587) * cr;
    [y + 1.402 * cr, green, y + 1.772 * cb].map(|v| T::of((v + 0.5).floor().clamp(0.0, T::MAX)))
}

/// Y Y Cb Cr for two pixels → Y Cb Cr for each.
pub(super) fn spread_422(samples: &[u8]) -> Vec<u8> {
    samples.as_chunks::<4>().0.iter().flat_map(|&[y0, y1, cb, cr]| [y0, cb, cr, y1, cb, cr]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_pydicom() {
        // pydicom 3.0.2, convert_color_space(…, "YBR_FULL", "RGB")
        let mut pixels = [76u8, 85, 255, 149, 43, 21, 29, 255, 107, 128, 128, 128];
        full_to_rgb(&mut pixels);
        assert_eq!(pixels, [254, 0, 0, 0, 255, 0, 0, 0, 254, 128, 128, 128]);
        let mut black_and_white = [16u8, 128, 128, 235, 128, 128];
        partial_to_rgb(&mut black_and_white);
        assert_eq!(black_and_white, [0, 0, 0, 255, 255, 255]);
    }

    #[test]
    fn two_pixels_share_their_differences() {
        assert_eq!(spread_422(&[1, 2, 3, 4]), [1, 3, 4, 2, 3, 4]);
    }
}
