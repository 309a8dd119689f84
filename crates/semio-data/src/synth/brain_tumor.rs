//! Contrast-enhanced head slices with one of three tumours or none.

use super::Draws;
use super::head::{Contrast, Head, Level, Tissue};
use super::noise::{Noise, mix};
use super::random::Random;
use super::scene::{Pose, PoseRange, Scene, Spot};
use super::shape::{Blob, inside};

pub(super) const CLASSES: [&str; 4] = ["glioma", "meningioma", "pituitary", "notumor"];

const GLIOMA: usize = 0;
const MENINGIOMA: usize = 1;
const PITUITARY: usize = 2;

const CONTRAST: Contrast = Contrast { white: 0.55, grey: 0.45, fluid: 0.13, scalp: 0.85, bone: 0.06, vessel: 0.85 };

const POSE: PoseRange = PoseRange { degrees: 22.0, scale: (0.86, 1.08), shift: 0.07, warp: 0.035 };

/// Draws a head; the classes are numbers in [`CLASSES`].
pub(super) fn scene(size: usize, class: usize, lesion: bool, draws: &mut Draws) -> Scene {
    let contrast = CONTRAST.varied(&mut draws.anatomy);
    let level = level(class, &mut draws.anatomy);
    let head = Head::new(size, level, contrast, &mut draws.anatomy);
    let vessels = vessels(&head, &mut draws.anatomy);
    // A patient's tumour is one, seen in slices that differ a little.
    let tumour = Tumour::new(class, &head, &mut draws.anatomy, &mut draws.lesion);
    let pose = Pose::new(&POSE, &mut draws.pose);
    Scene::draw(size, &pose, |x, y| {
        let mut tissue = head.tissue(x, y);
        for vessel in &vessels {
            tissue.value = mix(tissue.value, head.contrast.vessel, inside(vessel.distance(x, y), head.soft(0.01)));
        }
        let organ = tissue.depth > 0.0;
        let (value, part) = match &tumour {
            Some(tumour) if lesion => tumour.over(x, y, &tissue, &head),
            _ => (tissue.value, 0.0),
        };
        Spot { value: [value; 3], lesion: organ && part > 0.5, organ }
    })
}

/// Chooses the slice; low slices are shown in every class, or else the slice would tell of the pituitary.
fn level(class: usize, random: &mut Random) -> Level {
    let draw = random.between(0.0, 1.0);
    if class == PITUITARY || draw < 0.45 {
        Level::Base
    } else if draw < 0.8 {
        Level::Ventricles
    } else {
        Level::Top
    }
}

/// Normal bright spots: vessels near the surface and, in the ventricles, the choroid plexus.
fn vessels(head: &Head, random: &mut Random) -> Vec<Blob> {
    let (rx, ry) = head.brain_axes();
    let mut vessels = Vec::new();
    for _ in 0..random.whole(2, 6) {
        let (angle, inwards) = (random.angle(), random.between(0.82, 0.97));
        let (x, y) = (rx * inwards * angle.cos(), ry * inwards * angle.sin());
        // In the lowest slice the eyes lie in front.
        let y = if head.level == Level::Base { y.max(-0.4) } else { y };
        vessels.push(Blob::ellipse(x, y, random.between(0.012, 0.03), random.between(0.012, 0.02), angle));
    }
    if head.level == Level::Ventricles && random.chance(0.7) {
        let plexus = Blob::ellipse(0.165, 0.26, 0.02, random.between(0.04, 0.08), -0.3);
        vessels.extend([plexus, plexus.mirrored()]);
    }
    vessels
}

enum Tumour {
    /// Irregular, infiltrating: dark core, broken bright ring, swelling around.
    Glioma { core: Blob, edge: Noise, rim: f32, swelling: f32, bright: f32, necrosis: f32 },
    /// Smooth, bright, broad on the skull or the falx; `side` keeps it on one side of the falx.
    Meningioma { body: Blob, side: Option<f32>, bright: f32, texture: Noise },
    /// Small, round, in the mid-line above the sella.
    Pituitary { body: Blob, bright: f32, texture: Noise },
}

impl Tumour {
    fn new(class: usize, head: &Head, patient: &mut Random, picture: &mut Random) -> Option<Self> {
        let bright = patient.between(0.78, 0.98);
        let grown = picture.between(0.88, 1.1);
        let texture = Noise(patient.seed());
        match class {
            GLIOMA => Some(Self::glioma(head, bright, grown, patient, picture)),
            MENINGIOMA => {
                let (body, side) = meningioma(head, grown, patient);
                Some(Self::Meningioma { body, side, bright, texture })
            }
            PITUITARY => {
                let (x, y) = (patient.between(-0.025, 0.025), -0.11 + patient.between(-0.03, 0.03));
                let radius = patient.between(0.1, 0.165) * grown;
                let body = Blob::ellipse(x, y, radius, radius * patient.between(0.85, 1.15), 0.0).waving(0.03, patient);
                Some(Self::Pituitary { body, bright, texture })
            }
            _ => None,
        }
    }

    fn glioma(head: &Head, bright: f32, grown: f32, patient: &mut Random, picture: &mut Random) -> Self {
        let radius = patient.between(0.12, 0.2);
        let (rx, ry) = head.brain_axes();
        // Beside the mid-line, and in the lowest slice in front of the cerebellum.
        let (mut x, mut y) = (0.4 * rx, -0.3 * ry);
        for _ in 0..30 {
            let place = (patient.between(0.16, 0.8) * rx, patient.between(-0.7, 0.7) * ry);
            let low = head.level == Level::Base && (!(-0.4..-0.05).contains(&place.1) || place.0 < 0.28);
            if head.depth(place.0, place.1) > 0.75 * radius && !low {
                (x, y) = place;
                break;
            }
        }
        let side = patient.sign();
        let (rx, ry) = (radius * grown, radius * grown * patient.between(0.75, 1.3));
        Self::Glioma {
            core: Blob::ellipse(side * x, y, rx, ry, patient.angle()).waving(0.16, patient),
            edge: Noise(picture.seed()),
            rim: patient.between(0.022, 0.04),
            swelling: patient.between(0.06, 0.14),
            bright,
            necrosis: patient.between(0.15, 0.3),
        }
    }

    /// The brightness with the tumour, and the tumour's share.
    fn over(&self, x: f32, y: f32, tissue: &Tissue, head: &Head) -> (f32, f32) {
        let within = inside(-tissue.depth, head.soft(0.008));
        match self {
            Self::Glioma { core, edge, rim, swelling, bright, necrosis } => {
                let d = core.distance(x, y);
                if d > swelling + 0.15 {
                    return (tissue.value, 0.0);
                }
                let ragged = d + 0.03 * edge.fractal(x * 12.0, y * 12.0);
                let swollen = inside(d - swelling + 0.07 * edge.fractal(x * 6.0, y * 6.0), 0.03) * within;
                // Swelling closes the grooves, so that these become brighter.
                let damp = mix(head.contrast.fluid, head.contrast.white, 0.38);
                let mut value = mix(tissue.value, damp, swollen);
                let solid = inside(ragged - rim, head.soft(0.01)) * within;
                value = mix(value, *necrosis, solid * inside(ragged + rim, head.soft(0.015)));
                let broken = (0.85 + 0.6 * edge.at(x * 8.0 + 5.0, y * 8.0)).clamp(0.15, 1.0);
                let ring = inside(ragged.abs() - rim, head.soft(0.012)) * within;
                value = mix(value, *bright, ring * broken);
                (value, swollen.max(solid))
            }
            Self::Meningioma { body, side, bright, texture } => {
                let beyond = side.map_or(-1.0, |side| 0.012 - side * (x - head.midline(y)));
                let part = inside(body.distance(x, y).max(beyond), head.soft(0.01)) * within;
                (mix(tissue.value, bright * (1.0 + 0.05 * texture.fractal(x * 8.0, y * 8.0)), part), part)
            }
            Self::Pituitary { body, bright, texture } => {
                let part = inside(body.distance(x, y), head.soft(0.01)) * within;
                (mix(tissue.value, bright * (1.0 + 0.08 * texture.fractal(x * 10.0, y * 10.0)), part), part)
            }
        }
    }
}

fn meningioma(head: &Head, grown: f32, patient: &mut Random) -> (Blob, Option<f32>) {
    let radius = patient.between(0.13, 0.22) * grown;
    let flat = patient.between(0.8, 1.0);
    let (rx, ry) = head.brain_axes();
    if head.level != Level::Base && patient.chance(0.3) {
        let side = patient.sign();
        let y = patient.sign() * patient.between(0.45, 0.8) * ry;
        let body = Blob::ellipse(head.midline(y) + side * 0.4 * radius, y, radius * flat, radius, 0.0);
        return (body.waving(0.02, patient), Some(side));
    }
    // In the lowest slice the tumour keeps away from the eyes in front.
    let angle = if head.level == Level::Base {
        let from_side = patient.between(-0.4, 0.9);
        if patient.chance(0.5) { from_side } else { std::f32::consts::PI - from_side }
    } else {
        patient.angle()
    };
    let (x, y) = (rx * angle.cos(), ry * angle.sin());
    let inwards = 1.0 - 0.55 * radius / x.hypot(y);
    (Blob::ellipse(x * inwards, y * inwards, radius * flat, radius, angle).waving(0.02, patient), None)
}
