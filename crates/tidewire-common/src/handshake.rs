use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use tidewire_proto::deflate::{Extension, Parameters};
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
    received: Head,
    /// Boxed, since most connections agree on nothing.
    agreed: Option<Box<Agreed>>,
}

/// What the peer sent.
#[derive(Clone, Debug)]
enum Head {
    Request(Request),
    Response(Box<Response>),
}

#[derive(Clone, Debug)]
struct Agreed {
    subprotocol: Option<Box<str>>,
    deflate: Option<Parameters>,
    user: Option<Box<str>>,
}

impl Handshake {
    pub(crate) fn accepted(
        request: Request,
        subprotocol: Option<String>,
        deflate: Option<Parameters>,
        user: Option<String>,
    ) -> Self {
        Self::new(Head::Request(request), subprotocol, deflate, user)
    }

    pub(crate) fn opened(accepted: &Accepted) -> Self {
        Self::new(
            Head::Response(Box::new(accepted.response().clone())),
            accepted.subprotocol().map(str::to_owned),
            // Nothing else is offered, and what it says was judged.
            accepted
                .extensions()
                .find_map(|extension| Parameters::parse(extension).ok()),
            None,
        )
    }

    fn new(
        received: Head,
        subprotocol: Option<String>,
        deflate: Option<Parameters>,
        user: Option<String>,
    ) -> Self {
        let agreed = (subprotocol.is_some() || deflate.is_some() || user.is_some()).then(|| {
            Box::new(Agreed {
                subprotocol: subprotocol.map(String::into_boxed_str),
                deflate,
                user: user.map(String::into_boxed_str),
            })
        });
        Self { received, agreed }
    }

    /// The client's request, on a server.
    pub fn request(&self) -> Option<&Request> {
        match &self.received {
            Head::Request(request) => Some(request),
            Head::Response(_) => None,
        }
    }

    /// The server's response, on a client.
    pub fn response(&self) -> Option<&Response> {
        match &self.received {
            Head::Request(_) => None,
            Head::Response(response) => Some(response),
        }
    }

    /// The subprotocol that was agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.agreed.as_ref()?.subprotocol.as_deref()
    }

    /// The user whose [credentials](crate::ServerPolicy::basic_auth) a server saw.
    pub fn user(&self) -> Option<&str> {
        self.agreed.as_ref()?.user.as_deref()
    }

    /// The extensions that were agreed on, each with its parameters.
    pub fn extensions(&self) -> impl Iterator<Item = String> {
        let deflate = self.agreed.as_ref().and_then(|agreed| agreed.deflate);
        deflate.map(|parameters| parameters.to_string()).into_iter()
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

impl Negotiated {
    /// Notes what arrived behind the handshake, of which an HTTP library tells when the connection begins.
    pub fn with_rest(self, rest: Vec<u8>) -> Self {
        Self { rest, ..self }
    }
}
