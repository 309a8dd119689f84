//! The picture before the scanner's faults, drawn in coordinates from −1 to 1 over the shorter way.

use super::noise::Noise;
use super::random::Random;

/// What is seen at one place.
#[derive(Clone, Copy, Default)]
pub(super) struct Spot {
    /// Brightness from 0 to 1; grey pictures use the first only.
    pub(super) value: [f32; 3],
    /// Whether the place belongs to the lesion.
    pub(super) lesion: bool,
    /// Whether the place belongs to the organ: brain, lungs or cell.
    pub(super) organ: bool,
}

/// A drawn picture with its truth, pixel by pixel.
pub(super) struct Scene {
    pub(super) size: usize,
    pub(super) spots: Vec<Spot>,
}

impl Scene {
    /// Draws each pixel by asking what is seen at its place.
    pub(super) fn draw(size: usize, pose: &Pose, at: impl Fn(f32, f32) -> Spot) -> Self {
        let step = 2.0 / size as f32;
        let mut spots = Vec::with_capacity(size * size);
        for row in 0..size {
            for column in 0..size {
                let (x, y) = pose.place((column as f32 + 0.5) * step - 1.0, (row as f32 + 0.5) * step - 1.0);
                spots.push(at(x, y));
            }
        }
        Self { size, spots }
    }
}

/// How the body lies in the picture.
pub(super) struct Pose {
    cos: f32,
    sin: f32,
    scale: f32,
    shift: (f32, f32),
    warp: f32,
    noise: (Noise, Noise),
}

/// The bounds in which a pose is drawn.
pub(super) struct PoseRange {
    /// Largest angle to either side, in degrees.
    pub(super) degrees: f32,
    /// Smallest and largest magnification.
    pub(super) scale: (f32, f32),
    /// Largest shift along either axis.
    pub(super) shift: f32,
    /// Largest displacement by smooth bending.
    pub(super) warp: f32,
}

impl Pose {
    /// Draws a pose.
    pub(super) fn new(range: &PoseRange, random: &mut Random) -> Self {
        let angle = random.between(-range.degrees, range.degrees).to_radians();
        Self {
            cos: angle.cos(),
            sin: angle.sin(),
            scale: random.between(range.scale.0, range.scale.1),
            shift: (random.between(-range.shift, range.shift), random.between(-range.shift, range.shift)),
            warp: range.warp,
            noise: (Noise(random.seed()), Noise(random.seed())),
        }
    }

    /// The place of the body that is seen at a place of the picture.
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        let (x, y) = (x - self.shift.0, y - self.shift.1);
        let (x, y) = ((x * self.cos + y * self.sin) / self.scale, (y * self.cos - x * self.sin) / self.scale);
        (x + self.warp * self.noise.0.at(x * 1.6, y * 1.6), y + self.warp * self.noise.1.at(x * 1.6, y * 1.6))
    }
}
