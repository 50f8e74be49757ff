use core::fmt;
use core::time::Duration;

use crate::close_code::{CloseCode, MAX_REASON};
use crate::extension::{DecodeError, ReservedBit};
use crate::keepalive::MAX_PINGS;

/// A rule that the peer broke; the connection is failed with [`close_code`](Self::close_code).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A reserved bit is set that no extension claimed (§5.2).
    ReservedBits {
        /// The three bits, RSV1 the highest.
        bits: u8,
    },
    /// A reserved bit is set on a control frame or on a fragment that is not the first (RFC 7692 §6.1).
    MisplacedBits {
        /// The three bits, RSV1 the highest.
        bits: u8,
    },
    /// The opcode is reserved (§5.2).
    ReservedOpcode {
        /// The opcode.
        opcode: u8,
    },
    /// A client's frame is not masked (§5.1).
    MaskMissing,
    /// A server's frame is masked (§5.1).
    MaskForbidden,
    /// A control frame is fragmented (§5.5).
    FragmentedControl,
    /// A control frame's payload is longer than 125 bytes (§5.5).
    LongControl,
    /// A payload length is not in its shortest form (§5.2).
    LengthNotMinimal {
        /// The length.
        len: u64,
    },
    /// A payload length has its highest bit set (§5.2).
    LengthOverflow,
    /// A continuation frame continues nothing (§5.4).
    NothingToContinue,
    /// A message starts inside another one (§5.4).
    MessageInterrupted,
    /// A text message is not UTF-8 (§8.1).
    InvalidText,
    /// A compressed message is no DEFLATE stream, refers to what was never sent, or stops half-way (RFC 7692 §7.2.2).
    BrokenDeflate,
    /// An [extension](crate::extension) of the application's could not decode a message.
    NotDecoded {
        /// The code that it wants.
        code: CloseCode,
        /// What is wrong with the message.
        reason: &'static str,
    },
    /// A Close frame's payload is one byte long (§5.5.1).
    CloseLength,
    /// A Close frame has a code that may not be sent (§7.4).
    CloseCode {
        /// The code.
        code: CloseCode,
    },
    /// A Close frame's reason is not UTF-8 (§5.5.1).
    CloseReason,
    /// A frame is longer than the limit.
    FrameTooBig {
        /// The payload's length.
        len: u64,
        /// The limit it exceeds.
        limit: usize,
    },
    /// A message is longer than the limit.
    MessageTooBig {
        /// The message's length, as far as it is known.
        len: u64,
        /// The limit it exceeds.
        limit: usize,
    },
    /// A message has more fragments than the limit.
    TooManyFragments {
        /// The limit.
        limit: u32,
    },
    /// A ping was not answered, and nothing else arrived.
    KeepaliveTimeout {
        /// How long was waited.
        waited: Duration,
    },
    /// No byte could be written.
    PeerNotReading {
        /// How long was waited.
        waited: Duration,
    },
}

impl ProtocolError {
    /// The code that the Close frame for this error carries (§7.4.1).
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::ReservedBits { .. }
            | Self::MisplacedBits { .. }
            | Self::ReservedOpcode { .. }
            | Self::MaskMissing
            | Self::MaskForbidden
            | Self::FragmentedControl
            | Self::LongControl
            | Self::LengthNotMinimal { .. }
            | Self::LengthOverflow
            | Self::NothingToContinue
            | Self::MessageInterrupted
            | Self::CloseLength
            | Self::CloseCode { .. } => CloseCode::PROTOCOL_ERROR,
            Self::InvalidText | Self::CloseReason | Self::BrokenDeflate => CloseCode::INVALID_PAYLOAD,
            Self::NotDecoded { code, .. } => code,
            Self::FrameTooBig { .. } | Self::MessageTooBig { .. } => CloseCode::MESSAGE_TOO_BIG,
            Self::TooManyFragments { .. } => CloseCode::POLICY_VIOLATION,
            Self::KeepaliveTimeout { .. } | Self::PeerNotReading { .. } => CloseCode::INTERNAL_ERROR,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedBits { bits } => write!(f, "reserved bits {bits:03b} without an extension"),
            Self::MisplacedBits { bits } => {
                write!(f, "reserved bits {bits:03b} on a frame that begins no message")
            }
            Self::ReservedOpcode { opcode } => write!(f, "reserved opcode {opcode:#x}"),
            Self::MaskMissing => f.write_str("frame from a client without a mask"),
            Self::MaskForbidden => f.write_str("frame from a server with a mask"),
            Self::FragmentedControl => f.write_str("fragmented control frame"),
            Self::LongControl => f.write_str("control frame longer than 125 bytes"),
            Self::LengthNotMinimal { len } => write!(f, "length {len} not in its shortest form"),
            Self::LengthOverflow => f.write_str("length with the highest bit set"),
            Self::NothingToContinue => f.write_str("continuation frame without a message to continue"),
            Self::MessageInterrupted => f.write_str("new message before the end of the last one"),
            Self::InvalidText => f.write_str("text that is not UTF-8"),
            Self::BrokenDeflate => f.write_str("compressed message that cannot be inflated"),
            Self::NotDecoded { reason, .. } => write!(f, "message that cannot be decoded: {reason}"),
            Self::CloseLength => f.write_str("close frame with a payload of 1 byte"),
            Self::CloseCode { code } => write!(f, "close code {} which may not be sent", code.as_u16()),
            Self::CloseReason => f.write_str("close reason that is not UTF-8"),
            Self::FrameTooBig { len, limit } => {
                write!(f, "frame of {len} bytes exceeds the limit of {limit}")
            }
            Self::MessageTooBig { len, limit } => {
                write!(f, "message of {len} bytes exceeds the limit of {limit}")
            }
            Self::TooManyFragments { limit } => write!(f, "message of more than {limit} fragments"),
            Self::KeepaliveTimeout { .. } => f.write_str("keepalive ping timeout"),
            Self::PeerNotReading { waited } => write!(f, "peer took no byte for {waited:?}"),
        }
    }
}

impl core::error::Error for ProtocolError {}

impl From<DecodeError> for ProtocolError {
    fn from(error: DecodeError) -> Self {
        Self::NotDecoded {
            code: error.close_code(),
            reason: error.reason(),
        }
    }
}

/// A call that cannot be carried out as it was made; nothing was sent, and the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The closing handshake has begun: nothing may follow a Close frame (§5.5.1).
    Closed,
    /// The payload of a ping or pong is longer than 125 bytes (§5.5).
    LongControl {
        /// The payload's length.
        len: usize,
    },
    /// The close code may not be sent (§7.4).
    CloseCode {
        /// The code.
        code: CloseCode,
    },
    /// The close reason is longer than [`MAX_REASON`] bytes.
    LongReason {
        /// The reason's length.
        len: usize,
    },
    /// A fragmented message is open, and no other may start before its end (§5.4).
    MessageOpen,
    /// A fragment is of another kind than its message.
    FragmentKind,
    /// As many pings wait for their answers as may.
    TooManyPings,
    /// A message in fragments, where an [extension](crate::extension) takes whole messages alone.
    Fragmented,
    /// The [extension](crate::extension) of the connection refused the message.
    NotEncoded,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("sent after the closing handshake began"),
            Self::LongControl { len } => write!(f, "control payload of {len} bytes exceeds the limit of 125"),
            Self::CloseCode { code } => write!(f, "close code {} may not be sent", code.as_u16()),
            Self::LongReason { len } => {
                write!(f, "close reason of {len} bytes exceeds the limit of {MAX_REASON}")
            }
            Self::MessageOpen => f.write_str("message sent while a fragmented one is open"),
            Self::FragmentKind => f.write_str("fragment of another kind than its message"),
            Self::TooManyPings => write!(f, "more than {MAX_PINGS} pings without an answer"),
            Self::Fragmented => f.write_str("fragmented message where an extension takes whole ones"),
            Self::NotEncoded => f.write_str("message that the extension refused to encode"),
        }
    }
}

impl core::error::Error for SendError {}

/// Settings that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A frame may be longer than the message it belongs to.
    FrameOverMessage {
        /// The limit of a frame.
        frame: usize,
        /// The limit of a message.
        message: usize,
    },
    /// The level of compression is none of 1 to 9.
    CompressionLevel {
        /// The level.
        level: u8,
    },
    /// The window is none of 2^8 to 2^15 bytes.
    WindowBits {
        /// The logarithm of its size.
        bits: u8,
    },
    /// Two settings exclude each other.
    Excluding {
        /// Which ones.
        settings: [&'static str; 2],
    },
    /// A reserved bit is claimed by two extensions.
    ReservedBit {
        /// Which one.
        bit: ReservedBit,
    },
    /// A setting is zero that has no use for it.
    Zero {
        /// Which one.
        setting: &'static str,
    },
    /// Connections are to be closed with a code that may not stand in a Close frame.
    CloseCode {
        /// The code.
        code: CloseCode,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameOverMessage { frame, message } => {
                write!(
                    f,
                    "frame limit of {frame} bytes exceeds the message limit of {message}"
                )
            }
            Self::CompressionLevel { level } => write!(f, "compression level {level} is not 1 to 9"),
            Self::WindowBits { bits } => write!(f, "window bits of {bits} are not 8 to 15"),
            Self::Excluding {
                settings: [one, other],
            } => write!(f, "{one} excludes {other}"),
            Self::ReservedBit { bit } => write!(f, "reserved bit {bit} claimed by two extensions"),
            Self::Zero { setting } => write!(f, "{setting} of zero"),
            Self::CloseCode { code } => write!(f, "close code {} which may not be sent", code.as_u16()),
        }
    }
}

impl core::error::Error for ConfigError {}
