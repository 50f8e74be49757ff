use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tidewire_tests::live::{bounded, echo};
use tidewire_tests::wire::Frame;
use tidewire_tokio::{Accept, Config, HandshakeError, Socket, WebSocket};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::{Http2, client};

/// What a service does with a request: nothing is sent where it never returns.
#[derive(Clone, Copy)]
enum Conduct {
    Answers,
    KeepsItsAnswer,
}

/// Serves one connection at a time with hyper alone; gives each of our connections, or why there is none.
async fn start(
    accept: Accept,
    conduct: Conduct,
) -> (SocketAddr, UnboundedReceiver<Result<WebSocket, HandshakeError>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (tell, told) = unbounded_channel();
    let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
        let (accept, tell) = (accept.clone(), tell.clone());
        async move {
            let (response, upgrading) = accept.upgrade(&mut request).await;
            match upgrading {
                Ok(upgrading) => {
                    tokio::spawn(async move { tell.send(upgrading.await) });
                }
                Err(error) => tell.send(Err(error)).expect("a test that goes on"),
            }
            match conduct {
                Conduct::Answers => Ok::<Response<Body>, Infallible>(response.map(Body::from)),
                Conduct::KeepsItsAnswer => std::future::pending().await,
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let mut server = auto::Builder::new(TokioExecutor::new());
                server.http2().enable_connect_protocol();
                server
                    .serve_connection_with_upgrades(TokioIo::new(stream), service)
                    .await
            });
        }
    });
    (address, told)
}

#[tokio::test]
async fn a_connection_over_http_1_is_tcp_as_it_is() {
    bounded(async {
        let (address, mut told) = start(Accept::new(), Conduct::Answers).await;
        let mut peer = client(address).await;
        let ws = told.recv().await.expect("a connection").expect("no refusal");
        assert_eq!(
            ws.peer_addr(),
            Some(peer.stream.local_addr().expect("an address"))
        );
        let is_tcp = |socket: &Socket| {
            socket
                .as_tcp()
                .is_some_and(|tcp| tcp.nodelay().is_ok_and(|set| set))
        };
        assert_eq!(ws.with_transport(is_tcp), Some(true));
        // No driver is needed to use it.
        peer.send(&Frame::text("hello")).await;
        peer.send(&Frame::close_with(1000, "")).await;
        let echoing = tokio::spawn(echo(ws));
        assert_eq!(peer.next().await, (0x81, b"hello".to_vec()));
        assert_eq!(peer.next().await.0, 0x88);
        drop(peer);
        assert!(matches!(echoing.await, Ok(Ok(()))));
    })
    .await;
}

#[tokio::test]
async fn a_connection_over_http_2_is_a_stream() {
    bounded(async {
        let (address, mut told) = start(Accept::new(), Conduct::Answers).await;
        let mut peer = Http2::connect(address).await.open().await;
        let ws = told.recv().await.expect("a connection").expect("no refusal");
        assert_eq!(ws.peer_addr(), None);
        peer.send(&Frame::text("hello")).await;
        peer.send(&Frame::close_with(1000, "")).await;
        let echoing = tokio::spawn(echo(ws));
        assert_eq!(peer.next().await, (0x81, b"hello".to_vec()));
        assert_eq!(peer.next().await.0, 0x88);
        peer.stream.shutdown().await.expect("open");
        assert!(matches!(echoing.await, Ok(Ok(()))));
    })
    .await;
}

#[tokio::test]
async fn who_is_refused_is_told() {
    bounded(async {
        let (address, mut told) = start(Accept::new(), Conduct::Answers).await;
        let mut http = Http2::connect(address).await;
        let (response, _) = http.refused(http.request(http::Method::GET, &[])).await;
        assert_eq!(response.status(), 405);
        let refused = told.recv().await.expect("a refusal").map(|_| ());
        assert_eq!(refused.map_err(|error| error.status()), Err(Some(405)));
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_not_sent_in_time_begins_nothing() {
    bounded(async {
        let config = Config::builder()
            .open_timeout(Duration::from_millis(20))
            .build()
            .expect("no contradiction");
        let (address, mut told) = start(Accept::new().config(config), Conduct::KeepsItsAnswer).await;
        let _waiting = tokio::spawn(async move { client(address).await });
        let ended = told.recv().await.expect("an end");
        assert!(matches!(ended, Err(HandshakeError::Timeout(_))), "{ended:?}");
    })
    .await;
}

#[tokio::test]
async fn a_server_that_gives_no_stream_is_told_so_by_500() {
    bounded(async {
        let mut request = Request::builder()
            .uri("/")
            .header("host", "localhost")
            .header("upgrade", "websocket")
            .header("connection", "upgrade")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-version", "13")
            .body(())
            .expect("a request");
        let (response, upgrading) = Accept::new().upgrade(&mut request).await;
        assert_eq!(response.status(), 500);
        assert_eq!(response.body(), "internal error\n");
        assert!(matches!(upgrading, Err(HandshakeError::Declined { status: 500 })));
    })
    .await;
}
