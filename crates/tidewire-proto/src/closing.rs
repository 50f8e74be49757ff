//! The closing handshake (§7) as a state machine; nothing outside this file changes its phase.
//!
//! | in phase | our Close | the peer's Close | a failure | the end of TCP |
//! |---|---|---|---|---|
//! | `Open` | → `Closing` | → `Over` | → `Over` | → `Ended` |
//! | `Closing` | – | → `Over` | → `Over` | → `Ended` |
//! | `Over` | – | – | – | → `Ended` |
//!
//! From every phase a deadline of last resort leads to `Ended`, and so does a peer that goes on sending after
//! the frames are over.

use alloc::boxed::Box;
use alloc::string::String;

use crate::close_code::{CloseCode, CloseFrame};
use crate::error::ProtocolError;

/// How much input is discarded while the end of TCP is awaited.
const MAX_DISCARDED: u32 = 1 << 20;

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Messages go both ways.
    Open,
    /// Our Close frame stands in the output; the peer's has not come.
    Closing,
    /// No frame goes either way any more; the end of TCP is awaited, and what still arrives is discarded.
    Over,
    /// Nothing is left to do: the socket may be dropped.
    Ended,
}

/// What to do with the transport below, once all output is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// Go on.
    KeepOpen,
    /// Shut down the sending side, and go on feeding input until its end: a socket closed with unread input is
    /// reset, which destroys the Close frame on its way. §7.1.1: "the server MUST close the TCP connection
    /// immediately".
    HalfClose,
    /// Go on feeding input until its end. §7.1.1: "a client SHOULD wait for the server to close the connection".
    AwaitPeer,
    /// Drop it, written or not.
    Drop,
}

/// One of the two endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// This one.
    Local,
    /// The other one.
    Remote,
}

/// A Close frame that was sent or received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseNote {
    /// The code; `None` in an empty frame.
    pub code: Option<CloseCode>,
    /// The reason.
    pub reason: String,
}

impl From<Option<CloseFrame<'_>>> for CloseNote {
    fn from(frame: Option<CloseFrame<'_>>) -> Self {
        Self {
            code: frame.map(|frame| frame.code),
            reason: frame.map(|frame| frame.reason.into()).unwrap_or_default(),
        }
    }
}

/// How a connection was closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    sent: Option<CloseNote>,
    received: Option<CloseNote>,
    first: Option<Side>,
    cause: Option<ProtocolError>,
}

impl Closed {
    /// The close code of the connection (§7.1.5): the one received, 1005 where an empty Close was, 1006 where
    /// none was.
    pub fn code(&self) -> CloseCode {
        match &self.received {
            Some(note) => note.code.unwrap_or(CloseCode::NO_STATUS),
            None => CloseCode::ABNORMAL,
        }
    }

    /// The reason received, empty where none was (§7.1.6).
    pub fn reason(&self) -> &str {
        self.received.as_ref().map_or("", |note| &note.reason)
    }

    /// Our Close frame.
    pub fn sent(&self) -> Option<&CloseNote> {
        self.sent.as_ref()
    }

    /// The peer's Close frame.
    pub fn received(&self) -> Option<&CloseNote> {
        self.received.as_ref()
    }

    /// Who closed first; `None` where nobody did before the end.
    pub fn first(&self) -> Option<Side> {
        self.first
    }

    /// The rule that the peer broke.
    #[inline]
    pub fn cause(&self) -> Option<ProtocolError> {
        self.cause
    }

    /// Whether both Close frames were exchanged (§7.1.4), whoever ended TCP.
    pub fn is_clean(&self) -> bool {
        self.sent.is_some() && self.received.is_some() && self.cause.is_none()
    }
}

/// The phase, and what led to it.
#[derive(Debug)]
pub(crate) struct Closing {
    phase: Phase,
    discarded: u32,
    /// Boxed, since a connection needs it once, at its end.
    closed: Option<Box<Closed>>,
}

impl Closing {
    pub(crate) const fn new() -> Self {
        Self {
            phase: Phase::Open,
            discarded: 0,
            closed: None,
        }
    }

    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    #[inline]
    pub(crate) fn closed(&self) -> Option<&Closed> {
        self.closed.as_deref()
    }

    #[inline]
    pub(crate) fn cause(&self) -> Option<ProtocolError> {
        self.closed.as_ref().and_then(|closed| closed.cause)
    }

    /// Whether a frame may still be sent: "The application MUST NOT send any more data frames after sending a
    /// Close frame" (§5.5.1).
    #[inline]
    pub(crate) fn may_send(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether a frame may still be received.
    #[inline]
    pub(crate) fn may_receive(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Closing)
    }

    /// Notes our Close frame, the only one there will be.
    pub(crate) fn note_sent(&mut self, frame: Option<CloseFrame<'_>>) {
        let closed = self.note_first(Side::Local);
        closed.sent = Some(frame.into());
        if self.phase == Phase::Open {
            self.phase = Phase::Closing;
        }
    }

    /// Notes the peer's Close frame.
    pub(crate) fn note_received(&mut self, frame: Option<CloseFrame<'_>>) {
        let closed = self.note_first(Side::Remote);
        closed.received = Some(frame.into());
        self.phase = Phase::Over;
    }

    /// Notes that the connection is failed (§7.1.7); the first cause is the one that stays.
    pub(crate) fn note_failed(&mut self, cause: ProtocolError) {
        let closed = self.note_first(Side::Local);
        closed.cause.get_or_insert(cause);
        self.phase = Phase::Over;
    }

    /// Notes the end of the transport, or that it is given up.
    pub(crate) fn note_end(&mut self) {
        self.closed.get_or_insert_default();
        self.phase = Phase::Ended;
    }

    /// Counts input that arrived after the frames were over.
    pub(crate) fn note_discarded(&mut self, len: usize) {
        self.discarded = self
            .discarded
            .saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        if self.discarded > MAX_DISCARDED {
            self.note_end();
        }
    }

    fn note_first(&mut self, side: Side) -> &mut Closed {
        let closed = self.closed.get_or_insert_default();
        closed.first.get_or_insert(side);
        closed
    }
}
