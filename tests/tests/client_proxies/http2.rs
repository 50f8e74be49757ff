//! HTTP/2 through proxies that others have written. Where one is not installed, the test says so and goes without it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use axum::serve::Listener;
use tidewire_tests::live::{Certificate, bounded_now, echo};
use tidewire_tokio::axum::Upgrade;
use tidewire_tokio::rustls::{ServerConfig, version};
use tidewire_tokio::{Response, Scheme, WebSocket, connect};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::programs::SOFTWARE;
use crate::real::known;
use crate::support::SCHEMES;

/// TLS that agrees on HTTP/2.
struct Secured {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Secured {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let stream = self.acceptor.accept(stream).await;
        (stream.expect("a client that trusts us"), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Serves an echo over HTTP/2, behind TLS where the scheme has it, for as long as the runtime lives.
async fn start(scheme: Scheme, certificate: &Certificate) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let route = async |upgrade: Upgrade| upgrade.on_upgrade(|ws: WebSocket| echo(ws)).await;
    let app = Router::new().fallback(any(route));
    match scheme {
        Scheme::Ws => {
            tokio::spawn(async move { axum::serve(listener, app).await });
        }
        Scheme::Wss => {
            let mut config = ServerConfig::clone(&certificate.server_speaking(&version::TLS13));
            config.alpn_protocols = vec![b"h2".to_vec()];
            let acceptor = TlsAcceptor::from(Arc::new(config));
            tokio::spawn(async move { axum::serve(Secured { listener, acceptor }, app).await });
        }
    }
    address
}

#[test]
fn http2_passes_through_real_proxies_to_servers_of_either_scheme() {
    bounded_now(|| {
        let runtime = Runtime::new().expect("a runtime");
        for (software, started) in SOFTWARE.map(|software| (software, software.start())) {
            let Some(started) = started else { continue };
            for ((kind, wants), scheme) in software
                .ways()
                .iter()
                .flat_map(|way| SCHEMES.map(|scheme| (way, scheme)))
            {
                let shown = format!("{kind} by {software:?} for {scheme}");
                runtime.block_on(async {
                    let certificate = Certificate::new();
                    let port = start(scheme, &certificate).await.port();
                    let connect = connect(format!("{scheme}://localhost:{port}/"))
                        .http2()
                        .proxy(known(&started, kind, *wants))
                        .tls(certificate.client());
                    let mut ws = connect.await.unwrap_or_else(|error| panic!("{shown}: {error}"));
                    let handshake = ws.handshake();
                    let status = handshake.response().map(Response::status);
                    assert_eq!(status, Some(200), "{shown}");
                    for message in ["hello", &"again ".repeat(50_000)] {
                        ws.send(message).await.expect("it is open");
                        let answer = ws.recv().await.expect("it is open");
                        assert_eq!(answer, Some(message.into()), "{shown}");
                    }
                    ws.close(1000, "").await.expect("may be sent");
                    assert!(ws.wait_closed().await.is_clean(), "{shown}");
                });
            }
        }
    });
}
