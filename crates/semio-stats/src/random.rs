use semio_image::sample_seed;

/// Numbers drawn by counting: the n-th draw of a stream is a function of (seed, stream, n), so that streams can be
/// worked on by any number of threads in any order.
#[derive(Clone, Debug)]
pub(crate) struct Draws {
    seed: u64,
    stream: u64,
    next: u64,
}

impl Draws {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        Self { seed, stream, next: 0 }
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.next += 1;
        sample_seed(self.seed, self.next, self.stream)
    }

    /// From 0 (included) to 1 (excluded).
    pub(crate) fn unit(&mut self) -> f64 {
        // 53 bits are what an f64 holds exactly.
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Below `n`, which is not 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        // Multiplying instead of dividing (Lemire 2019); the bias is n / 2^64.
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// From the normal distribution (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Puts the values into a random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last + 1));
        }
    }
}
