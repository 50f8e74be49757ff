use tidewire_common::proto::Instant;
use tidewire_common::{ClientTls, HandshakeError, PlatformTls, Scheme, TlsFailure, TlsReason, UrlError};

use crate::clock;
use crate::socket::Socket;
use crate::tls::TlsSocket;

/// Lets either scheme pass.
#[expect(clippy::unnecessary_wraps, reason = "there is no TLS in the other build")]
pub(crate) fn check(_scheme: Scheme) -> Result<(), UrlError> {
    Ok(())
}

/// Speaks TLS over a stream to `host`, a name or an IP address without brackets, as a client that trusts whom the system
/// trusts unless it was told otherwise. Its files are read once for the process, here.
pub(crate) fn secure(
    socket: Socket,
    tls: Option<&ClientTls>,
    host: &str,
    deadline: Option<Instant>,
) -> Result<Socket, HandshakeError> {
    shake_hands(socket, tls, host, deadline).map_err(|error| error.while_securing(host))
}

fn shake_hands(
    socket: Socket,
    tls: Option<&ClientTls>,
    host: &str,
    deadline: Option<Instant>,
) -> Result<Socket, HandshakeError> {
    let tls = match tls {
        Some(tls) => tls,
        None => PlatformTls::load().map_err(|error| TlsFailure::new(TlsReason::Roots, error))?,
    };
    let addresses = socket.addresses();
    let stream = TlsSocket::connect(socket, tls, host, clock::left(deadline))?;
    Ok(Socket::with_addresses(stream, addresses))
}
