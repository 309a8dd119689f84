//! How fresh parameters are filled.

/// The distribution of a fresh tensor's values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All values the same.
    Constant(f32),
    /// Uniform in ±√(6 / (fan_in + fan_out)); Keras' default (Glorot and Bengio 2010).
    GlorotUniform,
    /// Normal with variance 2 / fan_out (He et al. 2015); torchvision's choice before ReLU.
    KaimingNormalFanOut,
    /// Normal around zero with this standard deviation.
    Normal(f32),
    /// Uniform in ±this bound.
    Uniform(f32),
    /// Uniform in ±1 / √fan_in; PyTorch's default for convolutions and dense layers.
    FanInUniform,
    /// Uniform in ±√(6 / fan_in) (He et al. 2015).
    KaimingUniformFanIn,
    /// Normal with variance 2 / fan_in (He et al. 2015).
    KaimingNormalFanIn,
    /// Not drawn: the offsets (Δrow, Δcolumn) within a window, from -8 to 8, log-spaced as
    /// sign(d) · log₂(|d| + 1) / 3 (Liu et al. 2022), for a tensor of `[1, 2·rows - 1, 2·columns - 1, 2]`.
    LogSpacedOffsets,
}

impl Init {
    /// Draws a tensor of this `shape`, row-major. Depends on `seed` and `name` only, so that a network's first
    /// layers start alike whatever stands behind them.
    pub fn draw(self, seed: u64, name: &str, shape: &[usize]) -> Vec<f32> {
        let n: usize = shape.iter().product();
        let mut random = SplitMix64::new(seed ^ fnv1a(name));
        let [fan_in, fan_out] = fans(shape);
        match self {
            Self::Constant(value) => vec![value; n],
            Self::GlorotUniform => {
                let bound = (6.0 / (fan_in + fan_out)).sqrt();
                (0..n).map(|_| (random.uniform() * bound) as f32).collect()
            }
            Self::Uniform(bound) => (0..n).map(|_| (random.uniform() * f64::from(bound)) as f32).collect(),
            Self::FanInUniform => (0..n).map(|_| (random.uniform() / fan_in.sqrt()) as f32).collect(),
            Self::KaimingUniformFanIn => {
                let bound = (6.0 / fan_in).sqrt();
                (0..n).map(|_| (random.uniform() * bound) as f32).collect()
            }
            Self::KaimingNormalFanOut => {
                let deviation = (2.0 / fan_out).sqrt();
                (0..n).map(|_| (random.normal() * deviation) as f32).collect()
            }
            Self::KaimingNormalFanIn => {
                let deviation = (2.0 / fan_in).sqrt();
                (0..n).map(|_| (random.normal() * deviation) as f32).collect()
            }
            Self::Normal(deviation) => (0..n).map(|_| (random.normal() * f64::from(deviation)) as f32).collect(),
            Self::LogSpacedOffsets => log_spaced_offsets(shape),
        }
    }
}

/// Inputs and outputs that one value of the tensor connects: `[out, in, rows, columns]` or `[out, in]`.
fn fans(shape: &[usize]) -> [f64; 2] {
    let field: usize = shape.iter().skip(2).product();
    let at = |i: usize| shape.get(i).copied().unwrap_or(1);
    [(at(1) * field) as f64, (at(0) * field) as f64]
}

fn log_spaced_offsets(shape: &[usize]) -> Vec<f32> {
    let at = |d: usize| shape.get(d).copied().unwrap_or(1);
    let value = |i: usize, n: usize| {
        let reach = (n / 2).max(1) as f64;
        let d = (i as f64 - (n / 2) as f64) / reach * 8.0;
        (d.signum() * (d.abs() + 1.0).log2() / 3.0) as f32
    };
    let (rows, columns) = (at(1), at(2));
    (0..rows).flat_map(|r| (0..columns).flat_map(move |c| [value(r, rows), value(c, columns)])).collect()
}

/// FNV-1a, 64 bit: tells tensors apart by name.
pub(crate) fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// SplitMix64 (Steele, Lea and Flood 2014): a counter behind a mixing function, the same on every machine.
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// Uniform in [-1, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// Standard normal (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        let u = 1.0 - (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        let v = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

/// SplitMix64's mixing function.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: &[f32]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        (mean, values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n)
    }

    #[test]
    fn distributions_have_their_variance() {
        let shape = [64, 32, 3, 3];
        let glorot = Init::GlorotUniform.draw(1, "a", &shape);
        let bound = (6.0f32 / (96.0 * 9.0)).sqrt();
        assert!(glorot.iter().all(|v| v.abs() <= bound));
        let (mean, variance) = moments(&glorot);
        assert!(mean.abs() < 2e-3 && (variance / f64::from(bound * bound / 3.0) - 1.0).abs() < 0.03);
        let (mean, variance) = moments(&Init::KaimingNormalFanOut.draw(1, "a", &shape));
        assert!(mean.abs() < 2e-3 && (variance / (2.0 / (64.0 * 9.0)) - 1.0).abs() < 0.03);
    }

    #[test]
    fn offsets_are_swins() {
        let table = Init::LogSpacedOffsets.draw(0, "", &[1, 15, 15, 2]);
        // sign(x)·log2(|x| + 1) / 3 for x = -8, -8 + 8/7, …, 8; rows first.
        for (got, expected) in table.iter().zip([-1.056_641_7, -1.056_641_7, -1.056_641_7, -0.991_334_9_f32]) {
            assert!((got - expected).abs() < 1e-6);
        }
        assert!(table[(7 * 15 + 7) * 2].abs() < 1e-6);
    }

    #[test]
    fn seed_and_name_decide() {
        let draw = |seed, name| Init::GlorotUniform.draw(seed, name, &[4, 4]);
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
    }
}
