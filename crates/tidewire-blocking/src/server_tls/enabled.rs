use std::time::Duration;

use tidewire_common::{Addresses, HandshakeError, ServerTls, Wire};

use crate::prefixed::Prefixed;
use crate::socket::Socket;
use crate::tls::TlsSocket;

/// The TLS that a server speaks, if it does.
#[derive(Debug, Default)]
pub(crate) struct Tls(Option<ServerTls>);

impl Tls {
    pub(crate) fn wire(&self) -> Wire {
        match self.0 {
            Some(_) => Wire::Tls,
            None => Wire::Plain,
        }
    }

    /// Shakes hands.
    pub(crate) fn accept(
        &self,
        stream: Prefixed<Socket>,
        addresses: Option<Addresses>,
        timeout: Option<Duration>,
    ) -> Result<Socket, HandshakeError> {
        match &self.0 {
            Some(tls) => {
                let stream = TlsSocket::accept(stream, tls, timeout)?;
                Ok(Socket::with_addresses(stream, addresses))
            }
            None => Ok(Socket::with_addresses(stream, addresses)),
        }
    }
}

impl From<ServerTls> for Tls {
    fn from(tls: ServerTls) -> Self {
        Self(Some(tls))
    }
}
