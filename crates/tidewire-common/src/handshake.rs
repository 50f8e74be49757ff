use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use tidewire_proto::deflate::Extension;
use tidewire_proto::handshake::{Accepted, Request, Response};

/// Names a connection within the process, for logs; a later one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// The next one.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the opening handshake of a connection said.
#[derive(Clone, Debug)]
pub struct Handshake {
    request: Option<Request>,
    response: Option<Response>,
    subprotocol: Option<String>,
    extensions: Vec<String>,
}

impl Handshake {
    pub(crate) fn accepted(request: Request, subprotocol: Option<String>, extensions: Vec<String>) -> Self {
        Self {
            request: Some(request),
            response: None,
            subprotocol,
            extensions,
        }
    }

    pub(crate) fn opened(accepted: &Accepted) -> Self {
        Self {
            request: None,
            response: Some(accepted.response().clone()),
            subprotocol: accepted.subprotocol().map(str::to_owned),
            extensions: accepted.extensions().map(str::to_owned).collect(),
        }
    }

    /// The client's request, on a server.
    pub fn request(&self) -> Option<&Request> {
        self.request.as_ref()
    }

    /// The server's response, on a client.
    pub fn response(&self) -> Option<&Response> {
        self.response.as_ref()
    }

    /// The subprotocol that was agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// The extensions that were agreed on, each with its parameters.
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.extensions.iter().map(String::as_str)
    }
}

/// A handshake that succeeded.
#[derive(Debug)]
pub struct Negotiated {
    /// What it said.
    pub handshake: Handshake,
    /// permessage-deflate, where it was agreed on.
    pub(crate) deflate: Option<Extension>,
    /// What arrived behind it: the peer's first frames.
    pub(crate) rest: Vec<u8>,
}
