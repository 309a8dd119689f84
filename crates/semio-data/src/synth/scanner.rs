//! What the machine does to the picture: blur, uneven and varying brightness, noise, 8 bits.

use super::noise::Noise;
use super::random::Random;
use super::scene::Scene;

/// How a machine takes pictures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Machine {
    /// Magnitude pictures: noise lifts the dark background (Rician).
    Mri,
    /// Detector pictures: noise to both sides.
    XRay,
    /// A colour camera on a microscope.
    Microscope,
}

/// Turns a scene into 8-bit samples, interleaved where the machine sees colours.
pub(super) fn take(scene: &Scene, machine: Machine, setting: &mut Random, noise: &mut Random) -> Vec<u8> {
    let size = scene.size;
    let channels = if machine == Machine::Microscope { 3 } else { 1 };
    let setup = Setup::new(machine, setting);
    let field = setup.field(size);
    let mut samples = vec![0; size * size * channels];
    for channel in 0..channels {
        let mut plane: Vec<f32> = scene.spots.iter().map(|s| s.value[channel]).collect();
        blur(&mut plane, size, setup.blur * size as f32 / 2.0);
        for (pixel, (value, field)) in plane.iter().zip(&field).enumerate() {
            let bright = setup.gain[channel] * value.max(0.0).powf(setup.gamma) * field + setup.offset;
            let noisy = match machine {
                Machine::Mri => (bright + setup.noise * noise.normal()).hypot(setup.noise * noise.normal()),
                Machine::XRay | Machine::Microscope => bright + setup.noise * noise.normal(),
            };
            samples[pixel * channels + channel] = (noisy.clamp(0.0, 1.0) * 255.0).round() as u8;
        }
    }
    samples
}

struct Setup {
    blur: f32,
    gain: [f32; 3],
    gamma: f32,
    offset: f32,
    noise: f32,
    unevenness: f32,
    shape: Noise,
}

impl Setup {
    fn new(machine: Machine, random: &mut Random) -> Self {
        let (gain, tint, gamma, offset, unevenness) = match machine {
            Machine::Mri => ((0.7, 1.15), 0.0, (0.8, 1.3), (0.0, 0.0), (0.05, 0.3)),
            Machine::XRay => ((0.7, 1.1), 0.0, (0.75, 1.35), (-0.06, 0.1), (0.05, 0.25)),
            Machine::Microscope => ((0.75, 1.1), 0.08, (0.8, 1.25), (0.0, 0.0), (0.02, 0.12)),
        };
        let overall = random.between(gain.0, gain.1);
        Self {
            blur: random.between(0.004, 0.016),
            gain: std::array::from_fn(|_| overall * (1.0 + random.between(-tint, tint))),
            gamma: random.between(gamma.0, gamma.1),
            offset: random.between(offset.0, offset.1),
            noise: random.between(0.01, 0.035),
            unevenness: random.between(unevenness.0, unevenness.1),
            shape: Noise(random.seed()),
        }
    }

    /// The slow change of brightness over the picture: coil sensitivity, heel effect, lamp.
    fn field(&self, size: usize) -> Vec<f32> {
        let step = 2.0 / size as f32;
        (0..size * size)
            .map(|i| {
                let (x, y) = ((i % size) as f32 * step, (i / size) as f32 * step);
                1.0 + self.unevenness * self.shape.at(x * 0.9, y * 0.9)
            })
            .collect()
    }
}

/// Blurs with a Gaussian of deviation `sigma` pixels; the border pixel goes on outside.
fn blur(plane: &mut Vec<f32>, size: usize, sigma: f32) {
    if sigma < 0.25 {
        return;
    }
    let reach = (3.0 * sigma).ceil() as usize;
    let weights: Vec<f32> = (0..=reach).map(|d| (-0.5 * (d as f32 / sigma).powi(2)).exp()).collect();
    let total = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    for _ in 0..2 {
        // Each pass blurs the rows and turns the picture over its diagonal.
        let mut turned = vec![0.0; plane.len()];
        for (y, row) in plane.chunks_exact(size).enumerate() {
            for x in 0..size {
                let mut sum = weights[0] * row[x];
                for (d, weight) in weights.iter().enumerate().skip(1) {
                    sum += weight * (row[x.saturating_sub(d)] + row[(x + d).min(size - 1)]);
                }
                turned[x * size + y] = sum / total;
            }
        }
        *plane = turned;
    }
}
