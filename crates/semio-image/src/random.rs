//! Random numbers whose stream is fixed for ever: they decide what a network is trained on.

/// Derives the seed of one sample in one epoch, whatever thread draws it and in whatever order.
///
/// Each number is folded in by a bijective 64-bit mixer, so with two of them fixed the third never gives the same
/// seed twice, and neighbouring numbers give unrelated seeds.
pub fn sample_seed(run: u64, sample: u64, epoch: u64) -> u64 {
    let seed = mix(run.wrapping_add(GAMMA));
    let seed = mix((seed ^ sample).wrapping_add(GAMMA));
    mix((seed ^ epoch).wrapping_add(GAMMA))
}

/// The `SplitMix64` generator (Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, 2014).
///
/// Its whole definition is these few lines of wrapping integer arithmetic, so no library's next version changes what
/// a seed means.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// Draws from 0 (included) to 1 (excluded).
    pub(crate) fn unit(&mut self) -> f64 {
        // 53 bits are what an f64 holds exactly.
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Draws from −1 (included) to 1 (excluded).
    pub(crate) fn signed_unit(&mut self) -> f64 {
        2.0 * self.unit() - 1.0
    }

    /// Draws from a bell curve with mean 0 and variance 1.
    ///
    /// The sum of the eight bytes of one draw (an Irwin–Hall distribution): its distribution function is within
    /// 0.005 of the normal one and no value lies beyond 4.9. It needs no logarithm, whose last bits differ between
    /// platforms.
    pub(crate) fn bell(&mut self) -> f32 {
        const LOW_BYTES: u64 = 0x00ff_00ff_00ff_00ff;
        const MEAN: f32 = 8.0 * 127.5;
        // 1 / √(8 · (256² − 1) / 12)
        const PER_DEVIATION: f32 = 0.004_784_196;
        let draw = self.next_u64();
        let pairs = (draw & LOW_BYTES) + ((draw >> 8) & LOW_BYTES);
        let sum = pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48;
        (sum as f32 - MEAN) * PER_DEVIATION
    }
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // First outputs for seed 1234567 of Sebastiano Vigna's reference splitmix64.c.
        let mut random = Random::new(1_234_567);
        let stream: Vec<u64> = (0..5).map(|_| random.next_u64()).collect();
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(stream, published);
    }

    #[test]
    fn seeds_of_samples_stay_what_they_are() {
        assert_eq!(sample_seed(1, 2, 3), 0xd073_4750_fde3_62b3);
    }

    #[test]
    fn seeds_differ_between_runs_samples_and_epochs() {
        let all: HashSet<u64> = (0..20u64)
            .flat_map(|run| (0..50u64).flat_map(move |s| (0..50u64).map(move |e| sample_seed(run, s, e))))
            .collect();
        assert_eq!(all.len(), 20 * 50 * 50);
    }

    #[test]
    fn one_bit_of_input_flips_half_of_the_seed() {
        let mut flipped = 0;
        for bit in 0..64 {
            flipped += (sample_seed(7, 0, 0) ^ sample_seed(7, 1 << bit, 0)).count_ones();
            flipped += (sample_seed(7, 0, 0) ^ sample_seed(7, 0, 1 << bit)).count_ones();
        }
        let mean = f64::from(flipped) / 128.0;
        assert!((mean - 32.0).abs() < 2.0, "{mean} of 64 bits change on average");
    }

    #[test]
    fn the_bell_has_the_shares_of_the_normal_distribution() {
        let mut random = Random::new(5);
        let draws: Vec<f64> = (0..200_000).map(|_| f64::from(random.bell())).collect();
        let n = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / n;
        let variance = draws.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
        let within = |limit: f64| draws.iter().filter(|v| v.abs() < limit).count() as f64 / n;
        assert!(mean.abs() < 0.01, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.01, "variance {variance}");
        assert!((within(1.0) - 0.682_7).abs() < 0.01, "{} within one deviation", within(1.0));
        assert!((within(2.0) - 0.954_5).abs() < 0.005, "{} within two deviations", within(2.0));
    }
}
