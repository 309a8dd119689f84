//! What a recipe makes of pictures before a network reads them.

use semio_image::{Augmentation, Color, Depth, Fit, Pipeline, Step};
use semio_nn::{
    Architecture,
    weights::{Normalized, published},
};

use super::{AugmentationLevel, ColorChoice, DepthChoice, Normalization, Recipe, RecipeError};
use crate::dataset::Dataset;

impl Recipe {
    /// The steps from a stored picture to the network's input.
    ///
    /// # Errors
    /// Where the network is unknown or the steps do not fit together.
    pub fn pipeline(&self) -> Result<Pipeline, RecipeError> {
        let architecture = Architecture::find(&self.model)?;
        let side = self.image_size.unwrap_or(architecture.size);
        let color = match self.color {
            ColorChoice::Grey => Color::Grey,
            ColorChoice::Auto if architecture.channels == 1 => Color::Grey,
            ColorChoice::Auto | ColorChoice::Rgb => Color::Rgb,
        };
        let range = match self.depth {
            DepthChoice::Full => Depth::Full,
            DepthChoice::Image => Depth::Image,
            DepthChoice::Percentile => Depth::Percentile { low: 0.5, high: 99.5 },
        };
        let mut steps: Vec<Step> = self.decode_detail.map(|detail| Step::Decode { detail }).into_iter().collect();
        steps.extend([
            Step::Depth { range },
            Step::Color { to: color },
            Step::Resize { width: side, height: side, filter: self.filter, fit: self.fit },
        ]);
        match self.fit {
            Fit::Stretch => {}
            Fit::Contain => steps.push(Step::Pad { width: side, height: side, value: 0.0 }),
            Fit::Cover => steps.push(Step::Crop { width: side, height: side }),
        }
        steps.extend(self.mask.keep().map(|keep| Step::Mask { keep }));
        steps.push(Step::Scale {});
        let channels = color.channels();
        match self.normalization() {
            Normalization::None | Normalization::Auto => {}
            Normalization::Signed => {
                steps.push(Step::Normalize { mean: vec![0.5; channels], std: vec![0.5; channels] });
            }
            Normalization::Half => {
                steps.push(Step::Normalize { mean: vec![0.5; channels], std: vec![0.25; channels] });
            }
            Normalization::Imagenet if channels == 3 => {
                steps.push(Step::Normalize { mean: vec![0.485, 0.456, 0.406], std: vec![0.229, 0.224, 0.225] });
            }
            // The means of the three channels' figures.
            Normalization::Imagenet => steps.push(Step::Normalize { mean: vec![0.449], std: vec![0.226] }),
            Normalization::Picture => steps.push(Step::Standardize {}),
        }
        Ok(Pipeline::new(steps)?)
    }

    /// How values are centred and scaled, settled.
    fn normalization(&self) -> Normalization {
        let signed = || published().iter().any(|p| p.model == self.model && p.normalized == Normalized::Signed);
        match (self.normalize, self.weights.as_deref()) {
            (Normalization::Auto, None) => Normalization::Half,
            (Normalization::Auto, Some("imagenet")) if signed() => Normalization::Signed,
            (Normalization::Auto, Some(_)) => Normalization::Imagenet,
            (chosen, _) => chosen,
        }
    }

    /// Settles what depends on the data: small networks read colour where the pictures show any.
    #[must_use]
    pub fn resolved(&self, dataset: &Dataset) -> Self {
        let small = Architecture::find(&self.model).is_ok_and(|a| a.channels == 1);
        let color = match self.color {
            ColorChoice::Auto if !small || dataset.is_colored() => ColorChoice::Rgb,
            ColorChoice::Auto => ColorChoice::Grey,
            chosen => chosen,
        };
        Self { color, normalize: self.normalization(), ..self.clone() }
    }

    /// How training pictures are varied.
    pub fn augmentation(&self) -> Augmentation {
        let off = Augmentation::default();
        let level = match self.augment {
            AugmentationLevel::None => off,
            AugmentationLevel::Light => Augmentation {
                flip_horizontal: 0.5,
                rotate: 10.0,
                shift: 0.06,
                zoom: 0.1,
                brightness: 0.08,
                contrast: 0.15,
                ..off
            },
            AugmentationLevel::Strong => Augmentation {
                flip_horizontal: 0.5,
                rotate: 20.0,
                shift: 0.1,
                zoom: 0.2,
                brightness: 0.15,
                contrast: 0.3,
                noise: 0.03,
                cutout: 0.25,
                ..off
            },
        };
        Augmentation {
            flip_horizontal: self.flip_horizontal.unwrap_or(level.flip_horizontal),
            flip_vertical: self.flip_vertical.unwrap_or(level.flip_vertical),
            rotate: self.rotate.unwrap_or(level.rotate),
            shift: self.shift.unwrap_or(level.shift),
            zoom: self.zoom.unwrap_or(level.zoom),
            brightness: self.brightness.unwrap_or(level.brightness),
            contrast: self.contrast.unwrap_or(level.contrast),
            noise: self.noise.unwrap_or(level.noise),
            cutout: self.cutout.unwrap_or(level.cutout),
            ..level
        }
    }
}
