use alloc::vec::Vec;

use crate::error::ProtocolError;
use crate::event::Kind;

/// The longest header: two bytes, a length of eight, a key of four.
pub(crate) const MAX_HEADER: usize = 14;
/// The longest payload of a control frame (§5.5).
pub(crate) const MAX_CONTROL: usize = 125;

const FIN: u8 = 0x80;
const MASK: u8 = 0x80;
/// In place of a length up to 125: the length follows in two bytes, in eight.
const TWO_BYTES: u8 = 0x7e;
const EIGHT_BYTES: u8 = 0x7f;

/// What a frame is for (§5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// Goes on with the message that an earlier frame began.
    Continuation = 0x0,
    /// Begins a text message.
    Text = 0x1,
    /// Begins a binary message.
    Binary = 0x2,
    /// Closes the connection.
    Close = 0x8,
    /// Asks for a sign of life.
    Ping = 0x9,
    /// Gives a sign of life.
    Pong = 0xa,
}

impl Opcode {
    const fn parse(bits: u8) -> Option<Self> {
        match bits {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xa => Some(Self::Pong),
            _ => None,
        }
    }

    const fn bits(self) -> u8 {
        self as u8
    }

    /// Whether this is a control frame: never fragmented, at most 125 bytes, allowed inside a message (§5.5).
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    /// The type of the message that this frame begins (§5.4).
    pub(crate) const fn begins(self) -> Option<Kind> {
        match self {
            Self::Text => Some(Kind::Text),
            Self::Binary => Some(Kind::Binary),
            Self::Continuation | Self::Close | Self::Ping | Self::Pong => None,
        }
    }
}

/// Which side sent a frame: §5.1 has the client mask every frame, and the server none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// The side that masks.
    Client,
    /// The side that does not.
    Server,
}

/// The three reserved bits (§5.2): in a header those that are set, of a connection those that extensions claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReservedBits(u8);

impl ReservedBits {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// The first, which permessage-deflate claims (RFC 7692 §6).
    pub const RSV1: Self = Self(0b100);
    /// The second.
    pub const RSV2: Self = Self(0b010);
    /// The third.
    pub const RSV3: Self = Self(0b001);

    /// As a number, RSV1 its highest bit.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether these are among the others.
    const fn are_among(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    /// Whether one of these is among the others.
    pub(crate) const fn meet(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// These and the others.
    pub(crate) const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}

/// Everything a frame says before its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the frame is for.
    pub opcode: Opcode,
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// What an extension says of the message that the frame begins.
    pub reserved: ReservedBits,
    /// The key that the payload is masked with; a client's frame always has one.
    pub masking_key: Option<[u8; 4]>,
    /// The length of the payload in bytes.
    pub payload_len: u64,
}

impl FrameHeader {
    /// Reads a header from the start of `bytes`; gives it with its own length, or `None` where more bytes are
    /// needed. `claimed` are the reserved bits that the connection's extensions gave a meaning.
    ///
    /// Each rule is judged as soon as its bytes are there, the first six with the first two.
    ///
    /// # Errors
    /// [`ProtocolError`] names the first rule of §5.2 to §5.5 that the header breaks.
    #[inline]
    pub fn parse(
        bytes: &[u8],
        sender: Sender,
        claimed: ReservedBits,
    ) -> Result<Option<(Self, usize)>, ProtocolError> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        let (fin, reserved) = (first & FIN != 0, ReservedBits((first >> 4) & 0b111));
        // §5.2: "If a nonzero value is received and none of the negotiated extensions defines the meaning of
        // such a nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_."
        if !reserved.are_among(claimed) {
            return Err(ProtocolError::ReservedBits {
                bits: reserved.bits(),
            });
        }
        let Some(opcode) = Opcode::parse(first & 0x0f) else {
            return Err(ProtocolError::ReservedOpcode { opcode: first & 0x0f });
        };
        // RFC 7692 §6.1: "An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and
        // non-first fragments of a data message."
        if reserved != ReservedBits::NONE && opcode.begins().is_none() {
            return Err(ProtocolError::MisplacedBits {
                bits: reserved.bits(),
            });
        }
        match (sender, second & MASK != 0) {
            (Sender::Client, false) => return Err(ProtocolError::MaskMissing),
            (Sender::Server, true) => return Err(ProtocolError::MaskForbidden),
            (Sender::Client, true) | (Sender::Server, false) => {}
        }
        let short = second & 0x7f;
        if opcode.is_control() {
            if !fin {
                return Err(ProtocolError::FragmentedControl);
            }
            if usize::from(short) > MAX_CONTROL {
                return Err(ProtocolError::LongControl);
            }
        }
        // §5.2: "the minimal number of bytes MUST be used to encode the length".
        let (payload_len, rest, len) = match short {
            TWO_BYTES => {
                let Some((len, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let len = u64::from(u16::from_be_bytes(*len));
                if len < 126 {
                    return Err(ProtocolError::LengthNotMinimal { len });
                }
                (len, rest, 4)
            }
            EIGHT_BYTES => {
                let Some((len, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let len = u64::from_be_bytes(*len);
                if len >> 63 != 0 {
                    return Err(ProtocolError::LengthOverflow);
                }
                if u16::try_from(len).is_ok() {
                    return Err(ProtocolError::LengthNotMinimal { len });
                }
                (len, rest, 10)
            }
            short => (u64::from(short), rest, 2),
        };
        if sender == Sender::Server {
            return Ok(Some((
                Self {
                    opcode,
                    fin,
                    reserved,
                    masking_key: None,
                    payload_len,
                },
                len,
            )));
        }
        let Some(key) = rest.first_chunk() else {
            return Ok(None);
        };
        Ok(Some((
            Self {
                opcode,
                fin,
                reserved,
                masking_key: Some(*key),
                payload_len,
            },
            len + 4,
        )))
    }

    /// Appends the header to `out`, its length in the shortest form.
    #[inline]
    pub fn write(&self, out: &mut Vec<u8>) {
        let first = self.opcode.bits() | (self.reserved.bits() << 4) | if self.fin { FIN } else { 0 };
        let mask = if self.masking_key.is_some() { MASK } else { 0 };
        let [.., high, low] = self.payload_len.to_be_bytes();
        if self.payload_len < u64::from(TWO_BYTES) {
            out.extend_from_slice(&[first, mask | low]);
        } else if u16::try_from(self.payload_len).is_ok() {
            out.extend_from_slice(&[first, mask | TWO_BYTES, high, low]);
        } else {
            out.extend_from_slice(&[first, mask | EIGHT_BYTES]);
            out.extend_from_slice(&self.payload_len.to_be_bytes());
        }
        if let Some(key) = self.masking_key {
            out.extend_from_slice(&key);
        }
    }
}
