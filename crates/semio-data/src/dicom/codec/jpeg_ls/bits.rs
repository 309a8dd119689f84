use super::Fault;

/// Bits from the highest on; after a byte of ones, the next one has seven (T.87, A.1).
pub(super) struct Bits<'a> {
    stream: &'a [u8],
    at: usize,
    /// The next bits, the first one the highest; zeros behind those that are held.
    buffer: u64,
    held: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(stream: &'a [u8]) -> Self {
        Self { stream, at: 0, buffer: 0, held: 0 }
    }

    /// How many bytes were taken from the stream.
    pub(super) fn taken(&self) -> usize {
        self.at
    }

    /// Holds 49 bits or more, if the stream has so many.
    #[inline]
    fn fill(&mut self) {
        if let Some(nine) = self.stream.get(self.at.wrapping_sub(1)..).and_then(<[u8]>::first_chunk::<9>) {
            let [before, eight @ ..] = *nine;
            let eight = u64::from_be_bytes(eight);
            // Whether none of eight bytes is one of ones.
            let ones = (!eight).wrapping_sub(0x0101_0101_0101_0101) & eight & 0x8080_8080_8080_8080;
            if ones == 0 && before != 0xff {
                let bytes = (63 - self.held) / 8;
                self.buffer |= (eight >> (64 - 8 * bytes)) << (64 - 8 * bytes) >> self.held;
                self.held += 8 * bytes;
                self.at += bytes as usize;
                return;
            }
        }
        self.fill_slowly();
    }

    fn fill_slowly(&mut self) {
        while self.held <= 48 {
            let Some(&byte) = self.stream.get(self.at) else { return };
            let after_ones = self.at > 0 && self.stream[self.at - 1] == 0xff;
            let length = if after_ones {
                if byte >= 0x80 {
                    return;
                }
                7
            } else {
                // A marker begins with ones, too; its second byte then stops the reading.
                if byte == 0xff && self.stream.get(self.at + 1).is_none_or(|&b| b >= 0x80) {
                    return;
                }
                8
            };
            self.buffer |= u64::from(byte) << (64 - length) >> self.held;
            self.held += length;
            self.at += 1;
        }
    }

    /// The next bits, 16 at most.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> Result<u32, Fault> {
        if self.held < count {
            self.fill();
            if self.held < count {
                return Err(Fault::broken("it ends early"));
            }
        }
        let bits = (self.buffer >> 1 >> (63 - count)) as u32;
        self.buffer <<= count;
        self.held -= count;
        Ok(bits)
    }

    /// A number of zeros, a one, and `k` bits; or, after so many zeros as `limit` says, `bits` bits (T.87, A.5.3).
    #[inline]
    pub(super) fn golomb(&mut self, k: u32, limit: u32, bits: u32) -> Result<i32, Fault> {
        if self.held < 32 {
            self.fill();
        }
        let most = limit - bits - 1;
        let zeros = self.buffer.leading_zeros();
        let whole = zeros + 1 + k;
        if zeros < most && whole <= self.held {
            let low = (self.buffer << zeros << 1) >> 1 >> (63 - k);
            self.buffer = self.buffer << zeros << 1 << k;
            self.held -= whole;
            return checked(zeros << k | low as u32, bits);
        }
        self.golomb_slowly(k, most, bits)
    }

    #[inline(never)]
    fn golomb_slowly(&mut self, k: u32, most: u32, bits: u32) -> Result<i32, Fault> {
        let mut zeros = 0;
        loop {
            if self.held == 0 {
                self.fill();
                if self.held == 0 {
                    return Err(Fault::broken("it ends early"));
                }
            }
            let ahead = self.buffer.leading_zeros().min(self.held);
            zeros += ahead;
            self.skip(ahead);
            if zeros > most {
                return Err(Fault::broken("a code is longer than any can be"));
            }
            if self.held > 0 {
                self.skip(1);
                break;
            }
        }
        let code = if zeros < most { zeros << k | self.take(k)? } else { self.take(bits)? + 1 };
        checked(code, bits)
    }

    /// Goes on by bits that are held.
    fn skip(&mut self, count: u32) {
        self.buffer = self.buffer.checked_shl(count).unwrap_or_default();
        self.held -= count;
    }
}

/// Errors are folded into the range (T.87, A.4.5): no code is longer than one bit more.
#[inline]
fn checked(code: u32, bits: u32) -> Result<i32, Fault> {
    if code > 2 << bits { Err(Fault::broken("an error is larger than any can be")) } else { Ok(code as i32) }
}
