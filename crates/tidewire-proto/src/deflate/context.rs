use core::fmt;

/// The size of an LZ77 window as its base-2 logarithm, 8 to 15 (RFC 7692 §7.1.2).
///
/// ```
/// use tidewire_proto::deflate::WindowBits;
///
/// assert_eq!(WindowBits::new(12).map(WindowBits::size), Some(4096));
/// assert_eq!(WindowBits::new(16), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowBits(u8);

impl WindowBits {
    /// 256 bytes.
    pub const MIN: Self = Self(8);
    /// 32 KiB, which holds where nothing was agreed on.
    pub const MAX: Self = Self(15);

    /// The window of `2^bits` bytes; `None` outside of 8 to 15.
    pub const fn new(bits: u8) -> Option<Self> {
        if bits >= Self::MIN.0 && bits <= Self::MAX.0 {
            Some(Self(bits))
        } else {
            None
        }
    }

    /// The logarithm.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The window in bytes.
    pub const fn size(self) -> usize {
        1 << self.0
    }
}

impl fmt::Display for WindowBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a message may refer to those before it (RFC 7692 §7.1.1, "context takeover").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Takeover {
    /// It may: smaller messages, for a window of memory.
    Allowed,
    /// Each message stands alone.
    Forbidden,
}

/// How far one side may look back when it compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Context {
    /// Whether beyond the start of the message.
    pub takeover: Takeover,
    /// How many bytes, as a logarithm.
    pub window_bits: WindowBits,
}

impl Context {
    /// The context that nothing restricts: with takeover, 32 KiB.
    pub const UNLIMITED: Self = Self {
        takeover: Takeover::Allowed,
        window_bits: WindowBits::MAX,
    };
}

/// The contexts of both sides: before the handshake what one of them wants at most, after it what was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Contexts {
    /// Of what the server sends.
    pub server: Context,
    /// Of what the client sends.
    pub client: Context,
}
