use std::sync::LazyLock;

/// SplitMix64 (Steele, Lea and Flood 2014) with normal numbers from a [`Ziggurat`]; the same on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of one thing (a neuron, a fibre) under a seed; streams do not depend on threads.
    pub(crate) fn stream(seed: u64, stream: u64) -> Self {
        Self(mix(mix(seed ^ 0x005E_ED0F_5E11_1010) ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03)))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// Uniform in [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 * 2f64.powi(-53)
    }

    /// Standard normal.
    #[inline]
    pub(crate) fn normal(&mut self, ziggurat: &Ziggurat) -> f64 {
        let bits = self.next();
        ziggurat.candidate(bits).unwrap_or_else(|| ziggurat.redrawn(bits))
    }

    /// Fills a slice with what as many calls of [`Random::normal`] would give.
    ///
    /// To be inlined where the CPU's widest instructions are allowed: the first loop holds no branch, so that the compiler
    /// makes vectors of it.
    #[expect(clippy::inline_always, reason = "compiled for the instructions of who calls")]
    #[inline(always)]
    pub(crate) fn fill_normal(&mut self, ziggurat: &Ziggurat, out: &mut [f64]) {
        let bits = |place: usize, begin: u64| mix(begin.wrapping_add((place as u64 + 1).wrapping_mul(GAMMA)));
        for (i, x) in out.iter_mut().enumerate() {
            *x = ziggurat.candidate(bits(i, self.0)).unwrap_or(f64::NAN);
        }
        for (c, chunk) in out.chunks_mut(16).enumerate() {
            // One in a hundred is not accepted at once.
            if chunk.iter().fold(false, |any, x| any | x.is_nan()) {
                for (i, x) in chunk.iter_mut().enumerate().filter(|(_, x)| x.is_nan()) {
                    *x = ziggurat.redrawn(bits(16 * c + i, self.0));
                }
            }
        }
        self.0 = self.0.wrapping_add((out.len() as u64).wrapping_mul(GAMMA));
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

/// What a draw adds to SplitMix64's state.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64's mixing function.
#[expect(clippy::inline_always, reason = "compiled for the instructions of who calls")]
#[inline(always)]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

const LAYERS: usize = 256;
const LAST_EDGE: f64 = 3.654_152_885_361_009;
const AREA: f64 = 0.004_928_673_233_99;

/// Layers of equal area under the normal density (Marsaglia and Tsang 2000, with separate bits for layer and place as
/// Doornik 2005 asks). A number is a function of 64 random bits alone, so that many can be made at once.
pub(crate) struct Ziggurat {
    /// Where layer i ends on the right; layer i + 1 lies above it and is narrower.
    edge: [f64; LAYERS + 1],
    /// The density there.
    height: [f64; LAYERS + 1],
}

impl Ziggurat {
    /// The place in a layer that the bits name, where it lies under the density without a doubt.
    #[expect(clippy::inline_always, reason = "compiled for the instructions of who calls")]
    #[inline(always)]
    fn candidate(&self, bits: u64) -> Option<f64> {
        let (layer, x) = self.place(bits);
        (x.abs() < self.edge[layer + 1]).then_some(x)
    }

    /// Layer from the lowest eight bits; place from the highest 52, as the fraction of a number in [2, 4).
    #[expect(clippy::inline_always, reason = "compiled for the instructions of who calls")]
    #[inline(always)]
    fn place(&self, bits: u64) -> (usize, f64) {
        let layer = (bits & 0xFF) as usize;
        let fraction = f64::from_bits((bits >> 12) | 0x4000_0000_0000_0000) - 3.0;
        (layer, fraction * self.edge[layer])
    }

    /// The number where the first candidate does not do: decided with further bits, which follow from these.
    #[cold]
    #[inline(never)]
    fn redrawn(&self, bits: u64) -> f64 {
        let mut random = Random(bits);
        let (mut layer, mut x) = self.place(bits);
        loop {
            if layer == 0 {
                return random.tail(x.is_sign_negative());
            }
            let (low, high) = (self.height[layer], self.height[layer + 1]);
            if low + (high - low) * random.uniform() < density(x) {
                return x;
            }
            (layer, x) = self.place(random.next());
            if x.abs() < self.edge[layer + 1] {
                return x;
            }
        }
    }
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
        Ziggurat { edge, height: edge.map(density) }
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
    fn many_at_once_are_those_drawn_one_by_one() {
        struct Fill<'a>(&'a mut Random, &'a mut [f64]);
        impl pulp::WithSimd for Fill<'_> {
            type Output = ();
            #[expect(clippy::inline_always, reason = "compiled for the instructions of who calls")]
            #[inline(always)]
            fn with_simd<S: pulp::Simd>(self, _: S) {
                self.0.fill_normal(ziggurat(), self.1);
            }
        }
        let (tables, mut one, mut many) = (ziggurat(), Random::stream(5, 1), Random::stream(5, 1));
        for length in [64, 1, 0, 63, 1000, 17] {
            let mut filled = vec![0.0; length];
            pulp::Arch::new().dispatch(Fill(&mut many, &mut filled));
            assert!(filled.iter().all(|x| x.to_bits() == one.normal(tables).to_bits()));
        }
        assert_eq!(one.next(), many.next());
    }

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |seed, stream| Random::stream(seed, stream).next();
        assert_eq!(draw(1, 2), draw(1, 2));
        let all: std::collections::HashSet<u64> = (0..4).flat_map(|s| (0..100).map(move |i| draw(s, i))).collect();
        assert_eq!(all.len(), 400);
    }
}
