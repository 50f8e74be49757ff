//! A decoder of DEFLATE written straight from RFC 1951, slow and plain, which shares no code with tidewire or zlib, and
//! refers back no further than it may.

/// Why a payload is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It stops inside a block.
    Cut,
    /// It breaks a rule of RFC 1951.
    Broken,
    /// It refers further back than its window reaches, or than there is text.
    TooFar,
    /// It gives more than was asked for.
    TooLong,
}

/// The memory of one direction: exactly as much as its sender may refer to.
#[derive(Clone, Debug)]
pub struct Inflater {
    window: usize,
    takeover: bool,
    history: Vec<u8>,
}

impl Inflater {
    /// A window of `2^bits` bytes, which outlives a message only with takeover.
    pub fn new(bits: u8, takeover: bool) -> Self {
        Self {
            window: 1 << bits,
            takeover,
            history: Vec::new(),
        }
    }

    /// Inflates a message of at most `limit` bytes (RFC 7692 §7.2.2).
    ///
    /// # Errors
    /// What is wrong with it; the memory is as it was.
    pub fn message(&mut self, payload: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
        let mut bits = Bits { payload, at: 0 };
        let mut text = self.history.clone();
        let start = text.len();
        let end = start + limit;
        loop {
            let is_final = bits.take(1)? == 1;
            match bits.take(2)? {
                0 => {
                    bits.align();
                    if bits.at == payload.len() * 8 {
                        // What the sender cut off: the length of an empty block.
                        break;
                    }
                    let (len, check) = (bits.take(16)?, bits.take(16)?);
                    if len != !check & 0xffff {
                        return Err(Fault::Broken);
                    }
                    for _ in 0..len {
                        push(&mut text, bits.take(8)?, end)?;
                    }
                }
                1 => {
                    let mut lens = [8; 288];
                    lens[144..256].fill(9);
                    lens[256..280].fill(7);
                    self.block(
                        &mut bits,
                        &Code::new(&lens, true)?,
                        &Code::new(&[5; 30], false)?,
                        &mut text,
                        end,
                    )?;
                }
                2 => {
                    let (literals, distances) = codes(&mut bits)?;
                    self.block(&mut bits, &literals, &distances, &mut text, end)?;
                }
                _ => return Err(Fault::Broken),
            }
            if is_final {
                bits.align();
                if bits.at == payload.len() * 8 {
                    break;
                }
            }
        }
        let message = text.split_off(start);
        if self.takeover {
            self.history.extend_from_slice(&message);
            let stale = self.history.len().saturating_sub(self.window);
            self.history.drain(..stale);
        }
        Ok(message)
    }

    /// RFC 1951 §3.2.3, the body of a compressed block.
    fn block(
        &self,
        bits: &mut Bits<'_>,
        literals: &Code,
        distances: &Code,
        text: &mut Vec<u8>,
        end: usize,
    ) -> Result<(), Fault> {
        loop {
            let symbol = literals.read(bits)?;
            if symbol < 256 {
                push(text, symbol, end)?;
                continue;
            }
            if symbol == 256 {
                return Ok(());
            }
            // §3.2.5: 257–264 stand for 3–10, then each four codes share their extra bits; 285 is 258.
            let len = match symbol - 257 {
                code @ 0..8 => 3 + code,
                code @ 8..28 => {
                    let extra = code / 4 - 1;
                    3 + ((4 + code % 4) << extra) + bits.take(extra)?
                }
                28 => 258,
                _ => return Err(Fault::Broken),
            };
            let distance = match distances.read(bits)? {
                code @ 0..4 => 1 + code,
                code @ 4..30 => {
                    let extra = code / 2 - 1;
                    1 + ((2 + code % 2) << extra) + bits.take(extra)?
                }
                _ => return Err(Fault::Broken),
            };
            let distance = distance as usize;
            if distance > self.window || distance > text.len() {
                return Err(Fault::TooFar);
            }
            for _ in 0..len {
                push(text, u32::from(text[text.len() - distance]), end)?;
            }
        }
    }
}

fn push(text: &mut Vec<u8>, byte: u32, end: usize) -> Result<(), Fault> {
    if text.len() == end {
        return Err(Fault::TooLong);
    }
    text.push(u8::try_from(byte).expect("eight bits"));
    Ok(())
}

/// §3.2.7: the two codes of a block that brings its own.
fn codes(bits: &mut Bits<'_>) -> Result<(Code, Code), Fault> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let (literals, distances) = (bits.take(5)? as usize + 257, bits.take(5)? as usize + 1);
    if literals > 286 || distances > 30 {
        return Err(Fault::Broken);
    }
    let mut lens = [0; 19];
    for i in 0..bits.take(4)? as usize + 4 {
        lens[ORDER[i]] = u8::try_from(bits.take(3)?).expect("three bits");
    }
    let code = Code::new(&lens, true)?;
    let mut lens: Vec<u8> = Vec::new();
    while lens.len() < literals + distances {
        let (len, count) = match code.read(bits)? {
            16 => (*lens.last().ok_or(Fault::Broken)?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            len => (u8::try_from(len).expect("less than 16"), 1),
        };
        lens.extend((0..count).map(|_| len));
    }
    if lens.len() > literals + distances || lens[256] == 0 {
        return Err(Fault::Broken);
    }
    let (literals, distances) = lens.split_at(literals);
    // zlib refuses an incomplete code but of one symbol, and so do we.
    Ok((Code::new(literals, false)?, Code::new(distances, false)?))
}

/// The payload as a stream of bits (§3.1.1).
struct Bits<'p> {
    payload: &'p [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Result<u32, Fault> {
        let mut value = 0;
        for i in 0..count {
            let byte = *self.payload.get(self.at / 8).ok_or(Fault::Cut)?;
            value |= (u32::from(byte) >> (self.at % 8) & 1) << i;
            self.at += 1;
        }
        Ok(value)
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }
}

/// A canonical Huffman code (§3.2.2): how many symbols there are of each length, and all of them in order.
struct Code {
    counts: [u32; 16],
    symbols: Vec<u32>,
}

impl Code {
    fn new(lens: &[u8], must_be_complete: bool) -> Result<Self, Fault> {
        let mut counts = [0; 16];
        let mut symbols = Vec::new();
        for len in 1..16_u8 {
            for (symbol, _) in lens.iter().enumerate().filter(|(_, l)| **l == len) {
                symbols.push(u32::try_from(symbol).expect("at most 288"));
                counts[usize::from(len)] += 1;
            }
        }
        let mut left = 1_i64;
        for count in &counts[1..] {
            left = left * 2 - i64::from(*count);
            if left < 0 {
                return Err(Fault::Broken);
            }
        }
        // The fixed code of distances has two that nobody may use; others may have one symbol, or none.
        let is_small = symbols.len() <= 1 && counts[1] as usize == symbols.len() && !must_be_complete;
        let is_fixed = lens == [5; 30];
        if left > 0 && !is_small && !is_fixed {
            return Err(Fault::Broken);
        }
        Ok(Self { counts, symbols })
    }

    fn read(&self, bits: &mut Bits<'_>) -> Result<u32, Fault> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.take(1)?;
            if code < first + count {
                return Ok(self.symbols[(index + code - first) as usize]);
            }
            index += count;
            first = (first + count) * 2;
            code *= 2;
        }
        Err(Fault::Broken)
    }
}
