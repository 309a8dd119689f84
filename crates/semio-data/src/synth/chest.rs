//! A frontal chest X-ray: body, lungs with vessels, ribs, heart, mediastinum, diaphragm.

use super::noise::{Noise, mix};
use super::random::Random;
use super::scene::PoseRange;
use super::shape::{Blob, inside, segment};

/// How a chest lies on the detector.
pub(super) const POSE: PoseRange = PoseRange { degrees: 11.0, scale: (0.84, 1.18), shift: 0.14, warp: 0.04 };

/// What is known of a place in the chest.
#[derive(Clone, Copy)]
pub(super) struct Tissue {
    /// Brightness without opacity.
    pub(super) value: f32,
    /// Share of lung that nothing covers.
    pub(super) lung: f32,
    /// −1 in the left half of the picture (the patient's right lung), 1 in the other.
    pub(super) side: f32,
}

/// The build of a chest; the fields are within the usual range unless a finding changes them.
pub(super) struct Build {
    /// Width of the heart by that of the chest.
    pub(super) heart: f32,
    /// Height of the diaphragm's domes.
    pub(super) dome: f32,
    /// Place of the diaphragm's lowest parts, downwards.
    pub(super) base: f32,
    /// Half width of the chest inside.
    pub(super) width: f32,
    /// Brightness of the lungs.
    pub(super) air: f32,
}

impl Build {
    /// Draws a usual build.
    pub(super) fn usual(random: &mut Random) -> Self {
        Self {
            heart: random.between(0.38, 0.48),
            dome: random.between(0.13, 0.2),
            base: random.between(0.5, 0.64),
            width: random.between(0.66, 0.75),
            air: random.between(0.13, 0.26),
        }
    }
}

/// Place of the root of the lung on a side, where the vessels come in.
pub(super) fn root(side: f32) -> (f32, f32) {
    (side * 0.2, -0.08)
}

/// A patient's chest.
pub(super) struct Chest {
    build: Build,
    body: f32,
    fields: [Blob; 2],
    heart: Blob,
    knob: Blob,
    ribs: Ribs,
    bone: f32,
    vessels: Noise,
    markings: f32,
    texture: Noise,
    stomach: Blob,
    marker: (f32, f32),
    pixel: f32,
}

struct Ribs {
    first: f32,
    gap: f32,
    slope: f32,
    strength: f32,
}

impl Chest {
    /// Draws a patient of a given build.
    pub(super) fn new(size: usize, build: Build, random: &mut Random) -> Self {
        let middle = random.between(-0.02, 0.02);
        let field = |side: f32, random: &mut Random| {
            let half = 0.5 * (build.width - 0.05);
            // The tops lean towards the mid-line.
            let top = random.between(-0.76, -0.7);
            let (cy, ry) = (0.5 * (top + build.base + 0.3), 0.5 * (build.base + 0.3 - top));
            Blob::ellipse(side * (0.05 + half), cy, half * 1.08, ry, side * -0.1).waving(0.02, random)
        };
        let half_heart = build.heart * build.width;
        let heart_x = 0.28 * half_heart + middle;
        Self {
            body: build.width + random.between(0.08, 0.14),
            fields: [field(-1.0, random), field(1.0, random)],
            heart: Blob::ellipse(heart_x, build.base - 0.28, half_heart, random.between(0.27, 0.32), 0.45)
                .waving(0.02, random),
            knob: Blob::ellipse(0.1 + middle, -0.3, random.between(0.08, 0.11), 0.12, 0.2),
            ribs: Ribs {
                first: random.between(-0.75, -0.65),
                gap: random.between(0.15, 0.18),
                slope: random.between(0.15, 0.35),
                strength: random.between(0.06, 0.13),
            },
            bone: random.between(0.66, 0.76),
            vessels: Noise(random.seed()),
            markings: random.between(0.12, 0.22),
            texture: Noise(random.seed()),
            stomach: Blob::ellipse(
                0.36,
                build.base + 0.03,
                random.between(0.08, 0.15),
                random.between(0.05, 0.08),
                0.1,
            ),
            marker: (random.sign() * random.between(0.72, 0.85), random.between(-0.9, -0.8)),
            pixel: 2.0 / size as f32,
            build,
        }
    }

    /// The smallest soft edge that a pixel of this size can show.
    pub(super) fn soft(&self, wanted: f32) -> f32 {
        wanted.max(0.6 * self.pixel)
    }

    /// Half width of the chest, top and base of the lungs.
    pub(super) fn extent(&self) -> (f32, f32, f32) {
        (self.build.width, -0.7, self.build.base)
    }

    /// Height of the diaphragm over a place: its dome, a little higher on the patient's right.
    pub(super) fn diaphragm(&self, x: f32) -> f32 {
        let t = (x.abs() - 0.33) / (0.5 * self.build.width);
        let right = if x < 0.0 { 0.03 } else { 0.0 };
        self.build.base - right - self.build.dome * (1.0 - t * t).max(-0.6)
    }

    /// The distance inwards from the outline of the lung field on the place's side, heart and mediastinum left out.
    pub(super) fn depth(&self, x: f32, y: f32) -> f32 {
        let field = self.fields[usize::from(x >= 0.0)].distance(x, y);
        let below = y - self.diaphragm(x);
        let centre = 0.11 + 0.05 * (y + 0.2).abs() - x.abs();
        -field.max(below).max(centre).max(-self.heart.distance(x, y)).max(-self.knob.distance(x, y))
    }

    /// What is at a place.
    pub(super) fn tissue(&self, x: f32, y: f32) -> Tissue {
        let soft = self.soft(0.012);
        let side = if x < 0.0 { -1.0 } else { 1.0 };
        let lung = inside(-self.depth(x, y), soft);
        let mut value = mix(0.02, self.outside(x, y), self.covered(x, y));
        if lung > 0.0 {
            let air = self.build.air * (1.0 + 0.15 * self.texture.at(x * 3.0, y * 3.0)) + self.vessel(x, y, side);
            value = mix(value, air, lung);
        }
        value += self.rib(x, y) * (0.35 + 0.65 * lung);
        let collar = segment(x.abs(), y, (0.09, -0.6), (0.62, -0.73)) - 0.03;
        value += 0.13 * inside(collar, self.soft(0.015));
        let plate = (x - self.marker.0).abs().max((y - self.marker.1).abs() * 0.8) - 0.035;
        value = mix(value, 1.0, inside(plate, self.soft(0.006)));
        Tissue { value, lung, side }
    }

    /// Share of body: trunk, shoulders, neck.
    fn covered(&self, x: f32, y: f32) -> f32 {
        let trunk = x.abs() - self.body - 0.9 * (-0.2 - y).clamp(0.0, 0.5);
        let shoulder = -y - 0.86 + 0.22 * (x.abs() - 0.2).max(0.0).powi(2);
        let neck = (x.abs() - 0.22 - 0.6 * (y + 0.9).max(0.0)).max(y + 0.5);
        inside(trunk.max(shoulder).min(neck), self.soft(0.025))
    }

    fn outside(&self, x: f32, y: f32) -> f32 {
        let soft = 0.03;
        let mut value = 0.5 + 0.05 * self.texture.at(x * 2.0 + 9.0, y * 2.0);
        value =
            mix(value, 0.74, inside(self.diaphragm(x) - y, self.soft(0.015)) * inside(x.abs() - self.body + 0.1, 0.05));
        value = mix(value, 0.35, 0.8 * inside(self.stomach.distance(x, y), self.soft(0.02)));
        value = mix(value, 0.7, inside(x.abs() - 0.12 - 0.05 * (y + 0.2).abs(), soft) * inside(-0.75 - y, 0.1));
        value = mix(value, 0.74, inside(self.heart.distance(x, y).min(self.knob.distance(x, y)), soft));
        // Vertebrae over the mediastinum, and the windpipe before them.
        let spine = inside(x.abs() - 0.075, 0.015);
        value += spine * (0.05 + 0.03 * (y * 42.0).sin());
        value - 0.16 * inside((x.abs() - 0.035).max(y + 0.25), 0.02)
    }

    fn rib(&self, x: f32, y: f32) -> f32 {
        let r = &self.ribs;
        let a = x.abs();
        if a > self.build.width + 0.03 || y > self.build.base + 0.1 || a < 0.1 {
            return 0.0;
        }
        // Behind, ribs rise from the spine and fall outwards; in front, they fall towards the mid-line.
        let behind = (y - r.first - r.slope * (a - 0.3) - 1.1 * (a - 0.3).max(0.0).powi(2)) / r.gap;
        let front = (y - r.first - 0.05 + 0.9 * (a - 0.7)) / (1.15 * r.gap);
        let stripe = |t: f32, width: f32| {
            let from = (t - t.round()).abs();
            inside(from - width, 0.09) * if t > -0.5 { 1.0 } else { 0.0 }
        };
        let front_share = inside(0.35 - a, 0.05) * inside(y - 0.25, 0.1);
        r.strength * (self.bone / 0.7) * (stripe(behind, 0.2) + 0.45 * front_share * stripe(front, 0.16))
    }

    /// Branching vessels that leave the root and grow faint outwards.
    fn vessel(&self, x: f32, y: f32, side: f32) -> f32 {
        let (rx, ry) = root(side);
        let (dx, dy) = (x - rx, y - ry);
        let distance = dx.hypot(dy);
        let angle = dy.atan2(dx * side);
        let lines = self.vessels.lines(angle * 3.5 + side * 20.0, distance * 4.0, 0.22);
        self.markings * (-distance / 0.3).exp() * (0.5 + 1.2 * lines)
    }
}
