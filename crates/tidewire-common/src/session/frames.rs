use std::collections::VecDeque;
use std::fmt;
use std::io::IoSlice;
use std::mem;

use crate::outgoing::Outgoing;

/// Where more than this much of the buffer has left, and four times what has not, it is taken out: little is moved for it.
const GONE: usize = 16 * 1024;

/// Frames on their way to the peer, in order: mostly bytes in one buffer, and between them long payloads where they lie,
/// which are never copied.
#[derive(Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    /// How many of the bytes have left.
    sent: usize,
    lent: VecDeque<Lent>,
    /// How much of the lent payloads has not left.
    lent_len: usize,
}

/// A message whose header stands in the bytes, and whose payload does not.
struct Lent {
    message: Outgoing,
    /// The payload follows this many bytes.
    behind: usize,
    /// How much of the payload has left.
    sent: usize,
}

impl Lent {
    fn unsent(&self) -> &[u8] {
        self.message
            .as_message()
            .as_bytes()
            .get(self.sent..)
            .unwrap_or_default()
    }
}

impl Frames {
    /// The buffer to append frames to.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Appends the payload of a message whose header was appended last.
    pub(super) fn lend(&mut self, message: Outgoing) {
        self.lent_len += message.as_message().as_bytes().len();
        self.lent.push_back(Lent {
            message,
            behind: self.bytes.len(),
            sent: 0,
        });
    }

    /// How much has not left.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.sent + self.lent_len
    }

    /// Lists what has not left, or the start of it, in as many slices as there is room for.
    pub(super) fn slices<'s, 'f>(&'f self, slices: &'s mut [IoSlice<'f>]) -> &'s [IoSlice<'f>] {
        let mut room = slices.iter_mut();
        let mut listed = 0;
        let mut list = |part: &'f [u8]| {
            if part.is_empty() {
                return true;
            }
            let slot = room.next();
            let has_room = slot.is_some();
            if let Some(slot) = slot {
                *slot = IoSlice::new(part);
                listed += 1;
            }
            has_room
        };
        let mut start = self.sent;
        let fits = self.lent.iter().all(|lent| {
            let bytes = self.bytes.get(start..lent.behind).unwrap_or_default();
            start = lent.behind;
            list(bytes) && list(lent.unsent())
        });
        if fits {
            list(self.bytes.get(start..).unwrap_or_default());
        }
        slices.get(..listed).unwrap_or_default()
    }

    /// Notes that the next `written` bytes have left.
    pub(super) fn advance(&mut self, mut written: usize) {
        while let Some(lent) = self.lent.front_mut() {
            let bytes = written.min(lent.behind - self.sent);
            let payload = (written - bytes).min(lent.unsent().len());
            self.sent += bytes;
            self.lent_len -= payload;
            lent.sent += payload;
            written -= bytes + payload;
            if self.sent < lent.behind || !lent.unsent().is_empty() {
                break;
            }
            if let Some(lent) = self.lent.pop_front() {
                lent.message.keep_memory();
            }
        }
        self.sent += written;
        if self.sent > GONE && self.sent / 4 > self.bytes.len() - self.sent {
            self.forget_sent();
        }
    }

    /// Takes what has left out of the buffer: frames that never all leave would make it grow for ever.
    ///
    /// One byte of it stays: to the core, an empty output is one that has left.
    #[cold]
    fn forget_sent(&mut self) {
        let gone = self.sent.saturating_sub(1);
        self.bytes.drain(..gone);
        self.sent -= gone;
        for lent in &mut self.lent {
            lent.behind -= gone;
        }
    }

    /// Appends frames that come behind these.
    pub(super) fn append(&mut self, later: Self) {
        let mut start = later.sent;
        for lent in later.lent {
            self.bytes
                .extend_from_slice(later.bytes.get(start..lent.behind).unwrap_or_default());
            start = lent.behind;
            self.lent_len += lent.unsent().len();
            self.lent.push_back(Lent {
                behind: self.bytes.len(),
                ..lent
            });
        }
        self.bytes
            .extend_from_slice(later.bytes.get(start..).unwrap_or_default());
    }

    /// Takes what has not left.
    ///
    /// A byte that is never written stands for it: to the core, an empty output is one that has left.
    pub(super) fn take(&mut self) -> Self {
        let placeholder = Self {
            bytes: vec![0],
            sent: 1,
            ..Self::default()
        };
        mem::replace(self, placeholder)
    }

    /// Forgets all of it, and keeps the buffer.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.sent = 0;
        self.lent.clear();
        self.lent_len = 0;
    }

    /// How much memory the buffer has.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

/// Shows the length alone.
impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
