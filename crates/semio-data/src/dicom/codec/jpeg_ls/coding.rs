/// The numbers that a scan is coded with (T.87, annex A.2 and C.2.4.1.1).
#[derive(Clone, Debug)]
pub(super) struct Coding {
    pub(super) near: i32,
    pub(super) max: i32,
    thresholds: [i32; 3],
    pub(super) reset: i32,
    pub(super) range: i32,
    /// Bits of an error, and of the longest code.
    pub(super) error_bits: u32,
    pub(super) limit: u32,
    /// The level of each gradient from −max to max.
    levels: Vec<i8>,
}

impl Coding {
    /// `preset` holds MAXVAL, T1, T2, T3 and RESET, 0 for the usual ones.
    pub(super) fn new(bits: u8, near: i32, preset: [u16; 5]) -> Option<Self> {
        let [max, t1, t2, t3, reset] = preset.map(i32::from);
        let top = (1 << bits) - 1;
        let max = if max == 0 { top } else { max };
        if max > top || near > (max / 2).min(255) || (reset != 0 && reset < 3) {
            return None;
        }
        let clamp = |value: i32, low: i32| if value > max || value < low { low } else { value };
        let usual = if max >= 128 {
            let factor = (max.min(4095) + 128) / 256;
            [factor + 2 + 3 * near, factor * 4 + 3 + 5 * near, factor * 17 + 4 + 7 * near]
        } else {
            let factor = 256 / (max + 1);
            [(3 / factor + 3 * near).max(2), (7 / factor + 5 * near).max(3), (21 / factor + 7 * near).max(4)]
        };
        let pick = |given: i32, usual: i32, low: i32| if given == 0 { Some(clamp(usual, low)) } else { Some(given) };
        let t1 = pick(t1, usual[0], near + 1)?;
        let t2 = pick(t2, usual[1], t1)?;
        let t3 = pick(t3, usual[2], t2)?;
        if !(near < t1 && t1 <= t2 && t2 <= t3 && t3 <= max.max(t2)) {
            return None;
        }
        let range = (max + 2 * near) / (2 * near + 1) + 1;
        let ceil_log2 = |v: i32| 32 - (v - 1).leading_zeros();
        let error_bits = ceil_log2(range);
        let bits = ceil_log2(max + 1).max(2);
        let limit = 2 * (bits + bits.max(8));
        let reset = if reset == 0 { 64 } else { reset };
        let mut coding = Self { near, max, thresholds: [t1, t2, t3], reset, range, error_bits, limit, levels: vec![] };
        coding.levels = (-max..=max).map(|gradient| coding.level(gradient)).collect();
        Some(coding)
    }

    fn level(&self, gradient: i32) -> i8 {
        let [t1, t2, t3] = self.thresholds;
        let size = gradient.abs();
        let level = if size <= self.near {
            0
        } else if size < t1 {
            1
        } else if size < t2 {
            2
        } else if size < t3 {
            3
        } else {
            4
        };
        level * gradient.signum() as i8
    }

    /// The level of a gradient between two samples (T.87, A.3.3).
    #[inline]
    pub(super) fn quantize(&self, gradient: i32) -> i32 {
        // Samples lie between 0 and max, and so does the difference of two.
        self.levels.get((gradient + self.max) as usize).copied().unwrap_or_default().into()
    }

    /// Prediction and error → sample (T.87, A.4.5 and A.5.2).
    #[inline]
    pub(super) fn sample<const LOSSLESS: bool>(&self, prediction: i32, error: i32) -> i32 {
        let (near, step) = if LOSSLESS { (0, 1) } else { (self.near, 2 * self.near + 1) };
        let mut value = prediction + error * step;
        if value < -near {
            value += self.range * step;
        } else if value > self.max + near {
            value -= self.range * step;
        }
        value.clamp(0, self.max)
    }
}
