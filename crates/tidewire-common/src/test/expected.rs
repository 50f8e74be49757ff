use std::fmt;
use std::time::Duration;

use tidewire_proto::CloseCode;

use super::script::Script;
use crate::raw::{Frame, Shown};

/// What a test expects of the other side.
#[derive(Clone)]
pub enum Expected {
    /// A text message in one frame.
    Text(String),
    /// A binary message in one frame.
    Binary(Vec<u8>),
    /// A Ping of any payload.
    Ping,
    /// A Pong of this payload.
    Pong(Vec<u8>),
    /// A Close frame with this code and any reason.
    Close(CloseCode),
    /// Just this frame.
    Frame(Frame),
    /// The head of a request or a response.
    Head,
    /// The end of the stream.
    End,
}

/// What came.
#[derive(Clone)]
pub enum Came {
    /// A frame.
    Frame(Frame),
    /// A head, its empty line included.
    Head(String),
    /// The end of the stream, behind bytes that are no whole frame.
    End(Vec<u8>),
    /// Nothing more than these bytes in this time.
    Nothing(Vec<u8>, Duration),
}

impl Expected {
    /// What to take from the input of a script to meet it.
    pub fn taken(&self) -> fn(&mut Script) -> Option<Came> {
        match self {
            Self::Head => Script::take_head,
            Self::Text(_)
            | Self::Binary(_)
            | Self::Ping
            | Self::Pong(_)
            | Self::Close(_)
            | Self::Frame(_)
            | Self::End => Script::take_frame,
        }
    }

    /// Gives the payload of what came, or the reason of a Close, where that is what was expected.
    ///
    /// # Errors
    /// The text that tells what came in its place, payloads included.
    pub fn meet(self, came: Came) -> Result<Vec<u8>, String> {
        let met = match (&self, &came) {
            (Self::Text(text), Came::Frame(frame)) => *frame == Frame::text(text.as_str()),
            (Self::Binary(bytes), Came::Frame(frame)) => *frame == Frame::binary(bytes.as_slice()),
            (Self::Ping, Came::Frame(frame)) => *frame == Frame::ping(frame.payload()),
            (Self::Pong(payload), Came::Frame(frame)) => *frame == Frame::pong(payload.as_slice()),
            (Self::Close(code), Came::Frame(frame)) => {
                frame.closes().is_some_and(|(came, _)| came == *code)
                    && *frame == Frame::new(frame.opcode(), frame.payload())
            }
            (Self::Frame(wanted), Came::Frame(frame)) => wanted == frame,
            (Self::Head, Came::Head(_)) => true,
            (Self::End, Came::End(rest)) => rest.is_empty(),
            (_, Came::Frame(_) | Came::Head(_) | Came::End(_) | Came::Nothing(..)) => false,
        };
        if !met {
            return Err(format!("expected {self}, got {came}"));
        }
        Ok(match came {
            Came::Frame(frame) => match frame.closes() {
                Some((_, reason)) => reason.to_vec(),
                None => frame.into_payload(),
            },
            Came::Head(head) => head.into_bytes(),
            Came::End(rest) | Came::Nothing(rest, _) => rest,
        })
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "text {}", Shown(text.as_bytes())),
            Self::Binary(bytes) => write!(f, "binary {}", Shown(bytes)),
            Self::Ping => f.write_str("a ping"),
            Self::Pong(payload) => write!(f, "pong {}", Shown(payload)),
            Self::Close(code) => write!(f, "close {}", code.as_u16()),
            Self::Frame(frame) => frame.fmt(f),
            Self::Head => f.write_str("a head"),
            Self::End => f.write_str("the end of the stream"),
        }
    }
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(frame) => frame.fmt(f),
            Self::Head(head) => write!(f, "head {}", Shown(head.as_bytes())),
            Self::End(rest) if rest.is_empty() => f.write_str("the end of the stream"),
            Self::End(rest) => write!(f, "the end of the stream behind {}", Shown(rest)),
            Self::Nothing(rest, time) if rest.is_empty() => write!(f, "nothing in {time:?}"),
            Self::Nothing(rest, time) => write!(f, "no more than {} in {time:?}", Shown(rest)),
        }
    }
}

/// Shows no payload.
impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expected").finish_non_exhaustive()
    }
}

/// Shows no payload.
impl fmt::Debug for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Came").finish_non_exhaustive()
    }
}
