use alloc::format;
use alloc::string::String;
use core::error::Error;
use core::fmt;

use super::error::{InvalidField, Malformed};
use super::head::HeadError;
use super::response::Response;

/// Why a server does not upgrade a request.
///
/// [`response`](Self::response) is the answer to send; the connection is closed after it.
///
/// ```
/// use tidewire_proto::handshake::RequestError;
///
/// let refusal = RequestError::Timeout.response();
/// assert_eq!(refusal.status(), 408);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The request line is longer than the limit: 414.
    RequestLineTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A field line is longer than the limit: 431.
    LineTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The head is longer than the limit: 431.
    HeadTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The head has more fields than the limit: 431.
    TooManyFields {
        /// The limit.
        limit: usize,
    },
    /// The head breaks the syntax of HTTP/1.1: 400.
    Malformed(Malformed),
    /// The request announces a body: 400.
    UnexpectedBody,
    /// The head did not arrive in time: 408.
    Timeout,
    /// The method is not `GET`: 405.
    Method {
        /// The method, escaped and cut.
        method: String,
    },
    /// The version is not HTTP/1.1: 505.
    HttpVersion,
    /// The method of a request over HTTP/2 is not `CONNECT`: 405.
    NotConnect {
        /// The method, escaped and cut.
        method: String,
    },
    /// What a `CONNECT` over HTTP/2 asks for is not `websocket`: 501.
    Protocol {
        /// What `:protocol` says, escaped and cut; `None` where there is none.
        protocol: Option<String>,
    },
    /// A request over HTTP/2 has a field that belongs to a connection of HTTP/1.1: 400.
    ConnectionField {
        /// The field's name.
        field: &'static str,
    },
    /// The target is neither a path nor an absolute URL without a fragment: 400.
    Target,
    /// A field that must be there exactly once is missing or repeated: 400.
    NotExactlyOne {
        /// The field's name.
        field: &'static str,
        /// How often it is there.
        count: usize,
    },
    /// `Host` is no authority: 400.
    Host,
    /// `Upgrade` does not have `websocket`, or `Connection` does not have `upgrade`: 426.
    NotAnUpgrade,
    /// `Sec-WebSocket-Version` is not 13: 426.
    Version {
        /// The version that was asked for, escaped and cut.
        version: String,
    },
    /// `Sec-WebSocket-Key` is not the base64 of 16 bytes: 400.
    Key,
    /// An offered subprotocol is no token: 400.
    Subprotocol {
        /// The subprotocol, escaped and cut.
        subprotocol: String,
    },
    /// A subprotocol is offered twice: 400.
    DuplicateSubprotocol {
        /// The subprotocol, escaped and cut.
        subprotocol: String,
    },
    /// `Sec-WebSocket-Extensions` is not visible text: 400.
    Extensions,
}

impl RequestError {
    /// The HTTP status that says so to the client.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_)
            | Self::UnexpectedBody
            | Self::Target
            | Self::NotExactlyOne { .. }
            | Self::ConnectionField { .. }
            | Self::Host
            | Self::Key
            | Self::Subprotocol { .. }
            | Self::DuplicateSubprotocol { .. }
            | Self::Extensions => 400,
            Self::Method { .. } | Self::NotConnect { .. } => 405,
            Self::Timeout => 408,
            Self::RequestLineTooLong { .. } => 414,
            Self::NotAnUpgrade | Self::Version { .. } => 426,
            Self::LineTooLong { .. } | Self::HeadTooLong { .. } | Self::TooManyFields { .. } => 431,
            // RFC 9220 §3, of HTTP/3: an "Extended CONNECT request with a ":protocol" value that is unknown or is not
            // supported, the server SHOULD respond to the request with a 501 (Not Implemented) status code".
            Self::Protocol { .. } => 501,
            Self::HttpVersion => 505,
        }
    }

    /// The refusal to send: the status, the fields that it demands, and the rule as text.
    pub fn response(&self) -> Response {
        let mut response = Response::with_status(self.status());
        match self {
            // RFC 9110 §15.5.6: "The origin server MUST generate an Allow header field in a 405 response".
            Self::Method { .. } => response.fields.append("Allow", b"GET"),
            Self::NotConnect { .. } => response.fields.append("Allow", b"CONNECT"),
            // RFC 9110 §15.5.22: "The server MUST send an Upgrade header field in a 426 response". §4.2.2:
            // "and a |Sec-WebSocket-Version| header field indicating the version(s) the server is capable of
            // understanding".
            Self::NotAnUpgrade | Self::Version { .. } => {
                response.fields.append("Upgrade", b"websocket");
                response.fields.append("Sec-WebSocket-Version", b"13");
            }
            Self::RequestLineTooLong { .. }
            | Self::LineTooLong { .. }
            | Self::HeadTooLong { .. }
            | Self::TooManyFields { .. }
            | Self::Malformed(_)
            | Self::UnexpectedBody
            | Self::HttpVersion
            | Self::Protocol { .. }
            | Self::ConnectionField { .. }
            | Self::Timeout
            | Self::Target
            | Self::NotExactlyOne { .. }
            | Self::Host
            | Self::Key
            | Self::Subprotocol { .. }
            | Self::DuplicateSubprotocol { .. }
            | Self::Extensions => {}
        }
        response.body(format!("{self}\n"))
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestLineTooLong { limit } => {
                write!(f, "request line exceeds the limit of {limit} bytes")
            }
            Self::LineTooLong { limit } => write!(f, "field line exceeds the limit of {limit} bytes"),
            Self::HeadTooLong { limit } => write!(f, "request head exceeds the limit of {limit} bytes"),
            Self::TooManyFields { limit } => write!(f, "request head exceeds the limit of {limit} fields"),
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::UnexpectedBody => f.write_str("request announces a body: an upgrade has none"),
            Self::Timeout => f.write_str("request head did not arrive in time"),
            Self::Method { method } => write!(f, "method {method} is not GET"),
            Self::HttpVersion => f.write_str("version of the request is not HTTP/1.1"),
            Self::NotConnect { method } => write!(f, "method {method} over HTTP/2 is not CONNECT"),
            Self::Protocol { protocol: None } => {
                f.write_str("CONNECT has no :protocol: websocket is required")
            }
            Self::Protocol {
                protocol: Some(protocol),
            } => write!(f, "protocol {protocol} of CONNECT is not websocket"),
            Self::ConnectionField { field } => {
                write!(f, "field {field} is there: HTTP/2 has no fields of a connection")
            }
            Self::Target => f.write_str("request target is not a path or URL without a fragment"),
            Self::NotExactlyOne { field, count } => {
                write!(f, "field {field} is there {count} times: exactly one is required")
            }
            Self::Host => f.write_str("field Host is not an authority"),
            Self::NotAnUpgrade => f.write_str(
                "request is not an upgrade: Upgrade: websocket and Connection: Upgrade are required",
            ),
            Self::Version { version } => write!(f, "WebSocket version {version} is not 13"),
            Self::Key => f.write_str("field Sec-WebSocket-Key is not the base64 of 16 bytes"),
            Self::Subprotocol { subprotocol } => write!(f, "subprotocol {subprotocol} is not a token"),
            Self::DuplicateSubprotocol { subprotocol } => {
                write!(f, "subprotocol {subprotocol} is offered twice")
            }
            Self::Extensions => f.write_str("field Sec-WebSocket-Extensions is not visible text"),
        }
    }
}

impl Error for RequestError {}

impl From<HeadError> for RequestError {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::StartLineTooLong { limit } => Self::RequestLineTooLong { limit },
            HeadError::LineTooLong { limit } => Self::LineTooLong { limit },
            HeadError::HeadTooLong { limit } => Self::HeadTooLong { limit },
            HeadError::TooManyFields { limit } => Self::TooManyFields { limit },
            HeadError::Malformed(malformed) => Self::Malformed(malformed),
        }
    }
}

/// What an HTTP library gave and no head can have.
impl From<InvalidField> for RequestError {
    fn from(error: InvalidField) -> Self {
        match error {
            InvalidField::Value { byte, .. } => Self::Malformed(Malformed::Control(byte)),
            InvalidField::Name { byte: Some(byte) } => Self::Malformed(Malformed::FieldName(byte)),
            InvalidField::Host { .. } => Self::Host,
            InvalidField::Target { .. } => Self::Target,
            InvalidField::Name { byte: None }
            | InvalidField::Reserved { .. }
            | InvalidField::Method { .. }
            | InvalidField::Protocol { .. }
            | InvalidField::Subprotocol { .. }
            | InvalidField::DuplicateSubprotocol
            | InvalidField::Extension { .. }
            | InvalidField::Origin { .. }
            | InvalidField::Cookie { .. }
            | InvalidField::Credentials { .. }
            | InvalidField::BearerToken { .. }
            | InvalidField::Status { .. } => Self::Malformed(Malformed::StartLine),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;
    use alloc::vec::Vec;

    use super::*;

    type Row = (RequestError, u16, &'static [(&'static str, &'static [u8])]);

    #[test]
    fn every_refusal_has_its_status_its_fields_and_a_text() {
        let upgrade: &'static [(&str, &[u8])] =
            &[("Upgrade", b"websocket"), ("Sec-WebSocket-Version", b"13")];
        let table: Vec<Row> = alloc::vec![
            (RequestError::RequestLineTooLong { limit: 8192 }, 414, &[]),
            (RequestError::LineTooLong { limit: 8192 }, 431, &[]),
            (RequestError::HeadTooLong { limit: 16384 }, 431, &[]),
            (RequestError::TooManyFields { limit: 100 }, 431, &[]),
            (RequestError::Malformed(Malformed::BareLineFeed), 400, &[]),
            (RequestError::UnexpectedBody, 400, &[]),
            (RequestError::Timeout, 408, &[]),
            (
                RequestError::Method { method: "PUT".into() },
                405,
                &[("Allow", b"GET")]
            ),
            (RequestError::HttpVersion, 505, &[]),
            (
                RequestError::NotConnect { method: "GET".into() },
                405,
                &[("Allow", b"CONNECT")]
            ),
            (
                RequestError::Protocol {
                    protocol: Some("x".into())
                },
                501,
                &[]
            ),
            (RequestError::Protocol { protocol: None }, 501, &[]),
            (RequestError::ConnectionField { field: "Upgrade" }, 400, &[]),
            (RequestError::Target, 400, &[]),
            (
                RequestError::NotExactlyOne {
                    field: "Host",
                    count: 0
                },
                400,
                &[]
            ),
            (RequestError::Host, 400, &[]),
            (RequestError::NotAnUpgrade, 426, upgrade),
            (RequestError::Version { version: "8".into() }, 426, upgrade),
            (RequestError::Key, 400, &[]),
            (
                RequestError::Subprotocol {
                    subprotocol: "\\xff".into()
                },
                400,
                &[]
            ),
            (
                RequestError::DuplicateSubprotocol {
                    subprotocol: "a".into()
                },
                400,
                &[]
            ),
            (RequestError::Extensions, 400, &[]),
        ];
        for (error, status, fields) in table {
            let response = error.response();
            assert_eq!((error.status(), response.status()), (status, status), "{error:?}");
            assert!(!response.reason().is_empty(), "{error:?}");
            assert!(
                response.fields().iter().eq(fields.iter().copied()),
                "{error:?}: {response:?}"
            );
            let text = error.to_string();
            assert!(!text.ends_with('.') && !text.contains("error"), "{text}");
            assert_eq!(response.content(), (text + "\n").as_bytes());
        }
    }

    #[test]
    fn a_limit_is_named_with_its_number() {
        let text = RequestError::HeadTooLong { limit: 16384 }.to_string();
        assert_eq!(text, "request head exceeds the limit of 16384 bytes");
    }
}
