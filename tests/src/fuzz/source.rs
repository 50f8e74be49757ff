/// Decisions and data drawn from the fuzzer's bytes; zeros once they are used up.
#[derive(Debug)]
pub struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    /// A source of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// Whether the next byte is odd.
    pub fn flag(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    /// A number from the next two bytes.
    pub fn number(&mut self) -> usize {
        usize::from(u16::from_be_bytes([self.byte(), self.byte()]))
    }

    /// The next bytes, fewer where fewer are left.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// All that is left, cut at as many places as its first byte says, up to seven.
    pub fn pieces(&mut self) -> Vec<&'a [u8]> {
        let mut lens = Vec::new();
        for _ in 0..self.byte() % 8 {
            lens.push(self.number());
        }
        let mut pieces: Vec<_> = lens.into_iter().map(|len| self.take(len)).collect();
        pieces.push(self.take(usize::MAX));
        pieces
    }
}
