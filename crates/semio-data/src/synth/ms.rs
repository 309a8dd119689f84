//! FLAIR head slices with lesions of multiple sclerosis, or with harmless bright structures only.

use super::Draws;
use super::head::{Contrast, Head, Level};
use super::noise::{Noise, mix};
use super::random::Random;
use super::scene::{Pose, PoseRange, Scene, Spot};
use super::shape::{Blob, inside, segment};

pub(super) const CLASSES: [&str; 2] = ["clear", "lesion"];

const LESION: usize = 1;

const CONTRAST: Contrast = Contrast { white: 0.4, grey: 0.5, fluid: 0.1, scalp: 0.8, bone: 0.06, vessel: 0.3 };

const POSE: PoseRange = PoseRange { degrees: 35.0, scale: (0.78, 1.08), shift: 0.1, warp: 0.045 };

/// Draws a head; the classes are numbers in [`CLASSES`].
pub(super) fn scene(size: usize, class: usize, lesion: bool, draws: &mut Draws) -> Scene {
    let contrast = CONTRAST.varied(&mut draws.anatomy);
    let head = Head::new(size, Level::Ventricles, contrast, &mut draws.anatomy);
    let bright = draws.anatomy.between(0.7, 0.95);
    let lesions = if class == LESION { lesions(&head, &mut draws.lesion) } else { Vec::new() };
    let harmless = Harmless::new(class, &head, &mut draws.anatomy, &mut draws.pose);
    let pose = Pose::new(&POSE, &mut draws.pose);
    Scene::draw(size, &pose, |x, y| {
        let tissue = head.tissue(x, y);
        let harmless = harmless.share(x, y, tissue.ventricle, &head) * tissue.brain;
        let mut value = mix(tissue.value, bright, harmless);
        let mut part = 0.0_f32;
        if lesion {
            for lesion in &lesions {
                part = part.max(inside(lesion.distance(x, y), head.soft(0.01)));
            }
            part *= tissue.brain;
            value = mix(value, bright, part);
        }
        let organ = tissue.depth > 0.0;
        Spot { value: [value; 3], lesion: organ && part > 0.5, organ }
    })
}

/// Ovoid lesions that stand upright on the ventricles (Dawson's fingers), and some in the white matter.
fn lesions(head: &Head, random: &mut Random) -> Vec<Blob> {
    let wanted = random.whole(3, 6);
    let mut lesions = Vec::new();
    // Most places are good, so that the bound is never reached in practice.
    for _ in 0..200 {
        if lesions.len() == wanted {
            break;
        }
        let (long, short) = (random.between(0.055, 0.085), random.between(0.036, 0.048));
        if let Some((x, y, angle)) = white_place(head, long, random) {
            lesions.push(Blob::ellipse(x, y, long, short, angle).waving(0.05, random));
        }
    }
    lesions
}

/// A place in the white matter, three times out of four beside a ventricle, and the direction away from it.
fn white_place(head: &Head, long: f32, random: &mut Random) -> Option<(f32, f32, f32)> {
    let (x, y, angle) = if random.chance(0.75) {
        let ventricle = head.ventricles[random.whole(0, head.ventricles.len() - 1)];
        let ((x, y), (nx, ny)) = ventricle.border(random.angle());
        let away = long + random.between(-0.01, 0.06);
        (x + nx * away, y + ny * away, ny.atan2(nx))
    } else {
        (random.between(-0.45, 0.45), random.between(-0.55, 0.55), random.angle())
    };
    let free = head.ventricle_distance(x, y) > 0.02 && x.abs() > 0.06 && head.depth(x, y) > 0.13;
    free.then_some((x, y, angle))
}

/// Bright structures that are no lesions: caps on the horns, a thin lining of the ventricles, vessels.
struct Harmless {
    cap: f32,
    lining: f32,
    uneven: Noise,
    vessels: Vec<[(f32, f32); 3]>,
}

impl Harmless {
    fn new(class: usize, head: &Head, patient: &mut Random, picture: &mut Random) -> Self {
        // Clear pictures have more vessels, so that their brightness makes up for the missing lesions.
        let wanted = if class == LESION { picture.whole(0, 3) } else { picture.whole(5, 9) };
        let mut vessels = Vec::new();
        for _ in 0..200 {
            if vessels.len() == wanted {
                break;
            }
            // Veins lie where lesions do, and run the same way, but are long, thin and bent.
            let length = picture.between(0.07, 0.11);
            if let Some((x, y, angle)) = white_place(head, length, picture) {
                let (a, b) = (angle, angle + picture.sign() * picture.between(0.3, 0.9));
                let inner = (x - length * a.cos(), y - length * a.sin());
                vessels.push([inner, (x, y), (x + length * b.cos(), y + length * b.sin())]);
            }
        }
        Self {
            cap: if patient.chance(0.6) { patient.between(0.02, 0.045) } else { 0.0 },
            lining: patient.between(0.0, 0.012),
            uneven: Noise(patient.seed()),
            vessels,
        }
    }

    fn share(&self, x: f32, y: f32, ventricle: f32, head: &Head) -> f32 {
        let mut share = 0.0_f32;
        if ventricle < 0.15 {
            // The caps sit on the tips of the horns, in front and behind, and fade sideways.
            let tip = inside(0.36 - (y - 0.04).abs(), 0.05);
            let thick = (self.cap * tip).max(self.lining) * (1.0 + 0.2 * self.uneven.at(x * 5.0, y * 5.0));
            share = inside(ventricle - thick, head.soft(0.012)) * (thick / 0.02).min(1.0) * 0.95;
        }
        for [a, b, c] in &self.vessels {
            if (x - b.0).abs().max((y - b.1).abs()) < 0.15 {
                let d = segment(x, y, *a, *b).min(segment(x, y, *b, *c)) - 0.008;
                share = share.max(0.9 * inside(d, head.soft(0.008)));
            }
        }
        share
    }
}
