/// How much a peer may send before the connection is failed.
///
/// ```
/// use tidewire_proto::Limits;
///
/// let limits = Limits::default().message(1 << 20).fragments(64);
/// assert_eq!(limits.max_frame(), 1 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    message: usize,
    frame: usize,
    fragments: u32,
}

impl Limits {
    /// 1 MiB a message and 1,024 fragments: for servers that know their messages to be small.
    pub const STRICT: Self = Self {
        message: 1 << 20,
        frame: 1 << 20,
        fragments: 1024,
    };

    /// Bounds a message, all its fragments together, in bytes; a frame with it, unless that is set lower.
    ///
    /// A longer one is failed with 1009 at the frame header that announces it.
    pub fn message(mut self, bytes: usize) -> Self {
        if self.frame == self.message {
            self.frame = bytes;
        }
        self.message = bytes;
        self
    }

    /// Bounds the payload of one data frame, in bytes; a longer one is failed with 1009 at its header.
    pub fn frame(mut self, bytes: usize) -> Self {
        self.frame = bytes;
        self
    }

    /// Bounds the frames of one message, empty ones included; one more is failed with 1008.
    pub fn fragments(mut self, count: u32) -> Self {
        self.fragments = count;
        self
    }

    /// The longest message, in bytes.
    pub fn max_message(&self) -> usize {
        self.message
    }

    /// The longest payload of a data frame, in bytes.
    pub fn max_frame(&self) -> usize {
        self.frame
    }

    /// Whether a message of `len` bytes may come in one frame.
    #[inline]
    pub(crate) fn allow_single_frame(&self, len: usize) -> bool {
        len <= self.message.min(self.frame) && self.fragments > 0
    }

    /// The largest number of frames in one message.
    pub fn max_fragments(&self) -> u32 {
        self.fragments
    }
}

impl Default for Limits {
    /// 16 MiB a message and a frame, 131,072 fragments: a message of the limit may come in frames of 128 bytes.
    fn default() -> Self {
        Self {
            message: 16 << 20,
            frame: 16 << 20,
            fragments: 131_072,
        }
    }
}
