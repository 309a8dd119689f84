//! Chest X-rays with opacity, with another finding, or without any.

use super::Draws;
use super::chest::{Build, Chest, POSE, Tissue};
use super::noise::{Noise, mix};
use super::random::Random;
use super::scene::{Pose, Scene, Spot};
use super::shape::{Blob, inside};

pub(super) const CLASSES: [&str; 3] = ["Lung Opacity", "Normal", "No Lung Opacity - Not Normal"];

const OPACITY: usize = 0;
const OTHER: usize = 2;

/// Draws a chest; the classes are numbers in [`CLASSES`].
pub(super) fn scene(size: usize, class: usize, lesion: bool, draws: &mut Draws) -> Scene {
    let mut build = Build::usual(&mut draws.anatomy);
    let fluid = if class == OTHER { other_finding(&mut build, &mut draws.anatomy) } else { None };
    let chest = Chest::new(size, build, &mut draws.anatomy);
    let patches = if class == OPACITY { patches(&chest, &mut draws.lesion) } else { Vec::new() };
    let pose = Pose::new(&POSE, &mut draws.pose);
    Scene::draw(size, &pose, |x, y| {
        let mut tissue = chest.tissue(x, y);
        if let Some(fluid) = &fluid {
            fluid.cover(x, y, &chest, &mut tissue);
        }
        let mut part = 0.0_f32;
        if lesion && tissue.lung > 0.0 {
            for patch in &patches {
                part = part.max(patch.share(x, y));
            }
            part *= tissue.lung;
        }
        let density = patches.first().map_or(0.0, |patch| patch.density);
        let value = mix(tissue.value, tissue.value.max(0.68), density * part);
        let organ = tissue.lung > 0.5;
        Spot { value: [value; 3], lesion: organ && part > 0.35, organ }
    })
}

/// A cloudy patch with frayed borders.
struct Patch {
    body: Blob,
    fray: Noise,
    density: f32,
}

impl Patch {
    fn share(&self, x: f32, y: f32) -> f32 {
        let d = self.body.distance(x, y);
        if d > 0.2 {
            return 0.0;
        }
        let cloud = self.fray.fractal(x * 8.0, y * 8.0);
        inside(d + 0.08 * cloud, 0.06) * (0.9 + 0.3 * cloud).min(1.0)
    }
}

fn patches(chest: &Chest, random: &mut Random) -> Vec<Patch> {
    let (width, top, base) = chest.extent();
    let density = random.between(0.6, 0.9);
    let wanted = random.whole(1, 3);
    let mut patches: Vec<Patch> = Vec::new();
    // Most places are outside; a chest without any good one in 300 draws does not occur.
    for _ in 0..300 {
        if patches.len() == wanted {
            break;
        }
        let (x, y) = (random.between(-width, width), random.between(top + 0.1, base));
        if chest.depth(x, y) > 0.05 {
            let (rx, ry) = (random.between(0.12, 0.2), random.between(0.12, 0.2));
            let body = Blob::ellipse(x, y, rx, ry, random.angle()).waving(0.15, random);
            patches.push(Patch { body, fray: Noise(random.seed()), density });
        }
    }
    patches
}

/// Fluid beside the lung: bright below a level that rises outwards.
struct Fluid {
    side: f32,
    level: f32,
}

impl Fluid {
    fn cover(&self, x: f32, y: f32, chest: &Chest, tissue: &mut Tissue) {
        if x * self.side <= 0.0 {
            return;
        }
        let (width, _, base) = chest.extent();
        let outwards = (x.abs() / width).clamp(0.0, 1.0);
        let surface = base - self.level - 0.22 * outwards.powi(4);
        let part = inside(surface - y, chest.soft(0.02)) * tissue.lung;
        tissue.value = mix(tissue.value, 0.72, part);
        tissue.lung *= 1.0 - part;
    }
}

/// Changes the build, or gives fluid: what is not normal but no opacity of the lung itself.
fn other_finding(build: &mut Build, random: &mut Random) -> Option<Fluid> {
    match random.whole(0, 2) {
        0 => {
            build.heart = random.between(0.64, 0.74);
            None
        }
        1 => {
            build.dome = random.between(0.0, 0.03);
            build.base = random.between(0.72, 0.8);
            build.heart = random.between(0.28, 0.34);
            build.air = random.between(0.1, 0.16);
            None
        }
        _ => Some(Fluid { side: random.sign(), level: random.between(0.18, 0.36) }),
    }
}
