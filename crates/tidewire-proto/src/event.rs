use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::time::Duration;

use crate::close_code::CloseFrame;
use crate::keepalive::PingId;

/// What a peer sent; borrows from the reader and the input.
///
/// What a protocol owes in return, a Pong or the echo of a Close, already stands in the output.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A whole message.
    Message(Received<'a>),
    /// A part of a message, where [`Delivery::Chunks`] was chosen.
    Chunk(Chunk<'a>),
    /// A Ping and its payload.
    Ping(&'a [u8]),
    /// A Pong.
    Pong(Pong<'a>),
    /// The peer's Close frame; nothing follows it.
    Close(Option<CloseFrame<'a>>),
}

/// How messages are handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Whole, as [`Event::Message`].
    #[default]
    Messages,
    /// In the parts that arrive, as [`Event::Chunk`].
    Chunks,
}

/// The type of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Bytes.
    Binary,
}

/// A message, or a part of one, by its type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

impl<'a> Message<'a> {
    /// The type.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }

    /// The payload.
    pub const fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl<'a> From<&'a str> for Message<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Message<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Binary(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Message<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Binary(bytes)
    }
}

impl<'a> From<&'a OwnedMessage> for Message<'a> {
    fn from(message: &'a OwnedMessage) -> Self {
        message.as_message()
    }
}

/// Shows type and length, never the payload.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({} bytes)", self.kind(), self.as_bytes().len())
    }
}

/// A message that was received: lent, and owned without another copy where it had to be assembled.
pub struct Received<'a>(Place<'a>);

enum Place<'a> {
    Input(Message<'a>),
    Text(&'a mut String),
    Binary(&'a mut Vec<u8>),
}

impl<'a> Received<'a> {
    pub(crate) fn in_input(message: Message<'a>) -> Self {
        Self(Place::Input(message))
    }

    pub(crate) fn assembled_text(text: &'a mut String) -> Self {
        Self(Place::Text(text))
    }

    pub(crate) fn assembled_binary(bytes: &'a mut Vec<u8>) -> Self {
        Self(Place::Binary(bytes))
    }

    /// The message, lent.
    pub fn as_message(&self) -> Message<'_> {
        match &self.0 {
            Place::Input(message) => *message,
            Place::Text(text) => Message::Text(text),
            Place::Binary(bytes) => Message::Binary(bytes),
        }
    }

    /// The message, owned: a copy of its own size, or the store itself where it was assembled from parts.
    pub fn into_owned(self) -> OwnedMessage {
        match self.0 {
            Place::Input(Message::Text(text)) => OwnedMessage::Text(text.into()),
            Place::Input(Message::Binary(bytes)) => OwnedMessage::Binary(bytes.into()),
            // There may have been room for more than the message: it keeps at most twice its size.
            Place::Text(text) => {
                text.shrink_to(2 * text.len());
                OwnedMessage::Text(mem::take(text))
            }
            Place::Binary(bytes) => {
                bytes.shrink_to(2 * bytes.len());
                OwnedMessage::Binary(mem::take(bytes))
            }
        }
    }
}

impl<'a> From<Received<'a>> for Message<'a> {
    fn from(received: Received<'a>) -> Self {
        match received.0 {
            Place::Input(message) => message,
            Place::Text(text) => Self::Text(text),
            Place::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

impl fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_message().fmt(f)
    }
}

/// A message that owns its payload.
///
/// ```
/// use tidewire_proto::{Config, Connection, Instant, OwnedMessage, Server};
///
/// let news = OwnedMessage::Text("hello".into());
/// let mut connection = Connection::new(Server, Config::new(), Instant::START);
/// let mut out = Vec::new();
/// connection.writer(Instant::START, &mut out).message(&news)?;
/// assert_eq!(out, b"\x81\x05hello");
/// # Ok::<(), tidewire_proto::SendError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum OwnedMessage {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl OwnedMessage {
    /// The message, lent.
    pub fn as_message(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(bytes) => Message::Binary(bytes),
        }
    }
}

impl fmt::Debug for OwnedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_message().fmt(f)
    }
}

/// A part of a message: text is cut on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The part; may be empty where it is the last.
    pub data: Message<'a>,
    /// Whether the message ends or goes on.
    pub end: End,
}

/// Whether a message ends with a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// More follows.
    More,
    /// This was the last.
    Last,
}

/// A Pong, and what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pong<'a> {
    /// The payload.
    pub payload: &'a [u8],
    /// The ping it answers, and with it all earlier ones; `None` where nobody asked (§5.5.3).
    pub answer: Option<Answer>,
}

/// The answer to a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The ping, as [`Writer::ping`](crate::Writer::ping) named it.
    pub ping: PingId,
    /// The time between the ping and its answer.
    pub round_trip: Duration,
}
