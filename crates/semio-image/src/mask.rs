use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Color, Fill, Image, PipelineError, Samples, Step,
    resize::{fitted, seen},
    warp::Affine,
};

/// What a mask leaves to be seen of its picture.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// What lies inside of the outline, such as the lungs alone.
    Inside,
    /// What lies outside, such as everything but the lungs.
    Outside,
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
        })
    }
}

/// Which pixels lie inside of an outline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    width: usize,
    height: usize,
    /// Row by row.
    inside: Vec<bool>,
}

impl Mask {
    /// Takes as inside what is brighter than half of the brightest pixel: masks are drawn with 1 or 255, and those that
    /// went through JPEG have shades at their edges.
    pub fn of(image: &Image) -> Self {
        let grey = image.shown().to_color(Color::Grey);
        let inside = match grey.samples() {
            Samples::U8(v) => bright(v),
            Samples::U16(v) => bright(v),
            Samples::F32(v) => bright(v),
        };
        Self { width: grey.width(), height: grey.height(), inside }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Whether each pixel lies inside, row by row.
    pub fn inside(&self) -> &[bool] {
        &self.inside
    }

    /// The share of the pixels that lie inside, 0 to 1.
    pub fn share(&self) -> f64 {
        self.inside.iter().filter(|&&inside| inside).count() as f64 / self.inside.len() as f64
    }

    /// Another size, by the nearest pixel.
    #[must_use]
    pub fn resize(&self, width: usize, height: usize) -> Self {
        let nearest = |at: usize, from: usize, to: usize| ((2 * at + 1) * from / (2 * to)).min(from - 1);
        let inside = (0..height)
            .flat_map(|y| {
                let row = &self.inside[nearest(y, self.height, height) * self.width..][..self.width];
                (0..width).map(move |x| row[nearest(x, self.width, width)])
            })
            .collect();
        Self { width, height, inside }
    }

    /// Takes the mask of a picture of this size through the steps that change sizes.
    pub(crate) fn beside(&self, picture: (usize, usize), steps: &[Step]) -> Result<Self, PipelineError> {
        let (a, b) = (picture.0 as f64 * self.height as f64, picture.1 as f64 * self.width as f64);
        // The ratios of 299 : 299 and 256 : 256 are one; a pixel more or less is no other shape, nor are two in a hundred.
        let slack = (0.02 * a.max(b)).max(self.width.max(self.height) as f64);
        if (a - b).abs() > slack {
            return Err(PipelineError::MaskShape { mask: (self.width, self.height), picture });
        }
        let mut mask = self.clone();
        let mut size = picture;
        for step in steps {
            match *step {
                Step::Resize { width, height, fit, .. } => {
                    let part = seen(size, (width, height), fit);
                    if part != size {
                        mask = mask.resize(size.0, size.1).framed(part.0, part.1);
                    }
                    size = fitted(part, (width, height), fit);
                    mask = mask.resize(size.0, size.1);
                }
                Step::Crop { width, height } | Step::Pad { width, height, .. } => {
                    mask = mask.resize(size.0, size.1);
                    size = match step {
                        Step::Crop { .. } => (size.0.min(width), size.1.min(height)),
                        _ => (size.0.max(width), size.1.max(height)),
                    };
                    mask = mask.framed(size.0, size.1);
                }
                _ => {}
            }
        }
        Ok(if (mask.width, mask.height) == size { mask } else { mask.resize(size.0, size.1) })
    }

    /// Cuts or extends about the centre, as [`Image`] does it; what comes new lies outside.
    fn framed(&self, width: usize, height: usize) -> Self {
        let from = |at: usize, side: usize, to: usize| {
            if to > side { at.checked_sub((to - side) / 2).filter(|&at| at < side) } else { Some(at + (side - to) / 2) }
        };
        let at = |x, y| Some((from(x, self.width, width)?, from(y, self.height, height)?));
        let inside = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| at(x, y).is_some_and(|(x, y)| self.inside[y * self.width + x]))
            .collect();
        Self { width, height, inside }
    }

    /// Moves the mask as a picture of its size is moved.
    pub(crate) fn moved(&self, map: &Affine, fill: Fill) -> Self {
        let (right, lower) = (self.width as i64 - 1, self.height as i64 - 1);
        let at = |line: &[f64; 3], x: usize, y: usize| {
            (line[0] * x as f64 + line[1] * y as f64 + line[2] + 0.5).floor() as i64
        };
        let inside = (0..self.height)
            .flat_map(|y| (0..self.width).map(move |x| (x, y)))
            .map(|(x, y)| {
                let (column, row) = (at(&map.column, x, y), at(&map.row, x, y));
                let nearest = (column.clamp(0, right), row.clamp(0, lower));
                let beyond = fill == Fill::Black && nearest != (column, row);
                !beyond && self.inside[nearest.1 as usize * self.width + nearest.0 as usize]
            })
            .collect();
        Self { width: self.width, height: self.height, inside }
    }

    /// Makes black what is not to be seen of a picture of this mask's size.
    pub(crate) fn cover(&self, image: &Image, keep: Keep) -> Result<Image, PipelineError> {
        let picture = (image.width(), image.height());
        if picture != (self.width, self.height) {
            return Err(PipelineError::MaskShape { mask: (self.width, self.height), picture });
        }
        let channels = image.color().channels();
        let samples = match image.samples() {
            Samples::U8(v) => Samples::U8(self.blackened(v, channels, keep)),
            Samples::U16(v) => Samples::U16(self.blackened(v, channels, keep)),
            Samples::F32(v) => Samples::F32(self.blackened(v, channels, keep)),
        };
        Ok(image.with_samples(image.color(), samples))
    }

    fn blackened<T: Copy + Default>(&self, samples: &[T], channels: usize, keep: Keep) -> Vec<T> {
        let mut covered = samples.to_vec();
        for (pixel, &inside) in covered.chunks_exact_mut(channels).zip(&self.inside) {
            if inside != (keep == Keep::Inside) {
                pixel.fill(T::default());
            }
        }
        covered
    }
}

fn bright<T: Copy + Into<f64>>(samples: &[T]) -> Vec<bool> {
    let brightest = samples.iter().map(|&v| v.into()).fold(0.0, f64::max);
    samples.iter().map(|&v| v.into() * 2.0 > brightest && brightest > 0.0).collect()
}
