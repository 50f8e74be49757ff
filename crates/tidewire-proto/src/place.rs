use crate::event::{End, Kind};
use crate::frame::{Opcode, ReservedBits, mask};
use crate::header_start::HeaderStart;
use crate::inbox::Input;

/// Where the input goes on: in a header, or in the payload behind it.
#[derive(Debug)]
pub(crate) enum Place {
    Header(HeaderStart),
    /// In a frame whose payload has not arrived whole.
    Payload(OpenFrame),
    /// At a text that was found not to be UTF-8, which has not been reported: the next so many bytes.
    InvalidText(usize),
}

impl Place {
    pub(crate) const NEXT_FRAME: Self = Self::Header(HeaderStart::NOTHING);
}

/// A frame whose payload has not arrived whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenFrame {
    pub(crate) opcode: Opcode,
    pub(crate) end: End,
    /// The message that a data frame belongs to.
    pub(crate) kind: Kind,
    /// What extensions made of that message.
    pub(crate) reserved: ReservedBits,
    /// The key for the next byte.
    pub(crate) key: Option<[u8; 4]>,
    pub(crate) remaining: u64,
}

impl OpenFrame {
    /// Takes what has arrived of the payload, `most` bytes of it at most, with the key to unmask it.
    #[inline]
    pub(crate) fn take<'t>(&mut self, input: &mut Input<'t>, most: usize) -> (Option<[u8; 4]>, &'t mut [u8]) {
        let len = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(most);
        let piece = input.take(len);
        (self.advance(piece.len()), piece)
    }

    /// Goes on behind the next `len` bytes of the payload; gives the key for them.
    #[inline]
    pub(crate) fn advance(&mut self, len: usize) -> Option<[u8; 4]> {
        let key = self.key;
        self.remaining = self.remaining.saturating_sub(len as u64);
        if self.remaining > 0 {
            self.key = key.map(|key| mask::rotated(key, len));
        }
        key
    }

    /// Whether the message ends with what has been taken.
    pub(crate) fn end(&self) -> End {
        if self.remaining == 0 { self.end } else { End::More }
    }
}
