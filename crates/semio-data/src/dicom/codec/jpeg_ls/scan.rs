use super::{Fault, Interleave};

/// T.87, table A.1: how fast runs grow.
const J: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Contexts of gradients; two of runs follow.
const REGULAR: usize = 365;

/// The numbers that a scan is coded with (T.87, annex A.2 and C.2.4.1.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Coding {
    near: i32,
    max: i32,
    thresholds: [i32; 3],
    reset: i32,
    range: i32,
    /// Bits of an error, and of the longest code.
    error_bits: u32,
    limit: u32,
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
        Some(Self { near, max, thresholds: [t1, t2, t3], reset, range, error_bits, limit })
    }

    fn quantize(&self, gradient: i32) -> i32 {
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
        level * gradient.signum()
    }

    /// Prediction and error → sample (T.87, A.4.5 and A.5.2).
    fn sample(&self, prediction: i32, error: i32) -> i32 {
        let step = 2 * self.near + 1;
        let mut value = prediction + error * step;
        if value < -self.near {
            value += self.range * step;
        } else if value > self.max + self.near {
            value -= self.range * step;
        }
        value.clamp(0, self.max)
    }
}

#[derive(Clone, Copy)]
struct Context {
    a: i32,
    b: i32,
    c: i32,
    n: i32,
}

/// One scan: its bits and what was learnt so far.
pub(super) struct Scan<'a> {
    bits: Bits<'a>,
    coding: Coding,
    width: usize,
    contexts: [Context; REGULAR + 2],
}

/// Two lines with one sample more at either end.
struct Lines {
    above: Vec<i32>,
    line: Vec<i32>,
    run: usize,
}

impl Lines {
    fn new(width: usize) -> Self {
        Self { above: vec![0; width + 2], line: vec![0; width + 2], run: 0 }
    }

    /// Goes to the next line (T.87, A.2.1: what lies beyond the ends).
    fn next(&mut self) {
        std::mem::swap(&mut self.above, &mut self.line);
        let last = self.above.len() - 1;
        self.above[last] = self.above[last - 1];
        self.line[0] = self.above[1];
    }
}

impl<'a> Scan<'a> {
    pub(super) fn new(stream: &'a [u8], width: usize, coding: Coding) -> Self {
        let fresh = Context { a: ((coding.range + 32) / 64).max(2), b: 0, c: 0, n: 1 };
        let bits = Bits { stream, at: 0, buffer: 0, held: 0 };
        Self { bits, coding, width, contexts: [fresh; REGULAR + 2] }
    }

    /// Decodes into `samples`, which hold `components` a pixel, from component `first` on; gives the bytes it took.
    pub(super) fn decode(
        mut self,
        interleave: Interleave,
        components: usize,
        first: usize,
        samples: &mut [u16],
    ) -> Result<usize, Fault> {
        let here = if interleave == Interleave::None { 1 } else { components };
        let mut lines: Vec<Lines> = (0..here).map(|_| Lines::new(self.width)).collect();
        for row in samples.chunks_exact_mut(self.width * components) {
            lines.iter_mut().for_each(Lines::next);
            if interleave == Interleave::Sample {
                self.pixels(&mut lines)?;
            } else {
                for lines in &mut lines {
                    self.line(lines)?;
                }
            }
            for (index, lines) in lines.iter().enumerate() {
                let to = row[first + index..].iter_mut().step_by(components);
                to.zip(&lines.line[1..]).for_each(|(to, &from)| *to = from as u16);
            }
        }
        Ok(self.bits.at)
    }

    fn line(&mut self, lines: &mut Lines) -> Result<(), Fault> {
        let mut x = 1;
        while x <= self.width {
            let (a, b, c, d) = (lines.line[x - 1], lines.above[x], lines.above[x - 1], lines.above[x + 1]);
            let gradients = [d - b, b - c, c - a].map(|g| self.coding.quantize(g));
            if gradients != [0; 3] {
                lines.line[x] = self.regular(gradients, a, b, c)?;
                x += 1;
                continue;
            }
            let (run, interrupted) = self.run(&mut lines.run, self.width + 1 - x)?;
            lines.line[x..x + run].fill(a);
            x += run;
            if interrupted {
                let b = lines.above[x];
                let same = (a - b).abs() <= self.coding.near;
                let error = self.interruption(usize::from(same), lines.run)?;
                lines.line[x] = if same {
                    self.coding.sample(a, error)
                } else {
                    self.coding.sample(b, if a > b { -error } else { error })
                };
                lines.run = lines.run.saturating_sub(1);
                x += 1;
            }
        }
        Ok(())
    }

    /// A line of pixels whose components come together.
    fn pixels(&mut self, lines: &mut [Lines]) -> Result<(), Fault> {
        let mut x = 1;
        while x <= self.width {
            let gradients = |lines: &Lines, coding: &Coding| {
                let (a, b, c, d) = (lines.line[x - 1], lines.above[x], lines.above[x - 1], lines.above[x + 1]);
                [d - b, b - c, c - a].map(|g| coding.quantize(g))
            };
            if lines.iter().any(|l| gradients(l, &self.coding) != [0; 3]) {
                for lines in lines.iter_mut() {
                    let found = gradients(lines, &self.coding);
                    let (a, b, c) = (lines.line[x - 1], lines.above[x], lines.above[x - 1]);
                    lines.line[x] = self.regular(found, a, b, c)?;
                }
                x += 1;
                continue;
            }
            let mut index = lines[0].run;
            let (run, interrupted) = self.run(&mut index, self.width + 1 - x)?;
            for lines in lines.iter_mut() {
                let a = lines.line[x - 1];
                lines.line[x..x + run].fill(a);
            }
            x += run;
            if interrupted {
                for lines in lines.iter_mut() {
                    let (a, b) = (lines.line[x - 1], lines.above[x]);
                    let error = self.interruption(0, index)?;
                    lines.line[x] = self.coding.sample(b, if a > b { -error } else { error });
                }
                index = index.saturating_sub(1);
                x += 1;
            }
            lines[0].run = index;
        }
        Ok(())
    }

    /// A sample from its neighbours and its context (T.87, A.4 and A.6).
    fn regular(&mut self, gradients: [i32; 3], a: i32, b: i32, c: i32) -> Result<i32, Fault> {
        let coding = self.coding;
        let [q1, q2, q3] = gradients;
        let place = 81 * q1 + 9 * q2 + q3;
        let sign = if place < 0 { -1 } else { 1 };
        let context = &mut self.contexts[place.unsigned_abs() as usize];
        let edge = if c >= a.max(b) {
            a.min(b)
        } else if c <= a.min(b) {
            a.max(b)
        } else {
            a + b - c
        };
        let prediction = (edge + sign * context.c).clamp(0, coding.max);
        let k = golomb(context.n, context.a)?;
        let code = self.bits.golomb(k, coding.limit, coding.error_bits)?;
        let error = if coding.near == 0 && k == 0 && 2 * context.b <= -context.n {
            if code & 1 == 1 { (code - 1) / 2 } else { -(code / 2) - 1 }
        } else if code & 1 == 1 {
            -((code + 1) / 2)
        } else {
            code / 2
        };
        context.b += error * (2 * coding.near + 1);
        context.a += error.abs();
        if context.n == coding.reset {
            context.a >>= 1;
            context.b >>= 1;
            context.n >>= 1;
        }
        context.n += 1;
        if context.b <= -context.n {
            context.b = (context.b + context.n).max(1 - context.n);
            context.c = (context.c - 1).max(-128);
        } else if context.b > 0 {
            context.b = (context.b - context.n).min(0);
            context.c = (context.c + 1).min(127);
        }
        Ok(coding.sample(prediction, sign * error))
    }

    /// The length of a run, and whether another sample ends it before the line does (T.87, A.7.1).
    fn run(&mut self, index: &mut usize, room: usize) -> Result<(usize, bool), Fault> {
        let mut run = 0;
        while self.bits.take(1)? == 1 {
            let step = 1 << J[*index];
            run += step;
            if run >= room {
                if run == room && *index < 31 {
                    *index += 1;
                }
                return Ok((room, false));
            }
            *index = (*index + 1).min(31);
        }
        run += self.bits.take(J[*index])? as usize;
        if run >= room {
            return Err(Fault::broken("a run goes beyond its line"));
        }
        Ok((run, true))
    }

    /// The error of the sample that ends a run (T.87, A.7.2); `same` is 1 where both neighbours are alike.
    fn interruption(&mut self, same: usize, run: usize) -> Result<i32, Fault> {
        let coding = self.coding;
        let context = &mut self.contexts[REGULAR + same];
        let alike = same as i32;
        let sum = context.a + if same == 1 { context.n >> 1 } else { 0 };
        let k = golomb(context.n, sum)?;
        let code = self.bits.golomb(k, coding.limit - J[run] - 1, coding.error_bits)?;
        let mapped = code + alike;
        let size = (mapped + 1) / 2;
        // `b` counts the negative errors here.
        let negative = (k != 0 || 2 * context.b >= context.n) == (mapped & 1 == 1);
        let error = if negative { -size } else { size };
        if error < 0 {
            context.b += 1;
        }
        context.a += (code + 1 - alike) >> 1;
        if context.n == coding.reset {
            context.a >>= 1;
            context.b >>= 1;
            context.n >>= 1;
        }
        context.n += 1;
        Ok(error)
    }
}

/// The Golomb parameter: the smallest k with n · 2^k ≥ a.
fn golomb(n: i32, a: i32) -> Result<u32, Fault> {
    (0..24).find(|k| (i64::from(n) << k) >= i64::from(a)).ok_or_else(|| Fault::broken("its errors grow without end"))
}

/// Bits from the highest on; after a byte of ones, the next one has seven (T.87, A.1).
struct Bits<'a> {
    stream: &'a [u8],
    at: usize,
    buffer: u64,
    held: u32,
}

impl Bits<'_> {
    fn fill(&mut self) {
        while self.held <= 48 {
            let Some(&byte) = self.stream.get(self.at) else { return };
            let after_ones = self.at > 0 && self.stream[self.at - 1] == 0xff;
            if after_ones {
                if byte >= 0x80 {
                    return;
                }
                self.buffer = self.buffer << 7 | u64::from(byte);
                self.held += 7;
            } else {
                // A marker begins with ones, too; its second byte then stops the reading.
                if byte == 0xff && self.stream.get(self.at + 1).is_none_or(|&b| b >= 0x80) {
                    return;
                }
                self.buffer = self.buffer << 8 | u64::from(byte);
                self.held += 8;
            }
            self.at += 1;
        }
    }

    fn take(&mut self, count: u32) -> Result<u32, Fault> {
        if self.held < count {
            self.fill();
            if self.held < count {
                return Err(Fault::broken("it ends early"));
            }
        }
        self.held -= count;
        Ok((self.buffer >> self.held) as u32 & ((1u32 << count) - 1))
    }

    /// A number of zeros, a one, and `k` bits; or, after so many zeros as `limit` says, `bits` bits (T.87, A.5.3).
    fn golomb(&mut self, k: u32, limit: u32, bits: u32) -> Result<i32, Fault> {
        let most = limit - bits - 1;
        let mut zeros = 0;
        loop {
            if self.held == 0 {
                self.fill();
                if self.held == 0 {
                    return Err(Fault::broken("it ends early"));
                }
            }
            let ahead = (self.buffer << (64 - self.held)).leading_zeros().min(self.held);
            zeros += ahead;
            self.held -= ahead;
            if zeros > most {
                return Err(Fault::broken("a code is longer than any can be"));
            }
            if self.held > 0 {
                self.held -= 1;
                break;
            }
        }
        let code = if zeros < most { zeros << k | self.take(k)? } else { self.take(bits)? + 1 };
        // Errors are folded into the range (T.87, A.4.5): no code is longer than one bit more.
        if code > 2 << bits { Err(Fault::broken("an error is larger than any can be")) } else { Ok(code as i32) }
    }
}
