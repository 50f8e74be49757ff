use alloc::vec::Vec;
use core::fmt;
use core::mem;

/// Bytes that were received and wait for a [`turn`](crate::Connection::turn).
///
/// A connection without extensions consumes all of it, so a buffer serves any number of connections, one after the other;
/// what an extension leaves for another turn is [kept](Self::take_unread) for the same connection.
///
/// ```
/// use tidewire_proto::Inbox;
///
/// let mut inbox = Inbox::with_capacity(16 * 1024);
/// inbox.extend(b"\x89\x80");
/// assert_eq!(inbox.unread(), b"\x89\x80");
/// ```
#[derive(Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    read: usize,
    /// Bytes came in since the last turn.
    fresh: bool,
}

impl Inbox {
    /// An empty inbox that owns no memory.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            read: 0,
            fresh: false,
        }
    }

    /// An empty inbox with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ..Self::new()
        }
    }

    /// Appends bytes that were received.
    pub fn extend(&mut self, received: &[u8]) {
        self.buffer().extend_from_slice(received);
    }

    /// The buffer to append received bytes to, emptied first where everything in it was read.
    ///
    /// What stands in it already belongs to the inbox and is not to be changed.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        if self.is_empty() {
            self.bytes.clear();
            self.read = 0;
        }
        self.fresh = true;
        &mut self.bytes
    }

    /// The bytes that no turn has consumed.
    pub fn unread(&self) -> &[u8] {
        self.bytes.get(self.read..).unwrap_or_default()
    }

    /// How many bytes fit without getting more memory, those already consumed included.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether everything was consumed.
    pub fn is_empty(&self) -> bool {
        self.read == self.bytes.len()
    }

    /// Takes the bytes that no turn has consumed into an inbox of just their size; this one keeps its memory.
    pub fn take_unread(&mut self) -> Self {
        let rest = Self {
            bytes: self.unread().to_vec(),
            read: 0,
            fresh: self.fresh,
        };
        self.bytes.clear();
        self.read = 0;
        rest
    }

    /// The bytes to consume; says, too, whether some are new.
    pub(crate) fn open(&mut self) -> (Input<'_>, bool) {
        let fresh = mem::take(&mut self.fresh) && !self.is_empty();
        let bytes = self.bytes.get_mut(self.read..).unwrap_or_default();
        (
            Input {
                bytes,
                read: &mut self.read,
            },
            fresh,
        )
    }
}

impl From<Vec<u8>> for Inbox {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            read: 0,
            fresh: true,
        }
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("unread", &self.unread().len())
            .finish_non_exhaustive()
    }
}

/// The unread bytes of an inbox, taken from the front; what was taken outlives the next taking.
pub(crate) struct Input<'t> {
    bytes: &'t mut [u8],
    read: &'t mut usize,
}

impl<'t> Input<'t> {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// Leaves the last `len` bytes for another turn, those among them that were taken in this one, too.
    pub(crate) fn put_back(&mut self, len: usize) {
        *self.read -= len - self.bytes.len();
        self.bytes = Default::default();
    }

    /// Takes the first `len` bytes, or all where there are fewer.
    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> &'t mut [u8] {
        let bytes = mem::take(&mut self.bytes);
        let len = len.min(bytes.len());
        let (taken, rest) = bytes.split_at_mut(len);
        self.bytes = rest;
        *self.read += len;
        taken
    }
}
