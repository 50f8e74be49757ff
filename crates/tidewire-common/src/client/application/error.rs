use std::error::Error as StdError;
use std::fmt;

use crate::error::{Error, HandshakeError};

/// What a callback failed with.
pub type CallbackError = Box<dyn StdError + Send + Sync>;

/// What went wrong in an application made of callbacks.
#[derive(Debug)]
#[non_exhaustive]
pub enum ApplicationError {
    /// An attempt to connect failed.
    Connect(HandshakeError),
    /// The connection was closed with another code than 1000 or 1001, or was lost.
    Connection(Error),
    /// A callback failed.
    Callback {
        /// Which one.
        callback: Callback,
        /// What with.
        error: CallbackError,
    },
}

impl fmt::Display for ApplicationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::Connection(error) => error.fmt(f),
            Self::Callback { callback, error } => write!(f, "{callback}: {error}"),
        }
    }
}

impl StdError for ApplicationError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // Their texts are part of this one's.
            Self::Connect(error) => error.source(),
            Self::Connection(error) => error.source(),
            Self::Callback { error, .. } => error.source(),
        }
    }
}

/// The callbacks that may fail, by the names of the methods that set them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Callback {
    /// `on_open`
    Open,
    /// `on_reconnect`
    Reconnect,
    /// `on_message`
    Message,
    /// `on_ping`
    Ping,
    /// `on_pong`
    Pong,
    /// `on_close`
    Close,
}

impl fmt::Display for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "on_open",
            Self::Reconnect => "on_reconnect",
            Self::Message => "on_message",
            Self::Ping => "on_ping",
            Self::Pong => "on_pong",
            Self::Close => "on_close",
        })
    }
}

/// What follows an error of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterError {
    /// It goes on: with the connection after the error of a callback, with another attempt or connection, where the rules
    /// have one, after the others.
    GoOn,
    /// It ends with the error; an open connection is closed with 1011.
    Stop,
}
