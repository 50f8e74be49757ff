use std::fmt;

use crate::dial::Destination;

/// How far an opening handshake came before its time was over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeStage {
    /// A client was looking this destination up or connecting to it; those of its addresses that failed meanwhile are in
    /// the log.
    Connecting(Box<Destination>),
    /// A client waited for this proxy, named without credentials.
    Proxy(Box<str>),
    /// A client shook hands in TLS with this host.
    Tls(Box<str>),
    /// A client waited for the response; a server for whatever comes before its own.
    Response,
}

impl fmt::Display for HandshakeStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting(destination) => write!(f, "while connecting to {destination}"),
            Self::Proxy(proxy) => write!(f, "while waiting for proxy {proxy}"),
            Self::Tls(host) => write!(f, "in TLS with {host}"),
            Self::Response => f.write_str("before it was complete"),
        }
    }
}
