use core::str;

use crate::error::ProtocolError;

/// Checks a whole text.
#[inline]
pub(crate) fn check(bytes: &[u8]) -> Result<&str, ProtocolError> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| ProtocolError::InvalidText)
}

/// Checks a text that arrives in pieces, each byte once, and fails at the first that cannot belong to it.
///
/// Between two pieces it keeps the start of a character that was cut, three bytes at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextCheck {
    cut: [u8; 4],
    len: u8,
}

/// What a piece of text holds, on character boundaries.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// The character that an earlier piece began.
    pub(crate) completed: Option<char>,
    /// What follows it.
    pub(crate) text: &'a str,
}

impl TextCheck {
    pub(crate) const fn new() -> Self {
        Self { cut: [0; 4], len: 0 }
    }

    /// Checks the next piece.
    pub(crate) fn push<'a>(&mut self, mut bytes: &'a [u8]) -> Result<Piece<'a>, ProtocolError> {
        let mut completed = None;
        while self.len > 0 && completed.is_none() {
            let Some((byte, rest)) = bytes.split_first() else {
                return Ok(Piece { completed, text: "" });
            };
            bytes = rest;
            completed = self.complete(*byte)?;
        }
        let (whole, cut) = bytes.split_at(bytes.len() - cut_at_end(bytes));
        let text = check(whole)?;
        for byte in cut {
            self.complete(*byte)?;
        }
        Ok(Piece { completed, text })
    }

    /// Whether the last piece ended inside a character.
    pub(crate) fn is_cut(self) -> bool {
        self.len > 0
    }

    /// Checks that the text ends on a character boundary, and starts anew.
    pub(crate) fn finish(&mut self) -> Result<(), ProtocolError> {
        let is_cut = self.is_cut();
        *self = Self::new();
        if is_cut {
            Err(ProtocolError::InvalidText)
        } else {
            Ok(())
        }
    }

    /// Adds a byte to the character that was cut; gives it once it is whole.
    fn complete(&mut self, byte: u8) -> Result<Option<char>, ProtocolError> {
        let slot = self
            .cut
            .get_mut(usize::from(self.len))
            .ok_or(ProtocolError::InvalidText)?;
        *slot = byte;
        self.len += 1;
        let bytes = self.cut.get(..usize::from(self.len)).unwrap_or_default();
        match str::from_utf8(bytes) {
            Ok(text) => {
                self.len = 0;
                Ok(text.chars().next())
            }
            // The bytes so far are the start of some character.
            Err(error) if error.error_len().is_none() => Ok(None),
            Err(_) => Err(ProtocolError::InvalidText),
        }
    }
}

/// How many bytes at the end are the start of a character that goes on beyond it.
fn cut_at_end(bytes: &[u8]) -> usize {
    for (byte, len) in bytes.iter().rev().zip(1..=3) {
        let width = match byte {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            0x00..=0x7f => 1,
        };
        return if width > len { len } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;

    /// Checks `text` in the pieces given; gives what came out and how many bytes were taken before a failure.
    fn run(pieces: &[&[u8]]) -> Result<String, usize> {
        let mut check = TextCheck::new();
        let mut out = String::new();
        for (i, piece) in pieces.iter().enumerate() {
            let piece = check.push(piece).map_err(|_| i)?;
            out.extend(piece.completed);
            out.push_str(piece.text);
        }
        check.finish().map_err(|_| pieces.len())?;
        Ok(out)
    }

    #[test]
    fn a_text_is_the_same_at_every_split_point() {
        let text = "aé€😀z\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}";
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let bytes = text.as_bytes();
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(run(&pieces).as_deref(), Ok(text), "split at {first} and {second}");
            }
        }
    }

    #[test]
    fn bytes_one_by_one_fail_exactly_where_std_finds_the_first_bad_one() {
        // Every start of up to four bytes out of those where the rules of UTF-8 change.
        let edges = [
            0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
            0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
        ];
        for a in edges {
            for b in edges {
                for c in edges {
                    for d in edges {
                        let bytes = [a, b, c, d];
                        let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
                        let want = match str::from_utf8(&bytes) {
                            Ok(text) => Ok(String::from(text)),
                            Err(error) => Err(first_bad(&bytes, error)),
                        };
                        assert_eq!(run(&pieces), want, "{bytes:02x?}");
                    }
                }
            }
        }
    }

    /// The first byte after which no text can follow; the length where only the end is missing.
    fn first_bad(bytes: &[u8], error: str::Utf8Error) -> usize {
        if error.error_len().is_none() {
            return bytes.len();
        }
        (1..=bytes.len())
            .find(|&n| str::from_utf8(&bytes[..n]).is_err_and(|error| error.error_len().is_some()))
            .unwrap_or(bytes.len())
            - 1
    }
}
