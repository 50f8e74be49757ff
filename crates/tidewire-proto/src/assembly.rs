use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use crate::error::ProtocolError;
use crate::event::{Kind, Message, Received};
use crate::frame::{FrameHeader, ReservedBits, mask};
use crate::limits::Limits;
use crate::reader::TakeStore;
use crate::text::TextCheck;

/// How far ahead of the bytes received memory is reserved at least, on the word of a length field; no further
/// than those bytes themselves otherwise, so that a store is never more than twice what arrived.
const RESERVED_AHEAD: usize = 4 * 1024;
/// How much text is unmasked, checked and copied at a time, so that each step finds it in the first-level cache; a
/// multiple of four, so that each piece starts with the key as it is.
const AT_ONCE: usize = 16 * 1024;
/// A store for this much or more is taken from those that are kept.
const LONG: u64 = 32 * 1024;
/// How many times what has arrived such a store may be for. The messages of others leave new ones again and again, and with
/// headers alone a peer could hold one with each of its connections.
const TRUSTED: u64 = 16;
/// An empty store with more memory than this gives it back.
const RETAINED: usize = 64 * 1024;

/// The longest payload that may hold a message of `limit` bytes, or this many fragments of it.
///
/// What DEFLATE cannot shrink it stores, in blocks with five bytes each; a sender with little memory makes them as small
/// as 128 bytes. A fragment is flushed, which takes ten bytes more: two headers, an end of a block, and an empty block.
/// Other extensions have the same room for what they add.
fn longest(reserved: ReservedBits, limit: usize, fragments: u32) -> usize {
    if reserved == ReservedBits::NONE {
        return limit;
    }
    let flushed = usize::try_from(fragments).map_or(usize::MAX, |fragments| fragments.saturating_mul(16));
    with_room(limit).saturating_add(flushed)
}

/// What extensions may make of a message of `limit` bytes.
pub(crate) fn with_room(limit: usize) -> usize {
    limit.saturating_add(limit / 16 + 1024)
}

/// The message that is being received, and the store for what cannot be lent where it lies.
#[derive(Debug)]
pub(crate) struct Assembly {
    /// The message that has begun, and what extensions made of it.
    open: Option<(Kind, ReservedBits)>,
    /// The payload of all its frames so far, as their headers announced it.
    len: u64,
    fragments: u32,
    check: TextCheck,
    store: Store,
}

impl Assembly {
    pub(crate) const fn new() -> Self {
        Self {
            open: None,
            len: 0,
            fragments: 0,
            check: TextCheck::new(),
            store: Store::Binary(Vec::new()),
        }
    }

    /// Judges the header of a data frame against the message it belongs to; gives the type of the message, and the bits
    /// that its first frame had.
    ///
    /// A compressed message may turn out longer than its frames: what it gives is counted as it is inflated.
    pub(crate) fn begin_frame(
        &mut self,
        header: &FrameHeader,
        limits: &Limits,
    ) -> Result<(Kind, ReservedBits), ProtocolError> {
        let (kind, reserved) = match (self.open, header.opcode.begins()) {
            (None, Some(kind)) => (kind, header.reserved),
            (Some(open), None) => open,
            (None, None) => return Err(ProtocolError::NothingToContinue),
            (Some(_), Some(_)) => return Err(ProtocolError::MessageInterrupted),
        };
        let fits = |len: u64, limit: usize| usize::try_from(len).is_ok_and(|len| len <= limit);
        let longest = longest(reserved, limits.max_message(), self.fragments);
        // A limit of the frame that is no more than that of the message is meant for messages, however they come.
        let longest_frame = if limits.max_frame() < limits.max_message() {
            limits.max_frame()
        } else {
            longest
        };
        if !fits(header.payload_len, longest_frame) {
            return Err(ProtocolError::FrameTooBig {
                len: header.payload_len,
                limit: limits.max_frame(),
            });
        }
        // Both terms are below 2^63, so the sum cannot wrap.
        let len = self.len + header.payload_len;
        if !fits(len, longest) {
            return Err(ProtocolError::MessageTooBig {
                len,
                limit: limits.max_message(),
            });
        }
        if self.fragments == limits.max_fragments() {
            return Err(ProtocolError::TooManyFragments {
                limit: limits.max_fragments(),
            });
        }
        self.open = Some((kind, reserved));
        self.len = len;
        self.fragments += 1;
        Ok((kind, reserved))
    }

    /// Whether nothing of the message is stored, so that a part of it can be lent where it lies.
    pub(crate) fn is_empty(&self) -> bool {
        self.store.len() == 0 && !self.check.is_cut()
    }

    /// Whether the store holds a part of the message.
    pub(crate) fn has_stored(&self) -> bool {
        self.store.len() > 0
    }

    /// Whether a message has begun and not ended.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether a message is open of which one of these bits tells something.
    pub(crate) fn is_open_with(&self, bits: ReservedBits) -> bool {
        self.open.is_some_and(|(_, reserved)| reserved.meet(bits))
    }

    /// Unmasks a piece and appends it; `ahead` bytes of its frame are still to come, and `behind` it as many lie in the
    /// input that may belong to the message.
    pub(crate) fn append(
        &mut self,
        kind: Kind,
        key: Option<[u8; 4]>,
        piece: &mut [u8],
        ahead: u64,
        behind: usize,
        stores: TakeStore,
    ) -> Result<(), ProtocolError> {
        // What comes in fragments goes on, as far as is known: as much again is expected, which is not worth a move.
        let (ahead, stores): (_, TakeStore) = if self.fragments > 1 {
            (ahead.max(self.store.len() as u64), |_| Vec::new())
        } else {
            (ahead, stores)
        };
        self.store
            .reserve(kind, piece.len(), ahead, behind.min(RETAINED), stores);
        match &mut self.store {
            Store::Text(_) => {
                for piece in piece.chunks_mut(AT_ONCE) {
                    unmask(key, piece);
                    self.push(piece)?;
                }
            }
            Store::Binary(store) => match key {
                Some(key) => mask::append(key, piece, store),
                None => store.extend_from_slice(piece),
            },
        }
        Ok(())
    }

    /// Appends a piece that was inflated.
    pub(crate) fn append_inflated(&mut self, kind: Kind, piece: &[u8]) -> Result<(), ProtocolError> {
        // The first piece fits, then the store doubles.
        self.store
            .reserve(kind, piece.len(), self.store.len() as u64, 0, |_| Vec::new());
        self.push(piece)
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), ProtocolError> {
        match &mut self.store {
            Store::Text(store) => {
                let piece = self.check.push(piece)?;
                store.extend(piece.completed);
                store.push_str(piece.text);
            }
            Store::Binary(store) => store.extend_from_slice(piece),
        }
        Ok(())
    }

    /// Unmasks and checks a piece where it lies; needs an [empty](Self::is_empty) assembly.
    ///
    /// The start of a character at its end stays behind, for the next piece to complete.
    pub(crate) fn check<'a>(
        &mut self,
        kind: Kind,
        key: Option<[u8; 4]>,
        piece: &'a mut [u8],
    ) -> Result<Message<'a>, ProtocolError> {
        unmask(key, piece);
        match kind {
            Kind::Text => Ok(Message::Text(self.check.push(piece)?.text)),
            Kind::Binary => Ok(Message::Binary(piece)),
        }
    }

    /// Ends the message: its text must not stop inside a character.
    pub(crate) fn finish(&mut self) -> Result<(), ProtocolError> {
        self.open = None;
        self.len = 0;
        self.fragments = 0;
        self.check.finish()
    }

    /// What is stored, to lend or to give away.
    pub(crate) fn stored(&mut self) -> Received<'_> {
        match &mut self.store {
            Store::Text(text) => Received::assembled_text(text),
            Store::Binary(bytes) => Received::assembled_binary(bytes),
        }
    }

    /// The store of a binary message, where it holds a part of one.
    pub(crate) fn binary_store(&mut self) -> Option<&mut Vec<u8>> {
        match &mut self.store {
            Store::Binary(store) if !store.is_empty() => Some(store),
            Store::Binary(_) | Store::Text(_) => None,
        }
    }

    /// Takes out what is stored.
    pub(crate) fn take_stored(&mut self) -> Vec<u8> {
        match &mut self.store {
            Store::Text(text) => mem::take(text).into_bytes(),
            Store::Binary(bytes) => mem::take(bytes),
        }
    }

    /// Stores a whole message, whose text is checked.
    pub(crate) fn store(&mut self, kind: Kind, payload: Vec<u8>) -> Result<(), ProtocolError> {
        self.store = match kind {
            Kind::Text => Store::Text(String::from_utf8(payload).map_err(|_| ProtocolError::InvalidText)?),
            Kind::Binary => Store::Binary(payload),
        };
        Ok(())
    }

    /// Puts the store of a binary message back.
    pub(crate) fn put_store(&mut self, store: Vec<u8>) {
        self.store = Store::Binary(store);
    }

    /// Unmasks the last `len` bytes of the store.
    pub(crate) fn unmask_last(&mut self, key: Option<[u8; 4]>, len: usize) {
        if let Store::Binary(store) = &mut self.store {
            let start = store.len().saturating_sub(len);
            unmask(key, store.get_mut(start..).unwrap_or_default());
        }
    }

    /// Forgets what is stored, and gives all its memory back.
    pub(crate) fn drop_store(&mut self) {
        self.store = Store::Binary(Vec::new());
    }

    /// Forgets what is stored, and gives large memory back.
    pub(crate) fn clear_store(&mut self) {
        self.store.clear();
    }
}

#[inline]
pub(crate) fn unmask(key: Option<[u8; 4]>, payload: &mut [u8]) {
    if let Some(key) = key {
        mask::apply(key, payload);
    }
}

#[derive(Debug)]
enum Store {
    Text(String),
    Binary(Vec<u8>),
}

impl Store {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Makes room for `len` bytes of this type, for some of the `ahead` that are announced, and for those `behind` them.
    fn reserve(&mut self, kind: Kind, len: usize, ahead: u64, behind: usize, stores: TakeStore) {
        let arrived = (self.len() + len) as u64;
        let whole = arrived + ahead;
        if self.capacity() < self.len() + len && (LONG..=arrived.saturating_mul(TRUSTED)).contains(&whole) {
            self.move_into(kind, stores(usize::try_from(whole).unwrap_or(usize::MAX)));
        }
        let ahead = |stored: usize| {
            let growth = (stored + len).max(RESERVED_AHEAD);
            let ahead = usize::try_from(ahead).map_or(growth, |ahead| ahead.min(growth));
            len + ahead.max(behind)
        };
        // Exact, since the growth is already geometric: a message of one frame ends in a store of its size.
        match (kind, &mut *self) {
            (Kind::Text, Self::Text(text)) if text.capacity() - text.len() < len => {
                text.reserve_exact(ahead(text.len()));
            }
            (Kind::Binary, Self::Binary(bytes)) if bytes.capacity() - bytes.len() < len => {
                bytes.reserve_exact(ahead(bytes.len()));
            }
            (Kind::Text, Self::Text(_)) | (Kind::Binary, Self::Binary(_)) => {}
            (Kind::Text, Self::Binary(_)) => *self = Self::Text(String::with_capacity(ahead(0))),
            (Kind::Binary, Self::Text(_)) => *self = Self::Binary(Vec::with_capacity(ahead(0))),
        }
    }

    fn capacity(&self) -> usize {
        match self {
            Self::Text(text) => text.capacity(),
            Self::Binary(bytes) => bytes.capacity(),
        }
    }

    /// Goes on in a vector that is empty, unless that has no more room.
    fn move_into(&mut self, kind: Kind, mut empty: Vec<u8>) {
        if empty.capacity() <= self.capacity() {
            return;
        }
        // Whatever is stored is of the message's type.
        *self = match kind {
            Kind::Text => {
                let mut text = String::from_utf8(empty).unwrap_or_default();
                if let Self::Text(begun) = self {
                    text.push_str(begun);
                }
                Self::Text(text)
            }
            Kind::Binary => {
                if let Self::Binary(begun) = self {
                    empty.extend_from_slice(begun);
                }
                Self::Binary(empty)
            }
        };
    }

    fn clear(&mut self) {
        match self {
            Self::Text(text) if text.capacity() > RETAINED => *text = String::new(),
            Self::Text(text) => text.clear(),
            Self::Binary(bytes) if bytes.capacity() > RETAINED => *bytes = Vec::new(),
            Self::Binary(bytes) => bytes.clear(),
        }
    }
}
