//! Chest X-rays with patches at the edges of both lungs, diffuse strands, one dense lobe, or nothing.

use super::Draws;
use super::chest::{Build, Chest, POSE, Tissue, root};
use super::noise::{Noise, mix};
use super::random::Random;
use super::scene::{Pose, Scene, Spot};
use super::shape::{Blob, inside};

pub(super) const CLASSES: [&str; 4] = ["COVID", "Normal", "Viral pneumonia", "Lung opacity"];

const COVID: usize = 0;
const VIRAL: usize = 2;
const OPACITY: usize = 3;

/// Draws a chest; the classes are numbers in [`CLASSES`].
pub(super) fn scene(size: usize, class: usize, lesion: bool, draws: &mut Draws) -> Scene {
    let build = Build::usual(&mut draws.anatomy);
    let chest = Chest::new(size, build, &mut draws.anatomy);
    let finding = Finding::new(class, &chest, &mut draws.anatomy, &mut draws.lesion);
    let pose = Pose::new(&POSE, &mut draws.pose);
    Scene::draw(size, &pose, |x, y| {
        let tissue = chest.tissue(x, y);
        let (amount, part) = match &finding {
            Some(finding) if lesion && tissue.lung > 0.0 => finding.over(x, y, &tissue, &chest),
            _ => (0.0, 0.0),
        };
        let value = mix(tissue.value, tissue.value.max(0.68), amount * tissue.lung);
        let organ = tissue.lung > 0.5;
        Spot { value: [value; 3], lesion: organ && part > 0.4, organ }
    })
}

enum Finding {
    /// Ground glass in round patches along the outer border of both lungs.
    Patches { bodies: Vec<Blob>, cloud: Noise, density: f32 },
    /// A net of strands around both roots.
    Strands { net: Noise, reach: f32, density: f32 },
    /// One lobe of one lung, dense, with sharp edges at the fissures above and below it.
    Lobe { side: f32, from: f32, to: f32, slope: f32, cloud: Noise, density: f32 },
}

impl Finding {
    fn new(class: usize, chest: &Chest, patient: &mut Random, picture: &mut Random) -> Option<Self> {
        match class {
            COVID => Some(Self::Patches {
                bodies: border_patches(chest, picture),
                cloud: Noise(picture.seed()),
                density: patient.between(0.4, 0.7),
            }),
            VIRAL => Some(Self::Strands {
                net: Noise(patient.seed()),
                reach: patient.between(0.26, 0.4) * picture.between(0.95, 1.05),
                density: patient.between(0.4, 0.7),
            }),
            OPACITY => {
                let (upper, lower) = (patient.between(-0.35, -0.2), patient.between(0.02, 0.14));
                let (from, to) = [(-2.0, upper), (upper, lower), (lower, 2.0)][patient.whole(0, 2)];
                Some(Self::Lobe {
                    side: patient.sign(),
                    from,
                    to,
                    slope: patient.between(-0.2, 0.25),
                    cloud: Noise(picture.seed()),
                    density: patient.between(0.45, 0.8),
                })
            }
            _ => None,
        }
    }

    /// How dense the lung becomes, and how much the place belongs to the finding.
    fn over(&self, x: f32, y: f32, tissue: &Tissue, chest: &Chest) -> (f32, f32) {
        match self {
            Self::Patches { bodies, cloud, density } => {
                let d = bodies.iter().map(|body| body.distance(x, y)).fold(9.0, f32::min);
                if d > 0.2 {
                    return (0.0, 0.0);
                }
                let cloud = cloud.fractal(x * 9.0, y * 9.0);
                let part = inside(d + 0.05 * cloud, 0.045);
                (density * part * (0.9 + 0.25 * cloud).min(1.0), part)
            }
            Self::Strands { net, reach, density } => {
                let (rx, ry) = root(tissue.side);
                let distance = (x - rx).hypot(0.75 * (y - ry));
                let part = inside(distance - reach, 0.12);
                // Bent and turned, or else the strands would follow the noise's own lattice.
                let bend = 0.35 * net.at(x * 7.0 + 70.0, y * 7.0);
                let (u, v) = (0.8 * x - 0.6 * y + 0.1 * bend, 0.6 * x + 0.8 * y - 0.1 * bend);
                let net = net.lines(u * 13.0, v * 13.0, 0.3).max(net.lines(v * 11.0 + 40.0, x * 11.0, 0.3));
                (density * part * (0.15 + 0.85 * net), part)
            }
            Self::Lobe { side, from, to, slope, cloud, density } => {
                if tissue.side * side < 0.0 {
                    return (0.0, 0.0);
                }
                let line = y - slope * (x.abs() - 0.35);
                let part = inside((from - line).max(line - to), chest.soft(0.012));
                (density * part * (0.9 + 0.2 * cloud.fractal(x * 5.0, y * 5.0)).min(1.0), part)
            }
        }
    }
}

fn border_patches(chest: &Chest, random: &mut Random) -> Vec<Blob> {
    let (width, _, base) = chest.extent();
    let mut bodies = Vec::new();
    for side in [-1.0, 1.0] {
        for _ in 0..random.whole(2, 3) {
            let y = random.between(-0.4, base - 0.12);
            let (rx, ry) = (random.between(0.075, 0.12), random.between(0.11, 0.16));
            // From outside inwards until the lung begins.
            let mut x = width + 0.1;
            while x > 0.25 && chest.depth(side * x, y) < 0.35 * rx {
                x -= 0.01;
            }
            bodies.push(Blob::ellipse(side * x, y, rx, ry, side * random.between(-0.2, 0.4)).waving(0.1, random));
        }
    }
    bodies
}
