use alloc::boxed::Box;
use alloc::string::String;
use core::error::Error;
use core::fmt;

use super::error::{Malformed, excerpt};
use super::head::HeadError;
use super::response::Response;
use crate::deflate::ParameterError;

/// Why a client did not get its connection.
///
/// Values that the server sent are escaped and cut, so that every text is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseError {
    /// The server answered with another status than 101. The body is as much of it as was kept.
    Refused(Box<Response>),
    /// A line of the head is longer than the limit.
    LineTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The head, with the interim responses before it, is longer than the limit.
    HeadTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The head has more fields than the limit.
    TooManyFields {
        /// The limit.
        limit: usize,
    },
    /// The head breaks the syntax of HTTP/1.1.
    Malformed(Malformed),
    /// The version is not HTTP/1.1.
    HttpVersion,
    /// A field that must be there exactly once is missing or repeated.
    NotExactlyOne {
        /// The field's name.
        field: &'static str,
        /// How often it is there.
        count: usize,
    },
    /// `Upgrade` is not `websocket`.
    Upgrade {
        /// The value, escaped and cut.
        value: String,
    },
    /// `Connection` does not have `upgrade`.
    Connection,
    /// `Sec-WebSocket-Accept` does not answer our key.
    Accept {
        /// The value, escaped and cut.
        value: String,
    },
    /// The server chose a subprotocol that was not offered.
    SubprotocolNotOffered {
        /// The subprotocol, escaped and cut.
        subprotocol: String,
    },
    /// The server accepted an extension that was not offered.
    ExtensionNotOffered {
        /// The extension, escaped and cut.
        extension: String,
    },
    /// The server's answer to the offers of permessage-deflate meets none of them.
    Deflate(ParameterError),
    /// The server's answer to the offer of an extension of the application's is wrong.
    Extension {
        /// The extension's name.
        extension: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// `Sec-WebSocket-Extensions` is not visible text.
    Extensions,
    /// The stream ended before the response did.
    UnexpectedEnd,
    /// The response did not arrive in time.
    Timeout,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(response) => {
                write!(f, "server refused the upgrade with status {}", response.status())?;
                match response.reason() {
                    "" => Ok(()),
                    reason => write!(f, " {}", excerpt(reason.as_bytes())),
                }
            }
            Self::LineTooLong { limit } => {
                write!(f, "line of the response head exceeds the limit of {limit} bytes")
            }
            Self::HeadTooLong { limit } => write!(f, "response head exceeds the limit of {limit} bytes"),
            Self::TooManyFields { limit } => write!(f, "response head exceeds the limit of {limit} fields"),
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::HttpVersion => f.write_str("version of the response is not HTTP/1.1"),
            Self::NotExactlyOne { field, count } => {
                write!(f, "field {field} is there {count} times: exactly one is required")
            }
            Self::Upgrade { value } => write!(f, "field Upgrade is {value}: websocket is required"),
            Self::Connection => f.write_str("field Connection does not have upgrade"),
            Self::Accept { value } => write!(
                f,
                "field Sec-WebSocket-Accept is {value}, which does not answer the key"
            ),
            Self::SubprotocolNotOffered { subprotocol } => {
                write!(f, "server chose subprotocol {subprotocol}, which was not offered")
            }
            Self::ExtensionNotOffered { extension } => {
                write!(f, "server accepted extension {extension}, which was not offered")
            }
            Self::Deflate(error) => write!(f, "answer to permessage-deflate is wrong: {error}"),
            Self::Extension { extension, reason } => {
                write!(f, "answer to extension {extension} is wrong: {reason}")
            }
            Self::Extensions => f.write_str("field Sec-WebSocket-Extensions is not visible text"),
            Self::UnexpectedEnd => f.write_str("stream ended before the response did"),
            Self::Timeout => f.write_str("response did not arrive in time"),
        }
    }
}

impl Error for ResponseError {}

impl From<HeadError> for ResponseError {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::StartLineTooLong { limit } | HeadError::LineTooLong { limit } => {
                Self::LineTooLong { limit }
            }
            HeadError::HeadTooLong { limit } => Self::HeadTooLong { limit },
            HeadError::TooManyFields { limit } => Self::TooManyFields { limit },
            HeadError::Malformed(malformed) => Self::Malformed(malformed),
        }
    }
}
