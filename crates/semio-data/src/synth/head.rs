//! An axial slice of a head: scalp, skull, cortex, white matter, ventricles or skull base.

use super::noise::{Noise, mix};
use super::random::Random;
use super::shape::{Blob, inside, segment};

/// Height of the slice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Through the suprasellar cistern, brain stem and cerebellum.
    Base,
    /// Through the lateral ventricles and deep grey matter.
    Ventricles,
    /// Above the ventricles.
    Top,
}

/// Brightness of the tissues in one kind of sequence, from 0 to 1.
#[derive(Clone, Copy)]
pub(super) struct Contrast {
    pub(super) white: f32,
    pub(super) grey: f32,
    pub(super) fluid: f32,
    pub(super) scalp: f32,
    pub(super) bone: f32,
    pub(super) vessel: f32,
}

impl Contrast {
    /// Varies each tissue a little.
    pub(super) fn varied(self, random: &mut Random) -> Self {
        let mut vary = |value: f32| value * random.between(0.9, 1.1);
        Self {
            white: vary(self.white),
            grey: vary(self.grey),
            fluid: vary(self.fluid),
            scalp: vary(self.scalp),
            bone: vary(self.bone),
            vessel: vary(self.vessel),
        }
    }
}

/// What is known of a place in the head.
#[derive(Clone, Copy)]
pub(super) struct Tissue {
    /// Brightness without a lesion.
    pub(super) value: f32,
    /// Share of brain, with its grooves but without ventricles and skull base.
    pub(super) brain: f32,
    /// Distance from the outside of the brain, inwards.
    pub(super) depth: f32,
    /// Distance from the lateral ventricles; negative inside them, large where the slice has none.
    pub(super) ventricle: f32,
}

/// A patient's head at one level.
pub(super) struct Head {
    pub(super) level: Level,
    pub(super) contrast: Contrast,
    pub(super) ventricles: Vec<Blob>,
    outline: Blob,
    wall: f32,
    scalp: f32,
    folds: Noise,
    texture: Noise,
    deep: Vec<Blob>,
    eyes: Vec<Blob>,
    stem: Blob,
    cerebellum: Blob,
    cistern: Blob,
    midline: Noise,
    pixel: f32,
}

impl Head {
    /// Draws a patient; `fullness` near 1 is a usual size of the ventricles.
    pub(super) fn new(size: usize, level: Level, contrast: Contrast, random: &mut Random) -> Self {
        let outline =
            Blob::ellipse(0.0, 0.0, random.between(0.68, 0.76), random.between(0.84, 0.93), 0.0).waving(0.012, random);
        let fullness = random.between(0.75, 1.45);
        let both = |blob: Blob| [blob, blob.mirrored()];
        let (mut ventricles, mut deep) = (Vec::new(), Vec::new());
        if level == Level::Ventricles {
            let wide = 0.042 * fullness;
            let tilt = random.between(0.25, 0.4);
            ventricles.extend(both(Blob::ellipse(0.095 + 0.4 * wide, -0.19, wide, 0.17, tilt)));
            ventricles.extend(both(Blob::ellipse(0.17, 0.27, wide * 0.9, 0.18, -random.between(0.2, 0.4))));
            ventricles.extend(both(Blob::ellipse(0.09, 0.05, wide * 0.6, 0.16, -0.25)));
            deep.extend(both(Blob::ellipse(0.13, 0.05, 0.08, 0.12, -0.3)));
            deep.extend(both(Blob::ellipse(0.19, -0.17, 0.045, 0.1, 0.4)));
            deep.extend(both(Blob::ellipse(0.29, -0.04, 0.06, 0.15, 0.15)));
        }
        Self {
            level,
            contrast,
            ventricles,
            outline,
            wall: random.between(0.03, 0.055),
            scalp: random.between(0.035, 0.06),
            folds: Noise(random.seed()),
            texture: Noise(random.seed()),
            deep,
            eyes: both(Blob::ellipse(random.between(0.26, 0.31), -0.66, 0.13, 0.12, 0.0)).to_vec(),
            stem: Blob::ellipse(0.0, 0.13, random.between(0.14, 0.18), random.between(0.11, 0.14), 0.0),
            cerebellum: Blob::ellipse(0.0, 0.5, random.between(0.44, 0.5), random.between(0.22, 0.27), 0.0)
                .waving(0.03, random),
            cistern: Blob::ellipse(0.0, -0.1, random.between(0.13, 0.17), random.between(0.09, 0.12), 0.0)
                .waving(0.16, random),
            midline: Noise(random.seed()),
            pixel: 2.0 / size as f32,
        }
    }

    /// The smallest soft edge that a pixel of this size can show.
    pub(super) fn soft(&self, wanted: f32) -> f32 {
        wanted.max(0.6 * self.pixel)
    }

    /// Half width and half height of the brain.
    pub(super) fn brain_axes(&self) -> (f32, f32) {
        let shell = self.scalp + self.wall + 0.02;
        (self.outline.rx - shell, self.outline.ry - shell)
    }

    /// The mid-line's sideways bend at a height.
    pub(super) fn midline(&self, y: f32) -> f32 {
        0.02 * self.midline.at(y * 2.0, 0.5)
    }

    /// The distance from the outside of the brain, inwards.
    pub(super) fn depth(&self, x: f32, y: f32) -> f32 {
        -self.outline.distance(x, y) - self.scalp - self.wall - 0.02
    }

    /// Distance from the lateral ventricles.
    pub(super) fn ventricle_distance(&self, x: f32, y: f32) -> f32 {
        self.ventricles.iter().map(|v| v.distance(x, y)).fold(9.0, f32::min)
    }

    /// What is at a place.
    pub(super) fn tissue(&self, x: f32, y: f32) -> Tissue {
        let depth = self.depth(x, y);
        if depth < -self.scalp - self.wall - 0.1 {
            return Tissue { value: 0.0, brain: 0.0, depth, ventricle: 9.0 };
        }
        let c = &self.contrast;
        let soft = self.soft(0.008);
        let outside = depth + self.scalp + self.wall + 0.02;
        let mut value = mix(0.0, c.scalp * (1.0 + 0.15 * self.texture.at(x * 9.0, y * 9.0)), inside(-outside, soft));
        value = mix(value, c.bone, inside(self.scalp - outside, soft));
        let inner = inside(-depth - 0.02, soft);
        value = mix(value, c.fluid, inner);
        let mut brain = inside(-depth, soft);
        let ventricle = self.ventricle_distance(x, y);
        value = mix(value, self.parenchyma(x, y, depth), brain);
        if self.level == Level::Base {
            (value, brain) = self.base(x, y, value, brain);
        } else {
            brain *= 1.0 - inside(ventricle, soft);
        }
        // The great sinuses at both ends of the mid-line shine in every slice.
        let (_, ry) = self.brain_axes();
        let sinus = (x - self.midline(y)).hypot((y - ry - 0.005) * 0.8) - 0.028;
        value = mix(value, c.vessel, inside(sinus, soft));
        Tissue { value, brain, depth, ventricle }
    }

    fn parenchyma(&self, x: f32, y: f32, depth: f32) -> f32 {
        let c = &self.contrast;
        let fold = self.folds.at(x * 7.0, y * 7.0) + 0.4 * self.folds.at(x * 15.0, y * 15.0);
        let cortex = inside(depth - 0.075 - 0.045 * fold, 0.025);
        let mut value = mix(c.white, c.grey, cortex) * (1.0 + 0.05 * self.texture.fractal(x * 6.0, y * 6.0));
        let groove = self.folds.lines(x * 8.0 + 3.1, y * 8.0, 0.22) * inside(depth - 0.1, 0.06);
        value = mix(value, c.fluid, 0.9 * groove);
        for nucleus in &self.deep {
            value = mix(value, 0.35 * c.white + 0.65 * c.grey, inside(nucleus.distance(x, y), 0.015));
        }
        // The falx divides the halves in front and behind; between them they are joined except above.
        let joined = if self.level == Level::Top { 0.0 } else { inside(y.abs() - 0.3, 0.05) };
        let gap = inside((x - self.midline(y)).abs() - 0.008, self.soft(0.01));
        value = mix(value, c.fluid, 0.8 * gap * (1.0 - joined));
        if self.level == Level::Ventricles {
            let third = (x.abs() - 0.012).max((y - 0.06).abs() - 0.1);
            let fluid = self.ventricle_distance(x, y).min(third);
            value = mix(value, c.fluid, inside(fluid, self.soft(0.01)));
        }
        value
    }

    /// Draws what only the lowest slice shows over the brain.
    fn base(&self, x: f32, y: f32, value: f32, brain: f32) -> (f32, f32) {
        let c = &self.contrast;
        let soft = self.soft(0.012);
        let (mut value, mut brain) = (value, brain);
        let mut cover = |amount: f32, with: f32, is_brain: bool| {
            value = mix(value, with, amount);
            brain = mix(brain, if is_brain { 1.0 } else { 0.0 }, amount);
        };
        let side = (x.abs(), y);
        let temporal = segment(side.0, side.1, (0.16, -0.22), (0.62, -0.28)) - 0.018;
        cover(0.9 * inside(temporal, soft), c.bone, false);
        let petrous = segment(side.0, side.1, (0.2, 0.12), (0.5, 0.28)) - 0.035;
        cover(inside(self.cerebellum.distance(x, y) - 0.03, soft), c.fluid, false);
        let leaves = (self.cerebellum.distance(x, y) * 75.0).sin();
        cover(inside(self.cerebellum.distance(x, y), soft), mix(c.grey, c.white, 0.5 + 0.35 * leaves), true);
        cover(inside(self.stem.distance(x, y) - 0.025, soft), c.fluid, false);
        cover(inside(self.stem.distance(x, y), soft), c.white, true);
        cover(inside(((y - 0.28) * 0.9).hypot(x) - 0.05, soft), c.fluid, false);
        cover(inside(self.cistern.distance(x, y), soft), c.fluid, false);
        cover(inside(petrous, soft), c.bone, false);
        for eye in &self.eyes {
            let d = eye.distance(x, y);
            cover(inside(d - 0.05, soft), c.scalp * 0.8, false);
            cover(inside(d, soft), c.fluid, false);
        }
        (value, brain)
    }
}
