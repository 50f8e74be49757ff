use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use tidewire_proto::deflate::Parameters;
use tidewire_proto::handshake::{Accepted, Request, Response};

use crate::extension::Extensions;

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
    user: Rare,
    /// An extension of the application's, with its parameters.
    extension: Rare,
}

/// A text that few connections have; the others have room for the pointer alone.
type Rare = Option<Box<Box<str>>>;

fn rare(text: Option<String>) -> Rare {
    text.map(|text| Box::new(text.into_boxed_str()))
}

impl Handshake {
    pub(crate) fn accepted(
        request: Request,
        subprotocol: Option<String>,
        extension: Option<String>,
        deflate: Option<Parameters>,
        user: Option<String>,
    ) -> Self {
        Self::new(Head::Request(request), subprotocol, extension, deflate, user)
    }

    pub(crate) fn opened(accepted: &Accepted) -> Self {
        // Nothing else is offered, and what it says was judged. Where both are there, the other is the first.
        let deflate = accepted.deflate().and_then(|_| {
            accepted
                .extensions()
                .find_map(|extension| Parameters::parse(extension).ok())
        });
        let extension = accepted.extensions().next();
        Self::new(
            Head::Response(Box::new(accepted.response().clone())),
            accepted.subprotocol().map(str::to_owned),
            extension
                .filter(|extension| deflate.is_none() || Parameters::parse(extension).is_err())
                .map(str::to_owned),
            deflate,
            None,
        )
    }

    fn new(
        received: Head,
        subprotocol: Option<String>,
        extension: Option<String>,
        deflate: Option<Parameters>,
        user: Option<String>,
    ) -> Self {
        let is_plain = subprotocol.is_none() && extension.is_none() && deflate.is_none() && user.is_none();
        let agreed = (!is_plain).then(|| {
            Box::new(Agreed {
                subprotocol: subprotocol.map(String::into_boxed_str),
                deflate,
                user: rare(user),
                extension: rare(extension),
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
        self.agreed.as_ref()?.user.as_ref().map(|user| &***user)
    }

    /// The extensions that were agreed on, each with its parameters, in the order in which messages pass them.
    pub fn extensions(&self) -> impl Iterator<Item = String> {
        let agreed = self.agreed.as_ref();
        let extension = agreed.and_then(|agreed| agreed.extension.as_ref());
        let deflate = agreed.and_then(|agreed| agreed.deflate);
        let other = extension.map(ToString::to_string);
        other
            .into_iter()
            .chain(deflate.map(|parameters| parameters.to_string()))
    }
}

/// A handshake that succeeded.
#[derive(Debug)]
pub struct Negotiated {
    /// What it said.
    pub handshake: Handshake,
    /// The extensions that were agreed on.
    pub(crate) extensions: Extensions,
    /// What arrived behind it: the peer's first frames.
    pub(crate) rest: Vec<u8>,
}

impl Negotiated {
    /// Notes what arrived behind the handshake, of which an HTTP library tells when the connection begins.
    pub fn with_rest(self, rest: Vec<u8>) -> Self {
        Self { rest, ..self }
    }
}
