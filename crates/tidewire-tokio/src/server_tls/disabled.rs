use tidewire_common::{Addresses, HandshakeError, Wire};

use crate::prefixed::Prefixed;
use crate::socket::Socket;

/// No TLS.
#[derive(Debug, Default)]
pub(crate) struct Tls;

impl Tls {
    #[expect(clippy::unused_self, reason = "there is TLS in the other build")]
    pub(crate) fn wire(&self) -> Wire {
        Wire::Plain
    }

    #[expect(clippy::unused_async, reason = "there is TLS in the other build")]
    pub(crate) async fn accept(
        &self,
        stream: Prefixed<Socket>,
        addresses: Option<Addresses>,
    ) -> Result<Socket, HandshakeError> {
        Ok(Socket::with_addresses(stream, addresses))
    }
}
