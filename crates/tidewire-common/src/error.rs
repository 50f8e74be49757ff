use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use tidewire_proto::handshake::{InvalidField, RequestError, Response, ResponseError};
use tidewire_proto::{Closed, ProtocolError, SendError};

use crate::client::dial::{Destination, DialError};
use crate::client::proxy::{InvalidVariable, TunnelError};
use crate::client::{Http2Error, RedirectError};
use crate::handshake_stage::HandshakeStage;
#[cfg(feature = "json")]
use crate::json::JsonError;
use crate::outgoing::Outgoing;
use crate::server::ProxyError;
use crate::tls_failure::TlsFailure;

/// Why a call on a connection could not be carried out, by who is at fault.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke a rule; the connection was failed with the error's close code.
    Protocol(ProtocolError),
    /// The call broke a rule; the connection goes on.
    Send(SendError),
    /// The connection is closed: with another code than 1000 or 1001, or without a closing handshake.
    Closed(Arc<Closed>),
    /// The transport failed.
    Io(Arc<io::Error>),
    /// The opening handshake failed.
    Handshake(HandshakeError),
    /// The answer to a ping stands behind messages that nobody has received for a while; the connection goes on.
    NotReceiving,
    /// A value cannot be written as JSON, or a message cannot be read as such; the connection goes on.
    #[cfg(feature = "json")]
    Json(JsonError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => error.fmt(f),
            Self::Send(error) => error.fmt(f),
            Self::Closed(closed) if closed.reason().is_empty() => {
                write!(f, "connection closed with {}", closed.code())
            }
            // Escaped: what peers send must not break a line of a log.
            Self::Closed(closed) => {
                write!(
                    f,
                    "connection closed with {}: {}",
                    closed.code(),
                    closed.reason().escape_debug()
                )
            }
            Self::Io(error) => write!(f, "connection lost: {error}"),
            Self::Handshake(error) => error.fmt(f),
            Self::NotReceiving => f.write_str("pong behind messages that nobody receives"),
            #[cfg(feature = "json")]
            Self::Json(error) => error.fmt(f),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Protocol(error) => Some(error),
            Self::Send(error) => Some(error),
            Self::Closed(_) | Self::NotReceiving => None,
            Self::Io(error) => Some(error),
            Self::Handshake(error) => Some(error),
            #[cfg(feature = "json")]
            Self::Json(error) => Some(error),
        }
    }
}

#[cfg(feature = "json")]
impl From<JsonError> for Error {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl From<HandshakeError> for Error {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

/// Why a message was not taken at once; gives it back where it may be taken later.
#[derive(Debug)]
pub enum TrySendError {
    /// The queue is full, or a message in pieces is open.
    Full(Outgoing),
    /// The message can never be sent.
    Failed(Error),
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("write queue is full"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl StdError for TrySendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Full(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}

/// Why there is no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The URL names no place to connect to.
    Url(UrlError),
    /// A field, a subprotocol or the target holds what may not stand in a header.
    Field(InvalidField),
    /// Nothing could be connected to.
    Dial(Box<DialError>),
    /// The connection does not begin with the PROXY header that is expected of it; nothing was answered.
    Proxy(ProxyError),
    /// The client does not speak TLS, where that is spoken; it was refused with 400, in the clear.
    NotTls {
        /// The first byte.
        byte: u8,
    },
    /// The client's request breaks a rule; it was refused with the error's status.
    Request(RequestError),
    /// The server's own policy refused the request with this status.
    Declined {
        /// The HTTP status.
        status: u16,
    },
    /// An environment variable names a proxy that cannot be used.
    Variable(InvalidVariable),
    /// A proxy did not connect us to the server.
    Tunnel(TunnelError),
    /// The server refused, or its response breaks a rule.
    Response(ResponseError),
    /// The server redirects to where nobody is led.
    Redirect(RedirectError),
    /// HTTP/2 does not lead to a connection.
    Http2(Http2Error),
    /// The stream ended before the handshake did.
    UnexpectedEnd,
    /// The handshake took longer than it may.
    Timeout(HandshakeStage),
    /// The handshake of TLS went wrong: a certificate is not trusted or for another name, or nothing is spoken by both.
    Tls(TlsFailure),
    /// The transport failed.
    Io(io::Error),
}

impl HandshakeError {
    /// Out of time, at no stage before the last.
    pub const TIMEOUT: Self = Self::Timeout(HandshakeStage::Response);

    /// For adapters: says that a client was connecting when its time was over.
    pub fn while_connecting(self, destination: &Destination) -> Self {
        self.during(|| HandshakeStage::Connecting(destination.clone().into()))
    }

    /// For adapters: says with whom a client shook hands in TLS, when that went wrong or its time was over.
    pub fn while_securing(self, host: &str) -> Self {
        self.with_server(host).during(|| HandshakeStage::Tls(host.into()))
    }

    fn during(self, stage: impl FnOnce() -> HandshakeStage) -> Self {
        match self {
            Self::Timeout(HandshakeStage::Response) => Self::Timeout(stage()),
            error => error,
        }
    }

    /// For adapters: says which server it was that TLS went wrong with.
    pub fn with_server(self, server: &str) -> Self {
        match self {
            Self::Tls(failure) => Self::Tls(failure.with_server(server)),
            error => error,
        }
    }

    /// The HTTP status that refused the upgrade, sent or received, or that a proxy refused its tunnel with.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::NotTls { .. } => Some(400),
            Self::Request(error) => Some(error.status()),
            Self::Declined { status } => Some(*status),
            Self::Response(ResponseError::Refused(response)) => Some(response.status()),
            Self::Tunnel(error) => error.response().map(Response::status),
            Self::Url(_)
            | Self::Field(_)
            | Self::Dial(_)
            | Self::Proxy(_)
            | Self::Variable(_)
            | Self::Response(_)
            | Self::Redirect(_)
            | Self::Http2(_)
            | Self::UnexpectedEnd
            | Self::Timeout(_)
            | Self::Tls(_)
            | Self::Io(_) => None,
        }
    }

    /// The response of the server, or of a proxy, where it refused with one: status, fields and up to 64 KiB of its body.
    pub fn response(&self) -> Option<&Response> {
        match self {
            Self::Response(ResponseError::Refused(response)) => Some(response),
            Self::Tunnel(error) => error.response(),
            Self::Url(_)
            | Self::Field(_)
            | Self::Dial(_)
            | Self::Proxy(_)
            | Self::NotTls { .. }
            | Self::Request(_)
            | Self::Declined { .. }
            | Self::Variable(_)
            | Self::Response(_)
            | Self::Redirect(_)
            | Self::Http2(_)
            | Self::UnexpectedEnd
            | Self::Timeout(_)
            | Self::Tls(_)
            | Self::Io(_) => None,
        }
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::Field(error) => error.fmt(f),
            Self::Dial(error) => error.fmt(f),
            Self::Proxy(error) => error.fmt(f),
            Self::NotTls { byte } => write!(
                f,
                "first byte {byte:#04x} does not begin TLS, which is spoken here"
            ),
            Self::Request(error) => error.fmt(f),
            Self::Declined { status } => write!(f, "request declined with status {status}"),
            Self::Variable(error) => error.fmt(f),
            Self::Tunnel(error) => error.fmt(f),
            Self::Response(error) => error.fmt(f),
            Self::Redirect(error) => error.fmt(f),
            Self::Http2(error) => error.fmt(f),
            Self::UnexpectedEnd => f.write_str("stream ended before the opening handshake did"),
            Self::Timeout(stage) => write!(f, "opening handshake timed out {stage}"),
            Self::Tls(failure) => failure.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl StdError for HandshakeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::Field(error) => Some(error),
            Self::Dial(error) => Some(error),
            Self::Proxy(error) => Some(error),
            Self::Request(error) => Some(error),
            Self::Variable(error) => Some(error),
            Self::Tunnel(error) => Some(error),
            Self::Response(error) => Some(error),
            Self::Redirect(error) => Some(error),
            Self::Http2(error) => Some(error),
            Self::Tls(failure) => Some(failure),
            Self::Io(error) => Some(error),
            Self::NotTls { .. } | Self::Declined { .. } | Self::UnexpectedEnd | Self::Timeout(_) => None,
        }
    }
}

impl From<io::Error> for HandshakeError {
    /// What a stream failed with before it was open, one over TLS included.
    fn from(error: io::Error) -> Self {
        match TlsFailure::find(error) {
            Ok(failure) => Self::Tls(failure),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::UnexpectedEnd,
            Err(error) => Self::Io(error),
        }
    }
}

impl From<TlsFailure> for HandshakeError {
    fn from(failure: TlsFailure) -> Self {
        Self::Tls(failure)
    }
}

impl From<DialError> for HandshakeError {
    fn from(error: DialError) -> Self {
        Self::Dial(Box::new(error))
    }
}

impl From<ProxyError> for HandshakeError {
    fn from(error: ProxyError) -> Self {
        Self::Proxy(error)
    }
}

impl From<InvalidVariable> for HandshakeError {
    fn from(error: InvalidVariable) -> Self {
        Self::Variable(error)
    }
}

impl From<TunnelError> for HandshakeError {
    fn from(error: TunnelError) -> Self {
        Self::Tunnel(error)
    }
}

impl From<Http2Error> for HandshakeError {
    fn from(error: Http2Error) -> Self {
        Self::Http2(error)
    }
}

impl From<RedirectError> for HandshakeError {
    fn from(error: RedirectError) -> Self {
        Self::Redirect(error)
    }
}

impl From<UrlError> for HandshakeError {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}

impl From<InvalidField> for HandshakeError {
    fn from(error: InvalidField) -> Self {
        Self::Field(error)
    }
}

/// Why a URL names no place to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// It holds a control character or a space.
    Character,
    /// It is no URL.
    Syntax(url::ParseError),
    /// Its scheme is neither `ws` nor `wss`.
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// Its scheme is `wss`, and the feature `tls` is not there.
    Tls,
    /// It has no host.
    Host,
    /// It has a fragment (§3: "fragment identifiers are meaningless in the context of WebSocket URIs").
    Fragment,
    /// Its user name or password cannot be sent.
    Credentials(InvalidField),
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character => f.write_str("URL with a space or a control character"),
            Self::Syntax(error) => write!(f, "URL cannot be read: {error}"),
            Self::Scheme { scheme } => write!(f, "URL with the scheme {scheme} in place of ws or wss"),
            Self::Tls => f.write_str("URL that asks for TLS, for which the feature tls is needed"),
            Self::Host => f.write_str("URL without a host"),
            Self::Fragment => f.write_str("URL with a fragment"),
            Self::Credentials(error) => write!(f, "URL whose {error}"),
        }
    }
}

impl StdError for UrlError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Syntax(error) => Some(error),
            Self::Credentials(error) => Some(error),
            Self::Character | Self::Scheme { .. } | Self::Tls | Self::Host | Self::Fragment => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_handshake_is_small() {
        // It stands in the future of every handshake.
        assert!(
            size_of::<HandshakeError>() <= 48,
            "{}",
            size_of::<HandshakeError>()
        );
    }
}
