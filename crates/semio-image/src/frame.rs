use crate::{Image, ImageError, Samples};

impl Image {
    /// Cuts a rectangle out of the picture.
    ///
    /// # Errors
    /// [`ImageError::Empty`] where a side is zero, [`ImageError::Crop`] where the rectangle reaches out of the picture.
    pub fn crop(&self, x: usize, y: usize, width: usize, height: usize) -> Result<Self, ImageError> {
        if width == 0 || height == 0 {
            return Err(ImageError::Empty { width, height });
        }
        let inside = |start: usize, length: usize, side| start.checked_add(length).is_some_and(|end| end <= side);
        if !inside(x, width, self.width()) || !inside(y, height, self.height()) {
            let (from_width, from_height) = (self.width(), self.height());
            return Err(ImageError::Crop { x, y, width, height, from_width, from_height });
        }
        Ok(self.cut(x, y, width, height))
    }

    /// Keeps the middle of the picture, at most `width` × `height`; of an odd remainder the larger part goes at the
    /// right and the bottom.
    pub(crate) fn crop_centre(&self, width: usize, height: usize) -> Self {
        let (width, height) = (width.clamp(1, self.width()), height.clamp(1, self.height()));
        self.cut((self.width() - width) / 2, (self.height() - height) / 2, width, height)
    }

    /// Sets the picture into the middle of a frame, at least `width` × `height`, filled with a share of the range; of
    /// an odd remainder the larger part comes at the right and the bottom.
    pub(crate) fn pad_centre(&self, width: usize, height: usize, value: f32) -> Self {
        let this = self.shown();
        let this = this.as_ref();
        let frame = Frame { width: width.max(self.width()), height: height.max(self.height()) };
        let samples = match this.samples() {
            Samples::U8(v) => Samples::U8(frame.around(v, this, (value * 255.0 + 0.5) as u8)),
            Samples::U16(v) => Samples::U16(frame.around(v, this, (value * 65_535.0 + 0.5) as u16)),
            Samples::F32(v) => Samples::F32(frame.around(v, this, value)),
        };
        Self::from_parts(frame.width, frame.height, self.color(), samples)
    }

    fn cut(&self, x: usize, y: usize, width: usize, height: usize) -> Self {
        let samples = match self.samples() {
            Samples::U8(v) => Samples::U8(self.rows(v, x, y, width, height)),
            Samples::U16(v) => Samples::U16(self.rows(v, x, y, width, height)),
            Samples::F32(v) => Samples::F32(self.rows(v, x, y, width, height)),
        };
        Self::from_parts(width, height, self.color(), samples).shown_like(self)
    }

    fn rows<T: Copy>(&self, samples: &[T], x: usize, y: usize, width: usize, height: usize) -> Vec<T> {
        let channels = self.color().channels();
        let rows = samples.chunks_exact(self.width() * channels).skip(y).take(height);
        rows.flat_map(|row| &row[x * channels..(x + width) * channels]).copied().collect()
    }
}

struct Frame {
    width: usize,
    height: usize,
}

impl Frame {
    fn around<T: Copy>(&self, samples: &[T], image: &Image, value: T) -> Vec<T> {
        let channels = image.color().channels();
        let (left, top) = ((self.width - image.width()) / 2, (self.height - image.height()) / 2);
        let inner = image.width() * channels;
        let mut framed = vec![value; self.width * self.height * channels];
        let rows = framed.chunks_exact_mut(self.width * channels).skip(top);
        for (to, from) in rows.zip(samples.chunks_exact(inner)) {
            to[left * channels..][..inner].copy_from_slice(from);
        }
        framed
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::Color;

    fn three_by_two() -> Image {
        Image::new(3, 2, Color::Grey, Samples::U8(vec![1, 2, 3, 4, 5, 6])).unwrap()
    }

    #[test]
    fn a_cut_keeps_its_rows() {
        let cut = three_by_two().crop(1, 0, 2, 2).unwrap();
        assert_eq!(cut.samples(), &Samples::U8(vec![2, 3, 5, 6]));
    }

    #[test]
    fn a_cut_keeps_whole_pixels() {
        let image = Image::new(2, 1, Color::Rgb, Samples::U16(vec![1, 2, 3, 4, 5, 6])).unwrap();
        assert_eq!(image.crop(1, 0, 1, 1).unwrap().samples(), &Samples::U16(vec![4, 5, 6]));
    }

    #[test]
    fn a_cut_out_of_the_picture_is_refused() {
        let error = three_by_two().crop(2, 0, 2, 1).unwrap_err();
        assert_eq!(error.to_string(), "cannot cut 2 × 1 pixels at (2, 0) out of a picture of 3 × 2");
        assert!(three_by_two().crop(0, usize::MAX, 1, 1).is_err());
        assert!(three_by_two().crop(0, 0, 0, 1).is_err());
    }

    #[test]
    fn a_frame_surrounds_the_picture() {
        let image = Image::new(1, 1, Color::Grey, Samples::U8(vec![9])).unwrap();
        let framed = image.pad_centre(3, 2, 1.0);
        assert_eq!(framed.samples(), &Samples::U8(vec![255, 9, 255, 255, 255, 255]));
        assert_eq!(framed.crop_centre(1, 2).samples(), &Samples::U8(vec![9, 255]));
    }

    #[test]
    fn a_frame_smaller_than_the_picture_changes_nothing() {
        assert_eq!(three_by_two().pad_centre(1, 1, 0.5), three_by_two());
        assert_eq!(three_by_two().crop_centre(9, 9), three_by_two());
    }
}
