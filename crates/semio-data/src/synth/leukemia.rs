//! Stained white blood cells: healthy, or a blast of acute lymphoblastic leukaemia.

use super::Draws;
use super::noise::{Noise, mix};
use super::random::Random;
use super::scene::{Pose, PoseRange, Scene, Spot};
use super::shape::{Blob, inside};

pub(super) const CLASSES: [&str; 2] = ["hem", "all"];

const BLAST: usize = 1;

const POSE: PoseRange = PoseRange { degrees: 180.0, scale: (0.72, 1.3), shift: 0.24, warp: 0.03 };

type Rgb = [f32; 3];

const PLASMA: Rgb = [0.93, 0.9, 0.88];
const RED_CELL: Rgb = [0.87, 0.66, 0.66];
const CYTOPLASM: Rgb = [0.67, 0.66, 0.86];
const CHROMATIN: Rgb = [0.42, 0.22, 0.56];
const NUCLEOLUS: Rgb = [0.66, 0.55, 0.82];

/// Draws a cell; the classes are numbers in [`CLASSES`].
pub(super) fn scene(size: usize, class: usize, draws: &mut Draws) -> Scene {
    let pixel = 2.0 / size as f32;
    let soft = pixel.max(0.012);
    let slide = Slide::new(&mut draws.anatomy, &mut draws.pose);
    let cell = Cell::new(class, &mut draws.anatomy, &mut draws.lesion);
    let pose = Pose::new(&POSE, &mut draws.pose);
    Scene::draw(size, &pose, |x, y| {
        let d = cell.body.distance(x, y);
        let mut value = slide.at(x, y, d, soft);
        let part = inside(d, soft);
        if part > 0.0 {
            value = blend(value, slide.stain(cell.color(x, y, d, soft)), part);
        }
        Spot { value, lesion: false, organ: part > 0.5 }
    })
}

/// What is around the cell: black where it was cut out, or plasma with red cells.
struct Slide {
    cut_out: bool,
    red_cells: Vec<Blob>,
    tint: Rgb,
    strength: f32,
}

impl Slide {
    fn new(patient: &mut Random, picture: &mut Random) -> Self {
        let strength = patient.between(0.6, 1.3);
        let tint = std::array::from_fn(|_| patient.between(0.9, 1.1));
        let cut_out = picture.chance(0.5);
        let red_cells = (0..picture.whole(2, 6))
            .map(|_| {
                let (angle, away) = (picture.angle(), picture.between(0.8, 1.5));
                let radius = picture.between(0.26, 0.36);
                Blob::ellipse(away * angle.cos(), away * angle.sin(), radius, radius * 0.92, angle)
            })
            .collect();
        Self { cut_out, red_cells, tint, strength }
    }

    fn at(&self, x: f32, y: f32, cell: f32, soft: f32) -> Rgb {
        if self.cut_out {
            return [0.0; 3];
        }
        let mut value = PLASMA;
        for red in &self.red_cells {
            let d = red.distance(x, y);
            // Red cells are thinner in the middle, and give way to the white cell.
            let pale = 0.45 * inside(d + 0.55 * red.rx, 0.12);
            value = blend(value, blend(RED_CELL, PLASMA, pale), inside(d.max(0.03 - cell), soft));
        }
        self.stain(value)
    }

    /// More stain takes away more light, in the colour's own proportion.
    fn stain(&self, color: Rgb) -> Rgb {
        std::array::from_fn(|c| color[c].max(0.01).powf(self.strength) * self.tint[c])
    }
}

struct Cell {
    body: Blob,
    nucleus: Blob,
    cleft: Option<Blob>,
    nucleoli: Vec<Blob>,
    chromatin: Noise,
    /// Strength and fineness of the pattern of the chromatin.
    pattern: (f32, f32),
    dark: f32,
    grain: Noise,
}

impl Cell {
    fn new(class: usize, patient: &mut Random, picture: &mut Random) -> Self {
        let blast = class == BLAST;
        // Between the classes neither cells nor nuclei differ much in size, only their proportion tells.
        let share = if blast { picture.between(0.84, 0.91) } else { picture.between(0.7, 0.79) };
        let middle = picture.between(0.38, 0.54);
        let (radius, around) = (middle * share.sqrt(), middle / share.sqrt());
        let mut body = |strength| {
            Blob::ellipse(0.0, 0.0, around, around * picture.between(0.9, 1.0), picture.angle())
                .waving(strength, picture)
        };
        let body = body(0.025);
        let play = 0.5 * (around - radius);
        let (x, y) = (picture.between(-play, play), picture.between(-play, play));
        let (stretch, waves) =
            if blast { (picture.between(0.9, 1.0), 0.07) } else { (picture.between(0.9, 1.0), 0.025) };
        let nucleus = Blob::ellipse(x, y, radius, radius * stretch, picture.angle()).waving(waves, picture);
        let cleft = (blast && picture.chance(0.6)).then(|| {
            let ((px, py), (nx, ny)) = nucleus.border(picture.angle());
            Blob::ellipse(px, py, picture.between(0.1, 0.2), picture.between(0.025, 0.05), ny.atan2(nx))
        });
        let nucleoli = (0..if blast { picture.whole(2, 4) } else { 0 })
            .map(|_| {
                let (angle, away) = (picture.angle(), radius * picture.between(0.1, 0.6));
                let (rx, ry) = (picture.between(0.055, 0.085), picture.between(0.05, 0.075));
                Blob::ellipse(x + away * angle.cos(), y + away * angle.sin(), rx, ry, picture.angle())
            })
            .collect();
        Self {
            body,
            nucleus,
            cleft,
            nucleoli,
            chromatin: Noise(picture.seed()),
            pattern: if blast { (0.1, 16.0) } else { (0.4, 9.0) },
            dark: patient.between(0.75, 1.15),
            grain: Noise(picture.seed()),
        }
    }

    fn color(&self, x: f32, y: f32, cell: f32, soft: f32) -> Rgb {
        let grain = 1.0 + 0.06 * self.grain.fractal(x * 8.0, y * 8.0);
        // The rim of the cell is a little denser.
        let cytoplasm = scale(CYTOPLASM, grain * (1.0 - 0.1 * inside(-cell - 0.03, 0.03)));
        // The nucleus stays within the cell also where their outlines wave against one another.
        let mut d = self.nucleus.distance(x, y).max(cell + 0.015);
        if let Some(cleft) = &self.cleft {
            d = d.max(-cleft.distance(x, y));
        }
        let (strength, fineness) = self.pattern;
        let clumps = self.chromatin.fractal(x * fineness, y * fineness);
        let mut nucleus = scale(CHROMATIN, self.dark * (1.0 + strength * clumps));
        for nucleolus in &self.nucleoli {
            nucleus = blend(nucleus, NUCLEOLUS, 0.8 * inside(nucleolus.distance(x, y), soft));
        }
        blend(cytoplasm, nucleus, inside(d, soft))
    }
}

fn blend(a: Rgb, b: Rgb, t: f32) -> Rgb {
    std::array::from_fn(|c| mix(a[c], b[c], t))
}

fn scale(color: Rgb, by: f32) -> Rgb {
    color.map(|c| c * by)
}
