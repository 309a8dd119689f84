use super::Fault;

/// A Huffman table (T.81, annex C): for each of the next 16 bits the value that they begin with, and its length.
pub(super) struct Table(Vec<(u8, u8)>);

impl Table {
    /// `counts` says how many codes there are of each length from 1 to 16; `None` where so many do not exist.
    pub(super) fn new(counts: &[u8; 16], values: &[u8]) -> Option<Self> {
        let mut table = vec![(0, 0); 1 << 16];
        let mut values = values.iter();
        let mut at = 0usize;
        for (length, &count) in (1u8..).zip(counts) {
            for _ in 0..count {
                let room = 1 << (16 - length);
                table.get_mut(at..at + room)?.fill((*values.next()?, length));
                at += room;
            }
        }
        Some(Self(table))
    }
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

    fn fill(&mut self) {
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
    pub(super) fn value(&mut self, table: &Table) -> Result<u8, Fault> {
        if self.held < 16 {
            self.fill();
        }
        // Behind the end, ones are as good as anything: their length is checked.
        let next = match self.held {
            held @ 16.. => self.buffer >> (held - 16),
            held => self.buffer << (16 - held) | ((1 << (16 - held)) - 1),
        };
        let (value, length) = table.0[next as usize & 0xffff];
        if length == 0 {
            return Err(Fault::broken("a code is not in its table"));
        }
        if u32::from(length) > self.held {
            return Err(Fault::broken("it ends early"));
        }
        self.held -= u32::from(length);
        Ok(value)
    }

    /// Reads a difference of so many bits (T.81, F.2.2.1: RECEIVE and EXTEND).
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
