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
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke a rule; the connection was failed with the error's close code.
    #[error(transparent)]
    Protocol(ProtocolError),
    /// The call broke a rule; the connection goes on.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The connection is closed: with another code than 1000 or 1001, or without a closing handshake.
    #[error(fmt = write_closed)]
    Closed(Arc<Closed>),
    /// The transport failed.
    #[error("connection lost: {0}")]
    Io(Arc<io::Error>),
    /// The opening handshake failed.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The answer to a ping stands behind messages that nobody has received for a while; the connection goes on.
    #[error("pong behind messages that nobody receives")]
    NotReceiving,
    /// A value cannot be written as JSON, or a message cannot be read as such; the connection goes on.
    #[cfg(feature = "json")]
    #[error(transparent)]
    Json(#[from] JsonError),
}

fn write_closed(closed: &Closed, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "connection closed with {}", closed.code())?;
    match closed.reason() {
        "" => Ok(()),
        // Escaped: what peers send must not break a line of a log.
        reason => write!(f, ": {}", reason.escape_debug()),
    }
}

/// Why a message was not taken at once; gives it back where it may be taken later.
#[derive(Debug, thiserror::Error)]
pub enum TrySendError {
    /// The queue is full, or a message in pieces is open.
    #[error("write queue is full")]
    Full(Outgoing),
    /// The message can never be sent.
    #[error(transparent)]
    Failed(Error),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The URL names no place to connect to.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// A field, a subprotocol or the target holds what may not stand in a header.
    #[error(transparent)]
    Field(#[from] InvalidField),
    /// Nothing could be connected to.
    #[error(transparent)]
    Dial(Box<DialError>),
    /// The connection does not begin with the PROXY header that is expected of it; nothing was answered.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The client does not speak TLS, where that is spoken; it was refused with 400, in the clear.
    #[error("first byte {byte:#04x} does not begin TLS, which is spoken here")]
    NotTls {
        /// The first byte.
        byte: u8,
    },
    /// The client's request breaks a rule; it was refused with the error's status.
    #[error(transparent)]
    Request(RequestError),
    /// The server's own policy refused the request with this status.
    #[error("request declined with status {status}")]
    Declined {
        /// The HTTP status.
        status: u16,
    },
    /// An environment variable names a proxy that cannot be used.
    #[error(transparent)]
    Variable(#[from] InvalidVariable),
    /// A proxy did not connect us to the server.
    #[error(transparent)]
    Tunnel(#[from] TunnelError),
    /// The server refused, or its response breaks a rule.
    #[error(transparent)]
    Response(ResponseError),
    /// The server redirects to where nobody is led.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// HTTP/2 does not lead to a connection.
    #[error(transparent)]
    Http2(#[from] Http2Error),
    /// The stream ended before the handshake did.
    #[error("stream ended before the opening handshake did")]
    UnexpectedEnd,
    /// The handshake took longer than it may.
    #[error("opening handshake timed out {0}")]
    Timeout(HandshakeStage),
    /// The handshake of TLS went wrong: a certificate is not trusted or for another name, or nothing is spoken by both.
    #[error(transparent)]
    Tls(#[from] TlsFailure),
    /// The transport failed.
    #[error(transparent)]
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

impl From<DialError> for HandshakeError {
    fn from(error: DialError) -> Self {
        Self::Dial(Box::new(error))
    }
}

/// Why a URL names no place to connect to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It holds a control character or a space.
    #[error("URL with a space or a control character")]
    Character,
    /// It is no URL.
    #[error("URL cannot be read: {0}")]
    Syntax(url::ParseError),
    /// It has no scheme.
    #[error("URL without a scheme: ws:// or wss:// is required")]
    NoScheme,
    /// Its scheme is neither `ws` nor `wss`.
    #[error("URL with the scheme {scheme} in place of ws or wss")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// Its scheme is `wss`, and the feature `tls` is not there.
    #[error("URL that asks for TLS, for which the feature tls is needed")]
    Tls,
    /// It has no host.
    #[error("URL without a host")]
    Host,
    /// It has a fragment (§3: "fragment identifiers are meaningless in the context of WebSocket URIs").
    #[error("URL with a fragment")]
    Fragment,
    /// Its user name or password cannot be sent.
    #[error("URL whose {0}")]
    Credentials(InvalidField),
}

#[cfg(test)]
mod tests {
    use std::error::Error as StdError;

    use super::*;
    use crate::client::{ApplicationError, Callback};
    use crate::tls_failure::TlsReason;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner;

    /// What a reporter prints: the text of an error, and those of its sources.
    fn chain(error: &dyn StdError) -> Vec<String> {
        std::iter::successors(Some(error), |&error| error.source())
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_chain_of_errors_says_nothing_twice() {
        let io = || io::Error::other(Outer(Inner));
        let failure = |reason| HandshakeError::Tls(TlsFailure::new(reason, Outer(Inner)));
        let destination = Destination::Host {
            name: "a.test".into(),
            port: 80,
        };
        let dial = DialError::LookUp {
            destination,
            error: io::Error::other("refused"),
        };
        let callback = ApplicationError::Callback {
            callback: Callback::Message,
            error: Box::new(Outer(Inner)),
        };
        let table: [(Box<dyn StdError>, &[&str]); 8] = [
            (
                Box::new(Error::from(SendError::Closed)),
                &["sent after the closing handshake began"],
            ),
            (Box::new(Error::Io(Arc::new(io()))), &["connection lost: outer"]),
            (
                Box::new(Error::from(HandshakeError::Io(io()))),
                &["outer", "inner"],
            ),
            (
                Box::new(HandshakeError::from(dial)),
                &["a.test:80 cannot be looked up: refused"],
            ),
            (
                Box::new(failure(TlsReason::Expired)),
                &["TLS handshake: outer", "inner"],
            ),
            (
                Box::new(failure(TlsReason::NotTls)),
                &["TLS handshake: peer does not speak TLS", "outer", "inner"],
            ),
            (Box::new(callback), &["on_message: outer", "inner"]),
            (
                Box::new(TrySendError::Failed(Error::NotReceiving)),
                &["pong behind messages that nobody receives"],
            ),
        ];
        for (error, expected) in table {
            assert_eq!(chain(&*error), expected);
        }
    }

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
