use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use crate::close_code::CloseCode;
use crate::event::Kind;

/// What an extension does to the messages of one connection, in both directions.
///
/// It is called in the order in which messages are sent and received, never twice at a time, and lives as long as the
/// connection. The call that sends waits for it, and so does everything else that is received.
pub trait Transform: Send {
    /// Turns the payload of a message that is sent into that of its frame, whose reserved bit is then set.
    fn encode(&mut self, kind: Kind, payload: &[u8]) -> Encoded;

    /// Turns the payload that arrived with the reserved bit set back into that of the message.
    ///
    /// `payload` is whatever the peer sent: up to a sixteenth and 1 KiB more than `limit`, so that there is room for what
    /// an extension adds, and 16 bytes more for each fragment. A text is checked afterwards. A message that was sent
    /// without the bit does not come here.
    ///
    /// # Errors
    /// [`DecodeError`] where it cannot be done: the connection is failed with its code. What would be longer than `limit`
    /// is best not made at all; a longer result fails the connection with 1009.
    fn decode(&mut self, kind: Kind, payload: Vec<u8>, limit: usize) -> Result<Vec<u8>, DecodeError>;
}

/// What became of a message that is to be sent.
#[derive(Clone, PartialEq, Eq)]
pub enum Encoded {
    /// This is sent in its place, with the reserved bit set.
    Payload(Vec<u8>),
    /// It is sent as it is, with the reserved bit clear.
    Unchanged,
    /// It is not sent: [`SendError::NotEncoded`](crate::SendError::NotEncoded), and the connection goes on.
    Refused,
}

/// Shows lengths, never a payload.
impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payload(payload) => write!(f, "Payload({} bytes)", payload.len()),
            Self::Unchanged => f.write_str("Unchanged"),
            Self::Refused => f.write_str("Refused"),
        }
    }
}

/// Why a message could not be decoded; the connection is failed with the code, and the reason in the Close frame.
///
/// ```
/// use tidewire_proto::CloseCode;
/// use tidewire_proto::extension::DecodeError;
///
/// let error = DecodeError::new("checksum differs");
/// assert_eq!(error.close_code(), CloseCode::INVALID_PAYLOAD);
/// assert_eq!(error.with_code(1008).close_code(), CloseCode::POLICY_VIOLATION);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    code: CloseCode,
    reason: &'static str,
}

impl DecodeError {
    /// An error with code 1007, which stands for a payload that contradicts itself. The peer is told the reason.
    pub const fn new(reason: &'static str) -> Self {
        Self {
            code: CloseCode::INVALID_PAYLOAD,
            reason,
        }
    }

    /// The same error with another code; 1011 in place of one that may not be sent.
    pub fn with_code(self, code: impl Into<CloseCode>) -> Self {
        let code = Some(code.into()).filter(|code| code.is_sendable());
        Self {
            code: code.unwrap_or(CloseCode::INTERNAL_ERROR),
            ..self
        }
    }

    /// The code that the connection is failed with.
    pub const fn close_code(self) -> CloseCode {
        self.code
    }

    /// The reason.
    pub const fn reason(self) -> &'static str {
        self.reason
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl Error for DecodeError {}
