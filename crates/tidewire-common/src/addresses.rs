use std::net::SocketAddr;

use crate::server::Proxied;

/// Between whom a stream runs that cannot be asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The other side's.
    pub peer: SocketAddr,
    /// Ours.
    pub local: SocketAddr,
}

impl From<Proxied> for Addresses {
    fn from(proxied: Proxied) -> Self {
        Self {
            peer: proxied.source(),
            local: proxied.destination(),
        }
    }
}
