use super::Fault;

/// How many bits the quick table looks at; few codes of real pictures are longer.
const QUICK: u32 = 10;

/// A Huffman table (T.81, annex C).
pub(super) struct Table {
    /// For each of the next ten bits the value that they begin with, and its length; 0 where it is longer.
    quick: Vec<(u8, u8)>,
    /// For each length the first 16 bits behind its codes, and the place among `values` of a code of zeros.
    ends: [(u32, i32); 17],
    values: Vec<u8>,
}

impl Table {
    /// `counts` says how many codes there are of each length from 1 to 16; `None` where so many do not exist.
    pub(super) fn new(counts: &[u8; 16], values: &[u8]) -> Option<Self> {
        let mut quick = vec![(0, 0); 1 << QUICK];
        let mut ends = [(0, 0); 17];
        let (mut at, mut place) = (0usize, 0usize);
        for (length, &count) in (1u8..).zip(counts) {
            let room = 1usize << (16 - length);
            let first = place as i32 - (at / room) as i32;
            for &value in values.get(place..place + usize::from(count))? {
                if at + room > 1 << 16 {
                    return None;
                }
                if u32::from(length) <= QUICK {
                    quick[at >> (16 - QUICK)..(at + room) >> (16 - QUICK)].fill((value, length));
                }
                at += room;
            }
            place += usize::from(count);
            ends[usize::from(length)] = (at as u32, first);
        }
        Some(Self { quick, ends, values: values.to_vec() })
    }

    /// The value that 16 bits begin with, and its length; `None` where no code is so.
    fn find(&self, next: u32) -> Option<(u8, u8)> {
        let (value, length) = self.quick[(next >> (16 - QUICK)) as usize & ((1 << QUICK) - 1)];
        if length > 0 {
            return Some((value, length));
        }
        let length = (QUICK as usize + 1..=16).find(|&length| next < self.ends[length].0)?;
        let place = self.ends[length].1 + (next >> (16 - length)) as i32;
        Some((*self.values.get(usize::try_from(place).ok()?)?, length as u8))
    }
}

/// Differences of a lossless picture (T.81, H.1.2.2): code and bits of the difference looked up at once.
pub(super) struct Differences<'a> {
    table: &'a Table,
    /// For each of the next twelve bits the difference that they hold, and how many of them it takes; 0 where it takes
    /// more.
    quick: Vec<(i16, u8)>,
}

impl<'a> Differences<'a> {
    const BITS: u32 = 12;

    pub(super) fn new(table: &'a Table) -> Self {
        let whole = |bits: u32| {
            let next = bits << (32 - Self::BITS);
            let (count, length) = table.find(next >> 16)?;
            let taken = length + count.min(16);
            (count < 16 && u32::from(taken) <= Self::BITS).then(|| (extended(next, length, count) as i16, taken))
        };
        Self { table, quick: (0..1 << Self::BITS).map(|bits| whole(bits).unwrap_or_default()).collect() }
    }
}

/// The difference of `count` bits (0 to 15) behind a code (T.81, F.2.2.1: RECEIVE and EXTEND).
fn extended(next: u32, length: u8, count: u8) -> i32 {
    let value = ((next << length) >> 1) >> (31 - u32::from(count));
    let half = (1u32 << count) >> 1;
    value as i32 - if value < half { (1 << count) - 1 } else { 0 }
}

/// Coded bits, from the highest on; a zero follows each byte of ones that is no marker (T.81, F.1.2.3).
pub(super) struct Bits<'a> {
    stream: &'a [u8],
    at: usize,
    buffer: u64,
    held: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(stream: &'a [u8], at: usize) -> Self {
        Self { stream, at, buffer: 0, held: 0 }
    }

    /// Holds 48 bits or more, if the stream has so many.
    #[inline]
    fn fill(&mut self) {
        if let Some(eight) = self.stream.get(self.at..).and_then(<[u8]>::first_chunk) {
            let eight = u64::from_be_bytes(*eight);
            // Whether none of eight bytes is one of ones.
            let zero = (!eight).wrapping_sub(0x0101_0101_0101_0101) & eight & 0x8080_8080_8080_8080;
            if zero == 0 {
                let bytes = (63 - self.held) / 8;
                self.buffer = self.buffer << (8 * bytes) | eight >> (64 - 8 * bytes);
                self.held += 8 * bytes;
                self.at += bytes as usize;
                return;
            }
        }
        self.fill_slowly();
    }

    fn fill_slowly(&mut self) {
        while self.held <= 48 {
            let byte = match self.stream.get(self.at..) {
                Some([0xff, 0, ..]) => {
                    self.at += 1;
                    0xff
                }
                // A marker ends the bits.
                Some([0xff, ..] | []) | None => return,
                Some([byte, ..]) => *byte,
            };
            self.at += 1;
            self.buffer = self.buffer << 8 | u64::from(byte);
            self.held += 8;
        }
    }

    /// Decodes one value.
    #[inline]
    pub(super) fn value(&mut self, table: &Table) -> Result<u8, Fault> {
        if self.held < 16 {
            self.fill();
        }
        // Behind the end, ones are as good as anything: their length is checked.
        let next = match self.held {
            held @ 16.. => self.buffer >> (held - 16),
            held => self.buffer << (16 - held) | ((1 << (16 - held)) - 1),
        };
        let Some((value, length)) = table.find(next as u32 & 0xffff) else {
            return Err(Fault::broken("a code is not in its table"));
        };
        if u32::from(length) > self.held {
            return Err(Fault::broken("it ends early"));
        }
        self.held -= u32::from(length);
        Ok(value)
    }

    /// Reads a difference of so many bits (T.81, F.2.2.1: RECEIVE and EXTEND).
    #[inline]
    pub(super) fn difference(&mut self, count: u8) -> Result<i32, Fault> {
        let count = u32::from(count);
        if count == 0 {
            return Ok(0);
        }
        if self.held < count {
            self.fill();
        }
        if self.held < count {
            return Err(Fault::broken("it ends early"));
        }
        self.held -= count;
        let value = (self.buffer >> self.held) as i32 & ((1 << count) - 1);
        Ok(if value < 1 << (count - 1) { value - (1 << count) + 1 } else { value })
    }

    /// Decodes one difference of a lossless picture.
    #[inline]
    pub(super) fn coded(&mut self, differences: &Differences) -> Result<i32, Fault> {
        if self.held < 32 {
            self.fill();
        }
        if self.held >= 32 {
            let next = (self.buffer >> (self.held - 32)) as u32;
            let (difference, taken) = differences.quick[(next >> (32 - Differences::BITS)) as usize];
            if taken > 0 {
                self.held -= u32::from(taken);
                return Ok(difference.into());
            }
        }
        self.coded_slowly(differences.table)
    }

    #[inline(never)]
    fn coded_slowly(&mut self, table: &Table) -> Result<i32, Fault> {
        match self.value(table)? {
            16 => Ok(32_768),
            count @ 0..=15 => self.difference(count),
            _ => Err(Fault::broken("a difference has more than 16 bits")),
        }
    }

    /// Goes behind the restart marker that must come next.
    pub(super) fn restart(&mut self) -> Result<(), Fault> {
        self.held = 0;
        match self.stream.get(self.at..) {
            Some([0xff, 0xd0..=0xd7, ..]) => {
                self.at += 2;
                Ok(())
            }
            _ => Err(Fault::broken("a restart marker is missing")),
        }
    }

    /// Where the bits read so far end.
    pub(super) fn end(&self) -> usize {
        self.at
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    /// Codes of all lengths: one of each from 1 to 15, and two of 16 bits.
    fn table() -> Table {
        let mut counts = [1; 16];
        counts[15] = 2;
        Table::new(&counts, &(0..17).collect::<Vec<_>>()).unwrap()
    }

    /// The code of the value n is n ones and a zero; the last is 16 ones, which are not a code in real pictures.
    fn encoded(differences: &[i32]) -> Vec<u8> {
        let mut bits = vec![];
        for &d in differences {
            let count = 32 - d.unsigned_abs().leading_zeros();
            bits.extend(std::iter::repeat_n(1u8, count as usize));
            if count < 16 {
                bits.push(0);
                let low = if d < 0 { d - 1 } else { d };
                bits.extend((0..count).rev().map(|b| (low >> b & 1) as u8));
            }
        }
        bits.resize(bits.len().div_ceil(8) * 8, 1);
        let bytes = bits.chunks(8).map(|b| b.iter().fold(0u8, |v, bit| v << 1 | bit));
        let stuffed = bytes.flat_map(|b| if b == 0xff { vec![b, 0] } else { vec![b] });
        stuffed.chain(*b"\xff\xd9").collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn differences_of_all_lengths_come_back(differences in prop::collection::vec(
            prop_oneof![-3i32..=3, -300i32..=300, -32_767i32..=32_767, Just(32_768)], 1..200)) {
            let (stream, table) = (encoded(&differences), table());
            let quick = Differences::new(&table);
            let mut bits = Bits::new(&stream, 0);
            for &expected in &differences {
                prop_assert_eq!(bits.coded(&quick), Ok(expected));
            }
            // The same by the way that is taken near the end.
            let mut bits = Bits::new(&stream, 0);
            for &expected in &differences {
                prop_assert_eq!(bits.coded_slowly(&table), Ok(expected));
            }
        }
    }

    #[test]
    fn more_codes_than_there_can_be_are_refused() {
        assert!(Table::new(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[1, 2, 3]).is_none());
        assert!(Table::new(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[]).is_none());
    }
}
