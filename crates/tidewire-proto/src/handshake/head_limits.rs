/// How much of a request or response head is taken; each limit itself still passes.
///
/// ```
/// use tidewire_proto::handshake::HeadLimits;
///
/// let strict = HeadLimits::default().bytes(4096).line(1024).fields(32);
/// # let _ = strict;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    pub(super) bytes: usize,
    pub(super) line: usize,
    pub(super) fields: usize,
}

impl HeadLimits {
    /// Limits the whole head, line ends included, in bytes (default: 16 KiB).
    ///
    /// A client counts interim responses to the head of the final one.
    pub const fn bytes(mut self, limit: usize) -> Self {
        self.bytes = limit;
        self
    }

    /// The most bytes that a head may have: for HTTP libraries that read it themselves.
    pub const fn max_bytes(&self) -> usize {
        self.bytes
    }

    /// Limits one line, its end not included, in bytes (default: 8 KiB).
    pub const fn line(mut self, limit: usize) -> Self {
        self.line = limit;
        self
    }

    /// Limits the number of field lines (default: 100).
    pub const fn fields(mut self, limit: usize) -> Self {
        self.fields = limit;
        self
    }
}

impl Default for HeadLimits {
    /// 16 KiB, 8 KiB a line, 100 fields.
    fn default() -> Self {
        Self {
            bytes: 16 * 1024,
            line: 8 * 1024,
            fields: 100,
        }
    }
}
