use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{Color, Depth, Filter, Fit, Image, ImageError, Keep, MAX_SIDE, Mask, Samples};

/// The most detail that a step `decode` may ask for.
pub const MAX_DETAIL: usize = 16;

/// The place that crop and pad share.
const FRAME: usize = 4;

/// One step from the stored picture to what a network reads.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Decodes a file that is coded in several resolutions (JPEG 2000) at the lowest one that is still large enough: most
    /// of its time is left out, and what the network reads differs a little. Other files are decoded whole.
    Decode {
        /// Pixels that must be there for each pixel of the step `resize`, along a side; 1 to [`MAX_DETAIL`].
        detail: usize,
    },
    /// Stored samples → 8 or 16 bits.
    Depth {
        /// What becomes black and white.
        range: Depth,
    },
    /// Grey ↔ red, green and blue, as [`Image::to_color`] does it.
    Color {
        /// What the network reads.
        to: Color,
    },
    /// Another size, with antialiasing, as [`Image::resize`] does it.
    Resize {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// How samples between the stored ones are found.
        filter: Filter,
        /// What becomes of a picture with another ratio of sides.
        fit: Fit,
    },
    /// Keeps at most this much of the middle.
    Crop {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// Sets a smaller picture into the middle of a frame.
    Pad {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// What the frame is filled with, from 0 (black) to 1 (white).
        value: f32,
    },
    /// Makes black what the picture's mask does not leave to be seen. It works at the final size and, in training, after
    /// augmentation, which moves the mask with the picture.
    Mask {
        /// What is left to be seen.
        keep: Keep,
    },
    /// Samples → 0 to 1: divided by 255 (8 bits) or 65,535 (16 bits).
    Scale {},
    /// Subtracts a mean and divides by a standard deviation, both per channel and in the units of [`Step::Scale`].
    Normalize {
        /// One mean a channel.
        mean: Vec<f32>,
        /// One standard deviation a channel.
        std: Vec<f32>,
    },
    /// Gives every picture the mean 0 and the variance 1 over all of its samples; a picture of one value becomes 0.
    Standardize {},
}

impl Step {
    fn name(&self) -> &'static str {
        match self {
            Self::Decode { .. } => "decode",
            Self::Depth { .. } => "depth",
            Self::Color { .. } => "color",
            Self::Resize { .. } => "resize",
            Self::Crop { .. } => "crop",
            Self::Pad { .. } => "pad",
            Self::Mask { .. } => "mask",
            Self::Scale {} => "scale",
            Self::Normalize { .. } => "normalize",
            Self::Standardize {} => "standardize",
        }
    }

    /// The place in the order, and why nothing of a later place may stand before.
    fn place(&self) -> (usize, &'static str) {
        match self {
            Self::Decode { .. } => (0, "it says how the file itself is read"),
            Self::Depth { .. } => (1, "it reads the samples as they were stored"),
            Self::Color { .. } => (2, "a picture takes its channels before its size"),
            Self::Resize { .. } => (3, "crop and pad bring the resized picture to its final size"),
            Self::Crop { .. } | Self::Pad { .. } => (FRAME, "it needs whole-number samples, which scale gives up"),
            Self::Mask { .. } => (5, "it needs black, which is 0 in the samples before scale"),
            Self::Scale {} => (6, "mean and deviation are in its units, 0 to 1"),
            Self::Normalize { .. } | Self::Standardize {} => (7, "it comes last"),
        }
    }
}

/// What is wrong with a list of steps, or keeps a picture from going through it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// A step that every pipeline needs is not there.
    #[error("the pipeline lacks the step `{step}`: {why}")]
    Missing {
        /// The step's name.
        step: &'static str,
        /// What it is needed for.
        why: &'static str,
    },
    /// A step stands behind one that must follow it.
    #[error("step `{step}` must stand before `{after}`: {why}")]
    Order {
        /// The step's name.
        step: &'static str,
        /// The earlier one's name.
        after: &'static str,
        /// What the order is needed for.
        why: &'static str,
    },
    /// Two steps do the same work.
    #[error("step `{step}` follows `{after}`: a pipeline takes one of them")]
    Repeated {
        /// The step's name.
        step: &'static str,
        /// The earlier one's name.
        after: &'static str,
    },
    /// A step's own numbers make no sense.
    #[error("step `{step}`: {fault}")]
    Value {
        /// The step's name.
        step: &'static str,
        /// What is wrong.
        fault: String,
    },
    /// Pictures of different sizes would come out.
    #[error(
        "the steps do not fix the {side}, pictures come out with {sizes} pixels: add a `resize` with fit `stretch`, \
         or `crop` and `pad`"
    )]
    OpenSize {
        /// `width` or `height`.
        side: &'static str,
        /// The sizes that may come out, in words.
        sizes: String,
    },
    /// A picture of real values meets a depth step without a range.
    #[error(
        "step `depth`: the picture holds real values, which have no full range: choose `window`, `percentile` or `image`"
    )]
    NeedsRange,
    /// A depth step asks for a view that the picture's file does not hold.
    #[error(
        "step `depth`: view {number} is asked for, but the file holds {held} (windows and VOI tables): choose `full`, \
         `percentile` or `image`"
    )]
    NoView {
        /// The view's number, from 1.
        number: usize,
        /// Views that there are.
        held: usize,
    },
    /// The picture to finish is not what the steps before give.
    #[error(
        "step `scale` needs a prepared picture of {width} × {height} pixels ({color:?}) in 8 or 16 bits, got {got}"
    )]
    NotPrepared {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// What the samples must mean.
        color: Color,
        /// What came instead.
        got: String,
    },
    /// The place for the result has another size than the result.
    #[error("the result holds {expected} values, the place for it {got}")]
    Output {
        /// Channels × height × width.
        expected: usize,
        /// Values that there is room for.
        got: usize,
    },
    /// The steps need a mask, and none came with the picture.
    #[error(
        "step `mask`: the model sees pictures {keep} a mask, and this picture comes without one: name masks in the list's \
         column `mask`, or use a model that sees whole pictures"
    )]
    NeedsMask {
        /// What the model sees.
        keep: Keep,
    },
    /// The mask has another ratio of sides than the picture.
    #[error(
        "step `mask`: the mask has {} × {} pixels and the picture {} × {}, which is another shape: check that they belong \
         together", mask.0, mask.1, picture.0, picture.1
    )]
    MaskShape {
        /// Columns and rows of the mask.
        mask: (usize, usize),
        /// Columns and rows of the picture.
        picture: (usize, usize),
    },
    /// The picture cannot take the size.
    #[error("step `resize`: {0}")]
    Resize(#[from] ImageError),
}

/// The one definition of how a stored picture becomes what a network reads.
///
/// The order is decode → depth → colour → resize → crop and pad → mask → scale → normalise or standardise. Depth, colour and
/// scale are needed, and the steps must fix the size; a pipeline that exists, exists checked, however it was read.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(try_from = "Vec<Step>", into = "Vec<Step>")]
pub struct Pipeline {
    steps: Vec<Step>,
    color: Color,
    width: usize,
    height: usize,
}

impl Pipeline {
    /// Checks the steps and their order.
    ///
    /// # Errors
    /// The first fault found, with the name of its step.
    pub fn new(steps: Vec<Step>) -> Result<Self, PipelineError> {
        check_order(&steps)?;
        let mut color = None;
        let (mut widths, mut heights) = (Sizes::ANY, Sizes::ANY);
        let mut scaled = false;
        for step in &steps {
            check_values(step, color)?;
            match step {
                Step::Color { to } => color = Some(*to),
                Step::Resize { width, height, fit, .. } => {
                    widths = Sizes::resized(*width, *fit);
                    heights = Sizes::resized(*height, *fit);
                }
                Step::Crop { width, height } => {
                    widths = widths.cropped(*width, "wide")?;
                    heights = heights.cropped(*height, "high")?;
                }
                Step::Pad { width, height, .. } => {
                    widths = widths.padded(*width, "wide")?;
                    heights = heights.padded(*height, "high")?;
                }
                Step::Scale {} => scaled = true,
                Step::Decode { .. }
                | Step::Depth { .. }
                | Step::Mask { .. }
                | Step::Normalize { .. }
                | Step::Standardize {} => {}
            }
        }
        let missing = |step, why| PipelineError::Missing { step, why };
        let has = |wanted: fn(&Step) -> bool| steps.iter().any(wanted);
        if has(|s| matches!(s, Step::Decode { .. })) && !has(|s| matches!(s, Step::Resize { .. })) {
            return Err(missing("resize", "the step `decode` goes by its size"));
        }
        if !has(|s| matches!(s, Step::Depth { .. })) {
            return Err(missing("depth", "it says which stored values are black and white"));
        }
        let color = color.ok_or(missing("color", "it fixes the number of channels"))?;
        if !scaled {
            return Err(missing("scale", "it brings 8 and 16 bits to the same units"));
        }
        let (width, height) = (widths.fixed("width")?, heights.fixed("height")?);
        Ok(Self { steps, color, width, height })
    }

    /// The usual one: full depth, colour, bilinear resize without regard to the ratio of sides, 0 to 1.
    ///
    /// Sides are brought into 1 to [`MAX_SIDE`].
    pub fn standard(width: usize, height: usize, color: Color) -> Self {
        let (width, height) = (width.clamp(1, MAX_SIDE), height.clamp(1, MAX_SIDE));
        let steps = vec![
            Step::Depth { range: Depth::Full },
            Step::Color { to: color },
            Step::Resize { width, height, filter: Filter::Bilinear, fit: Fit::Stretch },
            Step::Scale {},
        ];
        Self { steps, color, width, height }
    }

    /// The steps in their order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Channels, height and width of the result.
    pub fn output(&self) -> (usize, usize, usize) {
        (self.color.channels(), self.height, self.width)
    }

    /// What the step `mask` leaves to be seen; `None` where the network sees whole pictures.
    pub fn keep(&self) -> Option<Keep> {
        self.steps.iter().find_map(|step| if let Step::Mask { keep } = step { Some(*keep) } else { None })
    }

    /// Columns and rows that a file must at least be decoded to; `None` where every file is decoded whole.
    pub fn enough(&self) -> Option<(usize, usize)> {
        let detail =
            self.steps.iter().find_map(|s| if let Step::Decode { detail } = s { Some(*detail) } else { None })?;
        self.steps.iter().find_map(|s| match s {
            Step::Resize { width, height, .. } => Some((detail * width, detail * height)),
            _ => None,
        })
    }

    /// The same steps with another choice of what is left to be seen: what a network makes of a part of its pictures.
    #[must_use]
    pub fn keeping(&self, keep: Option<Keep>) -> Self {
        let mut steps: Vec<Step> = self.steps.iter().filter(|s| !matches!(s, Step::Mask { .. })).cloned().collect();
        if let Some(keep) = keep {
            let scale = steps.iter().position(|s| matches!(s, Step::Scale {})).unwrap_or(steps.len());
            steps.insert(scale, Step::Mask { keep });
        }
        Self { steps, ..*self }
    }

    /// Runs the steps before mask and scale: whole-number samples at the final size.
    ///
    /// This part never changes for one file, so its result may be kept; augmentation comes after it.
    ///
    /// # Errors
    /// [`PipelineError::NeedsRange`] for real values where the depth step gives no range, [`PipelineError::NoView`] where
    /// it names a view that the file does not hold, [`PipelineError::NeedsMask`] where there is a step `mask`.
    pub fn prepare(&self, image: &Image) -> Result<Image, PipelineError> {
        match self.keep() {
            None => self.prepare_picture(image),
            Some(keep) => Err(PipelineError::NeedsMask { keep }),
        }
    }

    /// Runs the steps before mask and scale on a picture and, as far as they move pixels, on its mask, which may have
    /// another size. Where no step uses a mask, none is needed and none comes back.
    ///
    /// # Errors
    /// Those of [`Self::prepare`]; [`PipelineError::MaskShape`] for a mask of another ratio of sides.
    pub fn prepare_with_mask(
        &self,
        image: &Image,
        mask: Option<&Mask>,
    ) -> Result<(Image, Option<Mask>), PipelineError> {
        let Some(keep) = self.keep() else { return Ok((self.prepare_picture(image)?, None)) };
        let mask = mask.ok_or(PipelineError::NeedsMask { keep })?;
        let mask = mask.beside((image.width(), image.height()), &self.steps)?;
        Ok((self.prepare_picture(image)?, Some(mask)))
    }

    fn prepare_picture(&self, image: &Image) -> Result<Image, PipelineError> {
        let mut image = Cow::Borrowed(image);
        for step in &self.steps {
            let next = match step {
                Step::Decode { .. } => continue,
                Step::Depth { range } => match range.apply(&image)? {
                    Cow::Borrowed(_) => continue,
                    Cow::Owned(stretched) => stretched,
                },
                // Grey becomes three channels at the end, so that one is resized instead of three equal ones.
                Step::Color { to } if image.color() == *to || *to == Color::Rgb => continue,
                Step::Color { to } => image.to_color(*to),
                Step::Resize { width, height, filter, fit } => image.resize_to_fit(*width, *height, *filter, *fit)?,
                Step::Crop { width, height } => image.crop_centre(*width, *height),
                Step::Pad { width, height, value } => image.pad_centre(*width, *height, *value),
                Step::Mask { .. } | Step::Scale {} | Step::Normalize { .. } | Step::Standardize {} => break,
            };
            image = Cow::Owned(next);
        }
        if image.color() != self.color {
            image = Cow::Owned(image.to_color(self.color));
        }
        Ok(image.into_owned())
    }

    /// Runs scale and what follows it on a prepared picture.
    ///
    /// # Shapes
    /// `out` takes channels × height × width values, one channel after the other.
    ///
    /// # Errors
    /// [`PipelineError::NotPrepared`] for a picture that [`Self::prepare`] does not give, [`PipelineError::Output`]
    /// where `out` has another length, [`PipelineError::NeedsMask`] where there is a step `mask`.
    pub fn finish(&self, image: &Image, out: &mut [f32]) -> Result<(), PipelineError> {
        match self.keep() {
            None => self.finish_picture(image, out),
            Some(keep) => Err(PipelineError::NeedsMask { keep }),
        }
    }

    /// Runs mask, scale and what follows them on what [`Self::prepare_with_mask`] gives.
    ///
    /// # Errors
    /// Those of [`Self::finish`]; [`PipelineError::MaskShape`] where the mask has another size than the picture.
    pub fn finish_with_mask(&self, image: &Image, mask: Option<&Mask>, out: &mut [f32]) -> Result<(), PipelineError> {
        let Some(keep) = self.keep() else { return self.finish_picture(image, out) };
        let mask = mask.ok_or(PipelineError::NeedsMask { keep })?;
        self.finish_picture(&mask.cover(image, keep)?, out)
    }

    fn finish_picture(&self, image: &Image, out: &mut [f32]) -> Result<(), PipelineError> {
        let (channels, height, width) = self.output();
        let expected = channels * height * width;
        if out.len() != expected {
            return Err(PipelineError::Output { expected, got: out.len() });
        }
        let fits = (image.width(), image.height(), image.color()) == (width, height, self.color);
        match image.samples() {
            Samples::U8(samples) if fits && !self.standardizes() => lookup(samples, out, &self.tables(channels)),
            Samples::U8(samples) if fits => self.finish_samples(samples, 255.0, out),
            Samples::U16(samples) if fits => self.finish_samples(samples, 65_535.0, out),
            samples => {
                let kind = match samples {
                    Samples::U8(_) => "8 bits",
                    Samples::U16(_) => "16 bits",
                    Samples::F32(_) => "real values",
                };
                let got = format!("{} × {} ({:?}) in {kind}", image.width(), image.height(), image.color());
                return Err(PipelineError::NotPrepared { width, height, color: self.color, got });
            }
        }
        Ok(())
    }

    /// Runs all steps: what a network reads, one channel after the other.
    ///
    /// # Errors
    /// Those of [`Self::prepare`].
    pub fn apply(&self, image: &Image) -> Result<Vec<f32>, PipelineError> {
        let mut out = vec![0.0; self.color.channels() * self.height * self.width];
        self.finish(&self.prepare(image)?, &mut out)?;
        Ok(out)
    }

    /// Runs all steps on a picture with its mask.
    ///
    /// # Errors
    /// Those of [`Self::prepare_with_mask`].
    pub fn apply_with_mask(&self, image: &Image, mask: Option<&Mask>) -> Result<Vec<f32>, PipelineError> {
        let mut out = vec![0.0; self.color.channels() * self.height * self.width];
        let (image, mask) = self.prepare_with_mask(image, mask)?;
        self.finish_with_mask(&image, mask.as_ref(), &mut out)?;
        Ok(out)
    }

    fn standardizes(&self) -> bool {
        matches!(self.steps.last(), Some(Step::Standardize {}))
    }

    /// What each of the 256 samples becomes in each channel: looking it up is several times faster than dividing.
    fn tables(&self, channels: usize) -> Vec<[f32; 256]> {
        let scaled: [f32; 256] = std::array::from_fn(|v| v as f32 / 255.0);
        let table = |channel: usize| match self.steps.last() {
            Some(Step::Normalize { mean, std }) => scaled.map(|v| (v - mean[channel]) / std[channel]),
            _ => scaled,
        };
        (0..channels).map(table).collect()
    }

    fn finish_samples<T: Copy + Into<u32> + Into<f32>>(&self, samples: &[T], max: f32, out: &mut [f32]) {
        match self.steps.last() {
            Some(Step::Normalize { mean, std }) => {
                planar(samples, out, self.color, |channel, v| (v / max - mean[channel]) / std[channel]);
            }
            Some(Step::Standardize {}) => {
                let (mean, deviation) = moments(samples);
                let per_deviation = if deviation > 0.0 { 1.0 / deviation } else { 0.0 };
                planar(samples, out, self.color, |_, v| ((f64::from(v) - mean) * per_deviation) as f32);
            }
            _ => planar(samples, out, self.color, |_, v| v / max),
        }
    }
}

impl TryFrom<Vec<Step>> for Pipeline {
    type Error = PipelineError;

    fn try_from(steps: Vec<Step>) -> Result<Self, PipelineError> {
        Self::new(steps)
    }
}

impl From<Pipeline> for Vec<Step> {
    fn from(pipeline: Pipeline) -> Self {
        pipeline.steps
    }
}

/// Fills each channel from its table.
fn lookup(samples: &[u8], out: &mut [f32], tables: &[[f32; 256]]) {
    match tables {
        [r, g, b] => {
            let (red, rest) = out.split_at_mut(out.len() / 3);
            let (green, blue) = rest.split_at_mut(rest.len() / 2);
            for (((red, green), blue), v) in red.iter_mut().zip(green).zip(blue).zip(samples.as_chunks::<3>().0) {
                *red = r[usize::from(v[0])];
                *green = g[usize::from(v[1])];
                *blue = b[usize::from(v[2])];
            }
        }
        _ => out.iter_mut().zip(samples).for_each(|(out, &v)| *out = tables[0][usize::from(v)]),
    }
}

fn planar<T: Copy + Into<f32>>(samples: &[T], out: &mut [f32], color: Color, value: impl Fn(usize, f32) -> f32) {
    match color {
        Color::Grey => out.iter_mut().zip(samples).for_each(|(out, &v)| *out = value(0, v.into())),
        Color::Rgb => {
            let (red, rest) = out.split_at_mut(out.len() / 3);
            let (green, blue) = rest.split_at_mut(rest.len() / 2);
            for (((red, green), blue), v) in red.iter_mut().zip(green).zip(blue).zip(samples.chunks_exact(3)) {
                *red = value(0, v[0].into());
                *green = value(1, v[1].into());
                *blue = value(2, v[2].into());
            }
        }
    }
}

/// Mean and standard deviation; the sums are whole numbers and exact, so one single value has a deviation of 0.
fn moments<T: Copy + Into<u32>>(samples: &[T]) -> (f64, f64) {
    let (mut sum, mut squares) = (0u64, 0u64);
    for &sample in samples {
        let v = u64::from(sample.into());
        sum += v;
        squares += v * v;
    }
    let n = samples.len() as f64;
    let spread = samples.len() as u128 * u128::from(squares) - u128::from(sum) * u128::from(sum);
    (sum as f64 / n, (spread as f64).sqrt() / n)
}

fn check_order(steps: &[Step]) -> Result<(), PipelineError> {
    for (index, step) in steps.iter().enumerate() {
        for before in &steps[..index] {
            let (place, why) = step.place();
            let (earlier, _) = before.place();
            if earlier > place {
                return Err(PipelineError::Order { step: step.name(), after: before.name(), why });
            }
            // Crop and pad share a place, one of each may stand there.
            if earlier == place && (place != FRAME || before.name() == step.name()) {
                return Err(PipelineError::Repeated { step: step.name(), after: before.name() });
            }
        }
    }
    Ok(())
}

fn check_values(step: &Step, color: Option<Color>) -> Result<(), PipelineError> {
    let fault = match step {
        Step::Decode { detail } if !(1..=MAX_DETAIL).contains(detail) => {
            Some(format!("detail {detail}, but 1 to {MAX_DETAIL} pixels can be asked for"))
        }
        Step::Depth { range } => range.fault(),
        Step::Resize { width, height, .. } | Step::Crop { width, height } | Step::Pad { width, height, .. }
            if !(1..=MAX_SIDE).contains(width) || !(1..=MAX_SIDE).contains(height) =>
        {
            Some(format!("{width} × {height} pixels, but a side has 1 to {MAX_SIDE}"))
        }
        Step::Pad { value, .. } if !(0.0..=1.0).contains(value) => {
            Some(format!("value {value}, but black is 0 and white is 1"))
        }
        Step::Normalize { mean, std } => normalize_fault(mean, std, color),
        _ => None,
    };
    match fault {
        Some(fault) => Err(PipelineError::Value { step: step.name(), fault }),
        None => Ok(()),
    }
}

fn normalize_fault(mean: &[f32], std: &[f32], color: Option<Color>) -> Option<String> {
    let channels = color?.channels();
    if mean.len() != channels || std.len() != channels {
        return Some(format!("{} means and {} deviations for {channels} channels", mean.len(), std.len()));
    }
    if let Some(mean) = mean.iter().find(|mean| !mean.is_finite()) {
        return Some(format!("the mean {mean} is no number to subtract"));
    }
    let std = std.iter().find(|std| !(std.is_finite() && **std > 0.0))?;
    Some(format!("the deviation {std} is no number to divide by"))
}

/// The lengths that one side may have after the steps so far.
#[derive(Clone, Copy)]
struct Sizes {
    low: usize,
    high: usize,
}

impl Sizes {
    const ANY: Self = Self { low: 1, high: usize::MAX };

    fn resized(side: usize, fit: Fit) -> Self {
        match fit {
            Fit::Stretch => Self { low: side, high: side },
            Fit::Contain => Self { low: 1, high: side },
            Fit::Cover => Self { low: side, high: MAX_SIDE },
        }
    }

    fn cropped(self, side: usize, direction: &str) -> Result<Self, PipelineError> {
        if side > self.high {
            let fault = format!("{side} pixels {direction}, but the picture has {} at most", self.high);
            return Err(PipelineError::Value { step: "crop", fault });
        }
        Ok(Self { low: self.low.min(side), high: side })
    }

    fn padded(self, side: usize, direction: &str) -> Result<Self, PipelineError> {
        if side < self.low {
            let fault = format!("{side} pixels {direction}, but the picture has {} at least", self.low);
            return Err(PipelineError::Value { step: "pad", fault });
        }
        Ok(Self { low: side, high: self.high.max(side) })
    }

    fn fixed(self, side: &'static str) -> Result<usize, PipelineError> {
        if self.low == self.high {
            return Ok(self.low);
        }
        let sizes = match self.high {
            usize::MAX => format!("{} or more", self.low),
            high => format!("{} to {high}", self.low),
        };
        Err(PipelineError::OpenSize { side, sizes })
    }
}
