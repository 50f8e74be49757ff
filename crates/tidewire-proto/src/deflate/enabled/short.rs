//! DEFLATE (RFC 1951) for a short message that stands alone.
//!
//! Before zlib-rs can begin a stream it clears 128 KiB, which takes longer than to compress 1 KiB, and leaves little else
//! in the cache. What its level 1 does is simple: one block with the fixed codes, and of earlier places with the same
//! four bytes only the latest. This does the same with a table that fits the message.

use alloc::vec::Vec;

/// The longest message that has a place in the table for each byte, in bytes.
pub(super) const LONGEST: usize = 1 << TABLE_BITS;
/// Its table, 8 KiB, is cleared for each message.
const TABLE_BITS: u32 = 12;

/// What a match has to begin with, and what it may be at most.
const LEAST_MATCH: usize = 4;
const LONGEST_MATCH: usize = 258;

/// §3.2.6: BFINAL 0, then BTYPE 01, "compressed with fixed Huffman codes", from the lowest bit on.
const FIXED_BLOCK: (u32, u32) = (0b010, 3);
/// The end of that block, "256 [...] 0000000", and the header of an empty stored one, which begins the next byte with
/// its length, "LEN" and "NLEN" (§3.2.4): so a flush ends.
const END_AND_STORED_BLOCK: (u32, u32) = (0, 7 + 3);
const EMPTY: [u8; 4] = [0, 0, 0xff, 0xff];

/// The codes of literals, reversed: "Huffman codes are packed starting with the most-significant bit" (§3.1.1).
const LITERALS: [u16; 256] = {
    let mut codes = [0; 256];
    let mut literal = 0_u16;
    while literal < 256 {
        codes[literal as usize] = if literal < 144 {
            (0b0011_0000 + literal).reverse_bits() >> (16 - 8)
        } else {
            (0b1_1001_0000 + literal - 144).reverse_bits() >> (16 - 9)
        };
        literal += 1;
    }
    codes
};

/// Appends a message of at most [`LONGEST`] bytes, compressed and flushed, which refers back `window` bytes at most.
///
/// Random bytes grow by an eighth.
pub(super) fn compress(text: &[u8], window: usize, out: &mut Vec<u8>) {
    // Nine bits for each literal, and what begins and ends it.
    out.reserve(text.len() + text.len() / 8 + 7);
    let mut bits = Bits::new(out);
    bits.push(FIXED_BLOCK);
    // Where four bytes with this hash began last. A place that says so in error, as all of them do at first, costs a
    // comparison: what is there is compared, in any case.
    let mut latest = [0_u16; 1 << TABLE_BITS];
    let mut at = 0;
    while let Some((rest, literal)) = text.get(at..).and_then(|rest| Some((rest, rest.first()?))) {
        let earlier = rest.first_chunk().and_then(|start| {
            let place = latest.get_mut(hash(*start))?;
            let before = usize::from(*place);
            *place = u16::try_from(at).unwrap_or_default();
            let earlier = text.get(before..)?;
            let is_match = earlier.first_chunk() == Some(start) && (1..=window).contains(&(at - before));
            is_match.then_some((earlier, at - before))
        });
        at += match earlier {
            Some((earlier, distance)) => {
                let len = common_len(rest, earlier).min(LONGEST_MATCH);
                bits.push_match(len, distance);
                len
            }
            None => {
                bits.push_literal(*literal);
                1
            }
        };
    }
    bits.push(END_AND_STORED_BLOCK);
    bits.finish();
    out.extend_from_slice(&EMPTY);
}

/// Knuth's multiplicative hash: its highest bits depend on all four bytes.
fn hash(start: [u8; LEAST_MATCH]) -> usize {
    (u32::from_le_bytes(start).wrapping_mul(0x9e37_79b1) >> (u32::BITS - TABLE_BITS)) as usize
}

/// How many bytes two texts have in common at the start.
fn common_len(one: &[u8], other: &[u8]) -> usize {
    let words = |text| {
        <[u8]>::as_chunks::<8>(text)
            .0
            .iter()
            .map(|word| u64::from_le_bytes(*word))
    };
    let mut len = 0;
    for (one, other) in words(one).zip(words(other)) {
        if one != other {
            return len + (one ^ other).trailing_zeros() as usize / 8;
        }
        len += 8;
    }
    let bytes = one.iter().zip(other).skip(len);
    len + bytes.take_while(|(one, other)| one == other).count()
}

/// Packs bits into bytes, "starting with the least-significant bit of the byte" (§3.1.1).
struct Bits<'a> {
    out: &'a mut Vec<u8>,
    /// What does not fill four bytes yet, and how many bits it is.
    rest: u64,
    len: u32,
}

impl<'a> Bits<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, rest: 0, len: 0 }
    }

    /// Appends so many bits, at most 32.
    #[inline]
    fn push(&mut self, (bits, len): (u32, u32)) {
        self.rest |= u64::from(bits) << self.len;
        self.len += len;
        if let Some(left) = self.len.checked_sub(u32::BITS) {
            let [a, b, c, d, ..] = self.rest.to_le_bytes();
            self.out.extend_from_slice(&[a, b, c, d]);
            self.rest >>= u32::BITS;
            self.len = left;
        }
    }

    #[inline]
    fn push_literal(&mut self, literal: u8) {
        let code = LITERALS[usize::from(literal)];
        self.push((code.into(), if literal < 144 { 8 } else { 9 }));
    }

    /// §3.2.5: codes of lengths and distances are for ranges, each of the next four, or two, twice as long; "extra bits"
    /// tell the place in it.
    #[inline]
    fn push_match(&mut self, len: usize, distance: usize) {
        // Both have their bounds from `compress`, a length 258 and a distance `LONGEST`.
        let [len, distance] = [len - 3, distance - 1].map(|beyond| u32::try_from(beyond).unwrap_or_default());
        let (code, extra) = match len {
            0..8 => (1 + len, 0),
            255 => (29, 0),
            8.. => {
                let extra = len.ilog2() - 2;
                (1 + 4 * extra + (len >> extra), extra)
            }
        };
        // 257 to 279 are seven bits, from 0000001 on, and 280 to 287 are eight, from 11000000 on.
        let (code, code_len) = match code {
            0..24 => (code, 7),
            24.. => (0b1100_0000 + code - 24, 8),
        };
        self.push(with_extra((code, code_len), (len, extra)));
        let (code, extra) = match distance {
            0..4 => (distance, 0),
            4.. => {
                let extra = distance.ilog2() - 1;
                (2 * extra + (distance >> extra), extra)
            }
        };
        self.push(with_extra((code, 5), (distance, extra)));
    }

    fn finish(self) {
        let bytes = self.rest.to_le_bytes();
        let len = self.len.div_ceil(8) as usize;
        self.out.extend(bytes.into_iter().take(len));
    }
}

/// A code of some bits, reversed, and the lowest bits of a value behind it.
#[inline]
fn with_extra((code, code_len): (u32, u32), (value, extra): (u32, u32)) -> (u32, u32) {
    let code = code.reverse_bits() >> (u32::BITS - code_len);
    let value = value & ((1 << extra) - 1);
    (code | value << code_len, code_len + extra)
}

#[cfg(test)]
mod tests {
    use flate2::{Decompress, FlushDecompress};
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn compressed(text: &[u8], window: usize) -> Vec<u8> {
        let mut out = Vec::new();
        compress(text, window, &mut out);
        out
    }

    fn inflated(stream: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(2 * LONGEST);
        Decompress::new(false)
            .decompress_vec(stream, &mut text, FlushDecompress::Sync)
            .expect("a stream");
        text
    }

    /// Bytes of which no four occur twice.
    fn unlike(len: usize) -> Vec<u8> {
        (0_u16..).flat_map(u16::to_be_bytes).take(len).collect()
    }

    #[test]
    fn a_literal_and_the_end_are_the_bits_of_the_specification() {
        // Three bits of header, 0x30 + "a" = 10010001, seven bits of end, three of the next header.
        assert_eq!(compressed(b"a", 256), b"\x4a\x04\x00\x00\x00\xff\xff");
        assert_eq!(compressed(b"", 256), b"\x02\x00\x00\x00\xff\xff");
    }

    #[test]
    fn a_match_of_every_length_is_read_as_it_was_written() {
        for len in LEAST_MATCH..=2 * LONGEST_MATCH {
            let mut text = unlike(600);
            text.extend_from_within(..len);
            let payload = compressed(&text, LONGEST);
            assert!(inflated(&payload) == text, "{len}");
            assert!(
                payload.len() < compressed(&unlike(600), LONGEST).len() + 9,
                "{len}"
            );
        }
    }

    #[test]
    fn a_match_at_every_distance_is_read_as_it_was_written_within_the_window() {
        for distance in LEAST_MATCH..LONGEST - 30 {
            let mut text = unlike(distance);
            text.extend_from_within(..distance.min(30));
            let within = compressed(&text, distance);
            assert!(inflated(&within) == text, "{distance}");
            let beyond = compressed(&text, distance - 1);
            assert!(inflated(&beyond) == text, "{distance}");
            assert!(within.len() < beyond.len(), "{distance}");
        }
    }

    proptest! {
        #[test]
        fn any_message_is_read_as_it_was_written(
            parts in vec((vec(any::<u8>(), 1..40), 0..30_usize), 0..20),
            window in 256..=LONGEST,
        ) {
            let mut text: Vec<u8> = parts.into_iter().flat_map(|(part, times)| part.repeat(times)).collect();
            text.truncate(LONGEST);
            prop_assert!(inflated(&compressed(&text, window)) == text);
        }

        #[test]
        fn random_bytes_grow_by_an_eighth_at_most(text in vec(any::<u8>(), 0..=LONGEST)) {
            prop_assert!(compressed(&text, LONGEST).len() <= text.len() + text.len() / 8 + 7);
        }
    }
}
