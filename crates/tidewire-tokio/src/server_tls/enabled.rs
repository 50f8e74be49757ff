use tidewire_common::{Addresses, HandshakeError, ServerTls, Wire};
use tokio_rustls::TlsAcceptor;

use crate::prefixed::Prefixed;
use crate::socket::Socket;

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
    pub(crate) async fn accept(
        &self,
        stream: Prefixed<Socket>,
        addresses: Option<Addresses>,
    ) -> Result<Socket, HandshakeError> {
        let Some(tls) = &self.0 else {
            return Ok(Socket::with_addresses(stream, addresses));
        };
        let acceptor = TlsAcceptor::from(tls.config().clone());
        let stream = acceptor.accept(stream).await?;
        Ok(Socket::with_addresses(stream, addresses))
    }
}

impl From<ServerTls> for Tls {
    fn from(tls: ServerTls) -> Self {
        Self(Some(tls))
    }
}
