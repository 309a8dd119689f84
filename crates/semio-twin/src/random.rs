use std::sync::LazyLock;

/// SplitMix64 (Steele, Lea and Flood 2014) with normal numbers from a ziggurat; the same on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of one thing (a neuron, a fibre) under a seed; streams do not depend on threads.
    pub(crate) fn stream(seed: u64, stream: u64) -> Self {
        Self(mix(mix(seed ^ 0x005E_ED0F_5E11_1010) ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03)))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// Uniform in [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 * 2f64.powi(-53)
    }

    /// Standard normal (Marsaglia and Tsang 2000, with separate bits for layer and place as Doornik 2005 asks).
    #[inline]
    pub(crate) fn normal(&mut self, ziggurat: &Ziggurat) -> f64 {
        let bits = self.next();
        let layer = (bits & 0xFF) as usize;
        let x = ((bits as i64) >> 11) as f64 * ziggurat.scale[layer];
        if x.abs() < ziggurat.edge[layer + 1] { x } else { self.rare_normal(ziggurat, layer, x) }
    }

    #[cold]
    fn rare_normal(&mut self, ziggurat: &Ziggurat, mut layer: usize, mut x: f64) -> f64 {
        loop {
            if layer == 0 {
                return self.tail(x.is_sign_negative());
            }
            let (low, high) = (density(ziggurat.edge[layer]), density(ziggurat.edge[layer + 1]));
            if low + (high - low) * self.uniform() < density(x) {
                return x;
            }
            let bits = self.next();
            layer = (bits & 0xFF) as usize;
            x = ((bits as i64) >> 11) as f64 * ziggurat.scale[layer];
            if x.abs() < ziggurat.edge[layer + 1] {
                return x;
            }
        }
    }

    /// Beyond the last layer (Marsaglia 1964).
    fn tail(&mut self, negative: bool) -> f64 {
        loop {
            let x = -(1.0 - self.uniform()).ln() / LAST_EDGE;
            let y = -(1.0 - self.uniform()).ln();
            if y + y > x * x {
                return if negative { -LAST_EDGE - x } else { LAST_EDGE + x };
            }
        }
    }
}

/// SplitMix64's mixing function.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

const LAYERS: usize = 256;
const LAST_EDGE: f64 = 3.654_152_885_361_009;
const AREA: f64 = 0.004_928_673_233_99;

/// Layers of equal area under the normal density.
pub(crate) struct Ziggurat {
    /// Where layer i ends on the right; layer i + 1 lies above it and is narrower.
    edge: [f64; LAYERS + 1],
    /// Width of layer i for one unit of a signed 53-bit number.
    scale: [f64; LAYERS],
}

/// The tables, made once.
pub(crate) fn ziggurat() -> &'static Ziggurat {
    static TABLES: LazyLock<Ziggurat> = LazyLock::new(|| {
        let mut edge = [0.0; LAYERS + 1];
        edge[0] = AREA / density(LAST_EDGE);
        edge[1] = LAST_EDGE;
        for i in 2..LAYERS {
            edge[i] = (-2.0 * (AREA / edge[i - 1] + density(edge[i - 1])).ln()).sqrt();
        }
        Ziggurat { edge, scale: std::array::from_fn(|i| edge[i] * 2f64.powi(-52)) }
    });
    &TABLES
}

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_the_normal_moments_and_tails() {
        let (tables, n) = (ziggurat(), 2_000_000);
        let mut random = Random::stream(7, 3);
        let draws: Vec<f64> = (0..n).map(|_| random.normal(tables)).collect();
        let moment = |k: i32| draws.iter().map(|x| x.powi(k)).sum::<f64>() / n as f64;
        for (k, expected, sd) in [(1, 0.0, 1.0), (2, 1.0, 2f64.sqrt()), (3, 0.0, 15f64.sqrt()), (4, 3.0, 96f64.sqrt())]
        {
            let off = (moment(k) - expected) * (n as f64).sqrt() / sd;
            assert!(off.abs() < 4.0, "moment {k}: {off} standard errors off");
        }
        // P(|X| > 1), P(|X| > 2), P(|X| > 3.7): the last lies beyond the last layer.
        for (beyond, share) in [(1.0, 0.317_310_508), (2.0, 0.045_500_264), (3.7, 2.155_9e-4)] {
            let seen = draws.iter().filter(|x| x.abs() > beyond).count() as f64 / n as f64;
            let off = (seen - share) / (share / n as f64).sqrt();
            assert!(off.abs() < 4.0, "beyond {beyond}: {off} standard errors off");
        }
    }

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |seed, stream| Random::stream(seed, stream).next();
        assert_eq!(draw(1, 2), draw(1, 2));
        let all: std::collections::HashSet<u64> = (0..4).flat_map(|s| (0..100).map(move |i| draw(s, i))).collect();
        assert_eq!(all.len(), 400);
    }
}
