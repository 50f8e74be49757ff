use std::net::SocketAddr;

/// Whose connection a proxy passes on, as its PROXY header says.
///
/// Both addresses are of one family, and as the proxy wrote them: an IPv4 address may be written as an IPv6 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proxied {
    source: SocketAddr,
    destination: SocketAddr,
}

impl Proxied {
    pub(super) fn new(source: impl Into<SocketAddr>, destination: impl Into<SocketAddr>) -> Self {
        Self {
            source: source.into(),
            destination: destination.into(),
        }
    }

    /// Who connected to the proxy: the client, or another proxy.
    pub fn source(&self) -> SocketAddr {
        self.source
    }

    /// Where it connected to: an address of the proxy's.
    pub fn destination(&self) -> SocketAddr {
        self.destination
    }
}
