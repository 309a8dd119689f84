use super::{Fault, Interleave, bits::Bits, coding::Coding};

/// T.87, table A.1: how fast runs grow.
const J: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Contexts of gradients; two of runs follow.
const REGULAR: usize = 365;

#[derive(Clone, Copy)]
struct Context {
    a: i32,
    b: i32,
    c: i32,
    n: i32,
}

impl Context {
    /// Halves what was counted when it was counted often enough (T.87, A.6.1).
    #[inline]
    fn age(&mut self, reset: i32) {
        if self.n == reset {
            self.a >>= 1;
            self.b >>= 1;
            self.n >>= 1;
        }
        self.n += 1;
    }
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
        Self { bits: Bits::new(stream), coding, width, contexts: [fresh; REGULAR + 2] }
    }

    /// Decodes into `samples`, which hold `components` a pixel, from component `first` on; gives the bytes it took.
    pub(super) fn decode(
        self,
        interleave: Interleave,
        components: usize,
        first: usize,
        samples: &mut [u16],
    ) -> Result<usize, Fault> {
        if self.coding.near == 0 {
            self.decode_as::<true>(interleave, components, first, samples)
        } else {
            self.decode_as::<false>(interleave, components, first, samples)
        }
    }

    fn decode_as<const LOSSLESS: bool>(
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
                self.pixels::<LOSSLESS>(&mut lines)?;
            } else {
                for lines in &mut lines {
                    self.line::<LOSSLESS>(lines)?;
                }
            }
            match lines.as_slice() {
                [lines] if components == 1 => row.iter_mut().zip(&lines.line[1..]).for_each(|(to, &v)| *to = v as u16),
                _ => {
                    for (index, lines) in lines.iter().enumerate() {
                        let to = row[first + index..].iter_mut().step_by(components);
                        to.zip(&lines.line[1..]).for_each(|(to, &from)| *to = from as u16);
                    }
                }
            }
        }
        Ok(self.bits.taken())
    }

    fn line<const LOSSLESS: bool>(&mut self, lines: &mut Lines) -> Result<(), Fault> {
        let width = self.width;
        let (above, line) = (&lines.above[..width + 2], &mut lines.line[..width + 2]);
        let mut x = 1;
        while x <= width {
            // The neighbours and levels of one sample are mostly those of the one before it, one step on.
            let (mut a, mut c, mut b) = (line[x - 1], above[x - 1], above[x]);
            let mut q2 = self.coding.quantize(b - c);
            loop {
                let d = above[x + 1];
                let q1 = self.coding.quantize(d - b);
                let place = 81 * q1 + 9 * q2 + self.coding.quantize(c - a);
                if place == 0 {
                    break;
                }
                a = self.regular::<LOSSLESS>(place, a, b, c)?;
                line[x] = a;
                (c, b, q2) = (b, d, q1);
                x += 1;
                if x > width {
                    return Ok(());
                }
            }
            let (run, interrupted) = self.run(&mut lines.run, width + 1 - x)?;
            line[x..x + run].fill(a);
            x += run;
            if interrupted {
                let b = above[x];
                let same = (a - b).abs() <= self.coding.near;
                let error = self.interruption(usize::from(same), lines.run)?;
                line[x] = if same {
                    self.coding.sample::<LOSSLESS>(a, error)
                } else {
                    self.coding.sample::<LOSSLESS>(b, if a > b { -error } else { error })
                };
                lines.run = lines.run.saturating_sub(1);
                x += 1;
            }
        }
        Ok(())
    }

    /// A line of pixels whose components come together.
    fn pixels<const LOSSLESS: bool>(&mut self, lines: &mut [Lines]) -> Result<(), Fault> {
        let mut x = 1;
        while x <= self.width {
            let place = |lines: &Lines, coding: &Coding| {
                let (a, b, c, d) = (lines.line[x - 1], lines.above[x], lines.above[x - 1], lines.above[x + 1]);
                81 * coding.quantize(d - b) + 9 * coding.quantize(b - c) + coding.quantize(c - a)
            };
            if lines.iter().any(|l| place(l, &self.coding) != 0) {
                for lines in lines.iter_mut() {
                    let found = place(lines, &self.coding);
                    let (a, b, c) = (lines.line[x - 1], lines.above[x], lines.above[x - 1]);
                    lines.line[x] = self.regular::<LOSSLESS>(found, a, b, c)?;
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
                    lines.line[x] = self.coding.sample::<LOSSLESS>(b, if a > b { -error } else { error });
                }
                index = index.saturating_sub(1);
                x += 1;
            }
            lines[0].run = index;
        }
        Ok(())
    }

    /// A sample from its neighbours and its context (T.87, A.4 and A.6).
    #[inline]
    fn regular<const LOSSLESS: bool>(&mut self, place: i32, a: i32, b: i32, c: i32) -> Result<i32, Fault> {
        let coding = &self.coding;
        // All ones for a negative place: x ^ sign − sign turns the sign of x around.
        let sign = place >> 31;
        let context = &mut self.contexts[place.unsigned_abs() as usize];
        let edge = (a + b - c).clamp(a.min(b), a.max(b));
        let prediction = (edge + ((context.c ^ sign) - sign)).clamp(0, coding.max);
        let k = golomb(context.n, context.a)?;
        let code = self.bits.golomb(k, coding.limit, coding.error_bits)?;
        // Even codes are the errors from 0 on, odd ones those below; turned around where negative ones are more likely.
        let mut error = (code >> 1) ^ -(code & 1);
        if LOSSLESS && k == 0 && 2 * context.b <= -context.n {
            error = !error;
        }
        context.b += if LOSSLESS { error } else { error * (2 * coding.near + 1) };
        context.a += error.abs();
        context.age(coding.reset);
        if context.b <= -context.n {
            context.b = (context.b + context.n).max(1 - context.n);
            context.c = (context.c - 1).max(-128);
        } else if context.b > 0 {
            context.b = (context.b - context.n).min(0);
            context.c = (context.c + 1).min(127);
        }
        Ok(coding.sample::<LOSSLESS>(prediction, (error ^ sign) - sign))
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
        let coding = &self.coding;
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
        context.age(coding.reset);
        Ok(error)
    }
}

/// The Golomb parameter: the smallest k with n · 2^k ≥ a.
#[inline]
fn golomb(n: i32, a: i32) -> Result<u32, Fault> {
    if a <= n {
        return Ok(0);
    }
    // Both are positive here, and a is the longer one, or as long.
    let k = n.leading_zeros() - a.leading_zeros();
    let k = k + u32::from((i64::from(n) << k) < i64::from(a));
    if k < 24 { Ok(k) } else { Err(Fault::broken("its errors grow without end")) }
}
