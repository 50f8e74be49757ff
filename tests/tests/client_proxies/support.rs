use std::net::SocketAddr;
use std::time::Duration;

use tidewire_blocking::{Error, Server, WebSocket};
use tidewire_tests::live::{ADAPTERS, Adapter, Certificate, Client, Running, bounded_now};
use tidewire_tokio::{HandshakeError, Proxy, Scheme, TunnelError};

/// Longer than any of this takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Both of them.
pub(crate) const SCHEMES: [Scheme; 2] = [Scheme::Ws, Scheme::Wss];

/// Serves an echo, over TLS where the scheme has it.
pub(crate) fn echo(scheme: Scheme, certificate: &Certificate) -> Running {
    let tls = match scheme {
        Scheme::Ws => None,
        Scheme::Wss => Some(certificate.server()),
    };
    Running::on_threads(|listener| {
        let server = Server::new(listener, |mut ws: WebSocket| {
            while let Some(message) = ws.recv()? {
                ws.send(message)?;
            }
            Ok::<(), Error>(())
        });
        match tls {
            None => server,
            Some(tls) => server.tls(tls),
        }
    })
}

/// Runs a test with each adapter.
pub(crate) fn for_each_adapter(test: impl Fn(Adapter) + Send + 'static) {
    bounded_now(move || ADAPTERS.into_iter().for_each(test));
}

/// A proxy at an address.
pub(crate) fn proxy(scheme: &str, address: SocketAddr) -> Proxy {
    let url = format!("{scheme}://{address}");
    Proxy::parse(&url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// Has messages echoed, and closes.
pub(crate) fn talk(mut client: Client, shown: &str) {
    for message in ["hello", &"again ".repeat(10_000)] {
        assert_eq!(client.ask(message).as_text(), Some(message), "{shown}");
    }
    client.close(1000, "").expect("a code that may be sent");
    assert!(client.wait_closed().is_clean(), "{shown}");
}

/// Why there is no tunnel.
pub(crate) fn tunnel_error(result: Result<Client, HandshakeError>, shown: &str) -> TunnelError {
    match result {
        Err(HandshakeError::Tunnel(error)) => error,
        other => panic!("{shown}: {other:?}"),
    }
}

/// Whether some bytes stand among others.
pub(crate) fn has(bytes: &[u8], wanted: &str) -> bool {
    bytes
        .windows(wanted.len())
        .any(|window| window == wanted.as_bytes())
}
