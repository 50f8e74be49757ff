//! Over TLS, where HTTP/2 is agreed on by ALPN.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tidewire_tests::live::{Certificate, bounded, echo};
use tidewire_tokio::http2::Http2;
use tidewire_tokio::rustls::{ServerConfig, version};
use tidewire_tokio::{Accept, Connect, HandshakeError, Http2Error, WebSocket, connect};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Serves HTTP/1.1 and HTTP/2 over TLS that agrees on these protocols, with an echo.
async fn start(certificate: &Certificate, protocols: &[&str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let mut config = ServerConfig::clone(&certificate.server_speaking(&version::TLS13));
    config.alpn_protocols = protocols
        .iter()
        .map(|protocol| protocol.as_bytes().to_vec())
        .collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let service = service_fn(async |mut request: Request<hyper::body::Incoming>| {
        let (response, upgrading) = Accept::new().upgrade(&mut request).await;
        if let Ok(upgrading) = upgrading {
            tokio::spawn(upgrading.serve(|ws: WebSocket| echo(ws)));
        }
        Ok::<Response<Body>, Infallible>(response.map(Body::from))
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Whoever does not agree is gone.
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            tokio::spawn(async move {
                let mut server = auto::Builder::new(TokioExecutor::new());
                server.http2().enable_connect_protocol();
                let serving = server.serve_connection_with_upgrades(TokioIo::new(stream), service);
                serving.await
            });
        }
    });
    address
}

fn to(address: SocketAddr, certificate: &Certificate) -> Connect {
    connect(format!("wss://localhost:{}/", address.port())).tls(certificate.client())
}

#[tokio::test]
async fn tls_agrees_on_what_is_asked_for() {
    bounded(async {
        let certificate = Certificate::new();
        let to = to(start(&certificate, &["h2", "http/1.1"]).await, &certificate);
        for (opened, status) in [(to.clone().http2().await, 200), (to.clone().await, 101)] {
            let mut ws = opened.expect("a connection");
            let handshake = ws.handshake();
            assert_eq!(
                handshake.response().map(tidewire_tokio::Response::status),
                Some(status)
            );
            ws.send("hello").await.expect("it is open");
            assert_eq!(ws.recv().await.expect("it is open"), Some("hello".into()));
            ws.close(1000, "").await.expect("may be sent");
        }
        let http2 = Http2::connect(&to).await.expect("HTTP/2");
        for _ in 0..3 {
            let mut ws = http2.open(&to).await.expect("a stream");
            ws.send("hello").await.expect("it is open");
            assert_eq!(ws.recv().await.expect("it is open"), Some("hello".into()));
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_does_not_agree_is_asked_nothing() {
    bounded(async {
        let certificate = Certificate::new();
        // One that says nothing of protocols goes on, as one that knows no ALPN.
        let error = to(start(&certificate, &[]).await, &certificate).http2().await;
        let error = error.expect_err("no HTTP/2");
        assert!(
            matches!(error, HandshakeError::Http2(Http2Error::NotSpoken)),
            "{error}"
        );
        let error = to(start(&certificate, &["http/1.1"]).await, &certificate)
            .http2()
            .await;
        let error = error.expect_err("no HTTP/2");
        assert!(matches!(error, HandshakeError::Tls(_)), "{error}");
    })
    .await;
}
