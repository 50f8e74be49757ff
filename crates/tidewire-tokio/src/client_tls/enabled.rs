use std::io;
use std::pin::{Pin, pin};

use tidewire_common::{
    ClientTls, HandshakeError, Http2Error, PlatformTls, Scheme, TlsFailure, TlsReason, UrlError,
};
use tokio::task::spawn_blocking;
use tokio::time::Sleep;
use tokio_rustls::TlsConnector;

use crate::socket::Socket;
use crate::stages::within;

/// Lets either scheme pass.
#[expect(clippy::unnecessary_wraps, reason = "there is no TLS in the other build")]
pub(crate) fn check(_scheme: Scheme) -> Result<(), UrlError> {
    Ok(())
}

/// Speaks TLS over a stream to `host`, a name or an IP address without brackets, as a client that trusts whom the system
/// trusts unless it was told otherwise, in what is left of the time. Where a protocol is given, the server is to agree on
/// it.
pub(crate) async fn secure(
    socket: Socket,
    tls: Option<&ClientTls>,
    host: &str,
    protocol: Option<&'static [u8]>,
    expiry: Pin<&mut Option<Sleep>>,
) -> Result<Socket, HandshakeError> {
    within(expiry, pin!(shake_hands(socket, tls, host, protocol)))
        .await
        .map_err(|error| error.while_securing(host))
}

async fn shake_hands(
    socket: Socket,
    tls: Option<&ClientTls>,
    host: &str,
    protocol: Option<&'static [u8]>,
) -> Result<Socket, HandshakeError> {
    let tls = match tls {
        Some(tls) => tls,
        None => platform().await?,
    };
    let name = tls.name_at(host)?;
    let addresses = socket.addresses();
    let config = match protocol {
        Some(protocol) => tls.speaking(protocol),
        None => tls.config().clone(),
    };
    let stream = TlsConnector::from(config).connect(name, socket).await?;
    if protocol.is_some() && stream.get_ref().1.alpn_protocol() != protocol {
        return Err(Http2Error::NotSpoken.into());
    }
    Ok(Socket::with_addresses(stream, addresses))
}

/// The trust of the system. Its files are read once for the process, and not on a thread that runs tasks.
async fn platform() -> Result<&'static ClientTls, HandshakeError> {
    if let Some(tls) = PlatformTls::at_hand() {
        return Ok(tls);
    }
    let loaded = spawn_blocking(PlatformTls::load).await.map_err(io::Error::from)?;
    Ok(loaded.map_err(|error| TlsFailure::new(TlsReason::Roots, error))?)
}
