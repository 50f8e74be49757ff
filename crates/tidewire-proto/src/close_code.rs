use core::fmt;

use crate::error::{ProtocolError, SendError};

/// The longest reason a Close frame can carry: 125 bytes of control payload, less two of code (§5.5).
pub const MAX_REASON: usize = 123;

/// A status code of the closing handshake (§7.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose of the connection has been fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The endpoint goes away: a server shuts down, a page is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// A rule of the protocol was broken.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// A kind of data arrived that the endpoint cannot accept.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// Stands for a Close frame without a code; never sent.
    pub const NO_STATUS: Self = Self(1005);
    /// Stands for a connection that ended without a Close frame; never sent.
    pub const ABNORMAL: Self = Self(1006);
    /// A payload contradicts the type of its message: text that is not UTF-8, a broken compressed stream.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// A message violates the endpoint's policy.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// A message is too big to process.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// The client expected an extension that the server did not negotiate.
    pub const EXTENSION_REQUIRED: Self = Self(1010);
    /// The endpoint met a condition that kept it from fulfilling the request.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// The service restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// The service is overloaded.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// A gateway got an invalid answer from upstream.
    pub const BAD_GATEWAY: Self = Self(1014);
    /// Stands for a failed TLS handshake; never sent.
    pub const TLS_HANDSHAKE: Self = Self(1015);

    /// The number.
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    /// Whether the code may stand in a Close frame: 1000–1003, 1007–1014 and 3000–4999 (§7.4.1, §7.4.2 and the
    /// registry of codes).
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    const fn meaning(self) -> &'static str {
        match self.0 {
            1000 => "normal closure",
            1001 => "going away",
            1002 => "protocol error",
            1003 => "unsupported data",
            1005 => "no status received",
            1006 => "abnormal closure",
            1007 => "invalid payload",
            1008 => "policy violation",
            1009 => "message too big",
            1010 => "extension required",
            1011 => "internal error",
            1012 => "service restart",
            1013 => "try again later",
            1014 => "bad gateway",
            1015 => "TLS handshake failed",
            3000..=3999 => "registered",
            4000..=4999 => "private use",
            _ => "unknown",
        }
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.meaning())
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

/// What a Close frame says: a code and a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseFrame<'a> {
    /// Why the connection closes, as a number.
    pub code: CloseCode,
    /// Why the connection closes, for people: at most [`MAX_REASON`] bytes.
    pub reason: &'a str,
}

impl<'a> CloseFrame<'a> {
    /// A frame with this code and reason; whether they may be sent is judged when they are.
    pub fn new(code: impl Into<CloseCode>, reason: &'a str) -> Self {
        Self {
            code: code.into(),
            reason,
        }
    }

    /// Whether it may be sent (§7.4): for those who want to know before they send it.
    ///
    /// # Errors
    /// [`SendError::CloseCode`] and [`SendError::LongReason`].
    pub fn check(&self) -> Result<(), SendError> {
        let Self { code, reason } = *self;
        if !code.is_sendable() {
            return Err(SendError::CloseCode { code });
        }
        if reason.len() > MAX_REASON {
            return Err(SendError::LongReason { len: reason.len() });
        }
        Ok(())
    }

    /// Reads the payload of a Close frame; an empty one says nothing (§5.5.1, §7.1.5).
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Option<Self>, ProtocolError> {
        match payload.split_first_chunk::<2>() {
            Some((code, reason)) => {
                let code = CloseCode(u16::from_be_bytes(*code));
                if !code.is_sendable() {
                    return Err(ProtocolError::CloseCode { code });
                }
                let reason = core::str::from_utf8(reason).map_err(|_| ProtocolError::CloseReason)?;
                Ok(Some(Self { code, reason }))
            }
            // §5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".
            None if payload.is_empty() => Ok(None),
            None => Err(ProtocolError::CloseLength),
        }
    }
}

/// The longest start of `reason` that fits a Close frame and ends on a character boundary.
///
/// ```
/// use tidewire_proto::{MAX_REASON, cut_reason};
///
/// assert_eq!(cut_reason("bye"), "bye");
/// assert_eq!(cut_reason(&"é".repeat(100)).len(), MAX_REASON - 1);
/// ```
pub fn cut_reason(reason: &str) -> &str {
    if reason.len() <= MAX_REASON {
        return reason;
    }
    let end = (0..=MAX_REASON)
        .rev()
        .find(|&end| reason.is_char_boundary(end))
        .unwrap_or(0);
    reason.split_at(end).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_judged_for_each_of_the_65536_codes() {
        for code in 0..=u16::MAX {
            let allowed = (1000..=1003).contains(&code)
                || (1007..=1014).contains(&code)
                || (3000..=4999).contains(&code);
            let parsed =
                CloseFrame::parse(&code.to_be_bytes()).map(|frame| frame.map(|frame| frame.code.as_u16()));
            let want = if allowed {
                Ok(Some(code))
            } else {
                Err(ProtocolError::CloseCode { code: code.into() })
            };
            assert_eq!(parsed, want, "code {code}");
        }
    }

    #[test]
    fn one_byte_is_no_code_and_none_is_no_frame() {
        assert_eq!(CloseFrame::parse(b"\x03"), Err(ProtocolError::CloseLength));
        assert_eq!(CloseFrame::parse(b""), Ok(None));
    }

    #[test]
    fn a_reason_that_is_not_text_is_refused() {
        assert_eq!(
            CloseFrame::parse(b"\x03\xe8\xff"),
            Err(ProtocolError::CloseReason)
        );
    }
}
