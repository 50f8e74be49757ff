//! On axum.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::any;
use tidewire_tests::live::{bounded, echo};
use tidewire_tokio::axum::Upgrade;
use tidewire_tokio::http2::Http2;
use tidewire_tokio::{
    Accept, Connect, Deflate, Error, HandshakeError, Message, Origins, ServerPolicy, WebSocket, connect,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const LARGE: usize = 3 << 20;

/// Serves this handler at every path, on these terms, for as long as the test's runtime lives.
async fn start<H, Fut>(accept: Accept, handler: H) -> SocketAddr
where
    H: Fn(WebSocket) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Error>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let route = async move |upgrade: Upgrade| upgrade.accept(accept).on_upgrade(handler).await;
    let app = Router::new().fallback(any(route));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn start_echo(accept: Accept) -> SocketAddr {
    start(accept, |ws: WebSocket| echo(ws)).await
}

fn to(address: SocketAddr) -> Connect {
    connect(format!("ws://{address}/"))
}

async fn ask(ws: &mut WebSocket, text: &str) -> Option<Message> {
    ws.send(text).await.expect("it is open");
    ws.recv().await.expect("it is open")
}

#[tokio::test]
async fn a_connection_of_its_own_opens_talks_and_closes() {
    bounded(async {
        let mut ws = to(start_echo(Accept::new()).await)
            .http2()
            .await
            .expect("a connection");
        let handshake = ws.handshake();
        let response = handshake.response().expect("a client has one");
        assert_eq!(response.status(), 200);
        assert_eq!(ask(&mut ws, "hello").await, Some("hello".into()));
        ws.ping().await.expect("an answer");
        ws.close(1000, "bye").await.expect("may be sent");
        assert!(ws.closed().expect("it has ended").is_clean());
    })
    .await;
}

#[tokio::test]
async fn many_share_one_connection_and_each_ends_by_itself() {
    bounded(async {
        let to = to(start_echo(Accept::new()).await);
        let http2 = Http2::connect(&to).await.expect("HTTP/2");
        let mut open = Vec::new();
        for number in 0..20 {
            let mut ws = http2.open(&to).await.expect("a stream");
            assert_eq!(
                ask(&mut ws, &number.to_string()).await,
                Some(number.to_string().into())
            );
            open.push(ws);
        }
        // One closes, one is dropped; and the connection needs nobody but those who use it.
        open.pop()
            .expect("twenty")
            .close(1000, "")
            .await
            .expect("may be sent");
        drop(open.pop());
        drop(http2);
        for mut ws in open {
            assert_eq!(ask(&mut ws, "still there").await, Some("still there".into()));
        }
    })
    .await;
}

#[tokio::test]
async fn large_messages_pass_through_the_windows_either_way() {
    bounded(async {
        let to = to(start_echo(Accept::new()).await);
        let mut ws = to.http2().await.expect("a connection");
        ws.send(vec![7; LARGE]).await.expect("it is open");
        let received = ws.recv().await.expect("it is open").expect("a message");
        assert!(received.as_bytes().iter().all(|byte| *byte == 7));
        assert_eq!(received.len(), LARGE);
    })
    .await;
}

#[tokio::test]
async fn one_that_is_not_received_does_not_hold_the_others_up() {
    bounded(async {
        let address = start(Accept::new(), async |mut ws: WebSocket| {
            while let Some(message) = ws.recv().await? {
                // More than its window.
                for _ in 0..4 {
                    ws.send(vec![0; message.len() << 10]).await?;
                }
            }
            Ok(())
        })
        .await;
        let http2 = Http2::connect(&to(address)).await.expect("HTTP/2");
        let mut deaf = Vec::new();
        for _ in 0..8 {
            let ws = http2.open(&to(address)).await.expect("a stream");
            ws.send(vec![0; 256]).await.expect("it is open");
            deaf.push(ws);
        }
        let mut ws = http2.open(&to(address)).await.expect("a stream");
        for _ in 0..8 {
            ws.send("x").await.expect("it is open");
            for _ in 0..4 {
                let received = ws.recv().await.expect("it is open").expect("a message");
                assert_eq!(received.len(), 1024);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn subprotocols_and_compression_are_agreed_on_as_over_http_1() {
    bounded(async {
        let policy = ServerPolicy::default().subprotocols(["chat"]).expect("a token");
        let accept = Accept::new().policy(policy).deflate(Deflate::default());
        let to = to(start_echo(accept).await)
            .subprotocol("other")
            .subprotocol("chat")
            .deflate(Deflate::default());
        let mut ws = to.http2().await.expect("a connection");
        assert_eq!(ws.subprotocol().as_deref(), Some("chat"));
        assert_eq!(ws.handshake().extensions().count(), 1);
        let text = "the same again ".repeat(1000);
        assert_eq!(ask(&mut ws, &text).await, Some(text.as_str().into()));
        assert!(ws.metrics().traffic.bytes_sent < 1000, "{:?}", ws.metrics());
    })
    .await;
}

#[tokio::test]
async fn a_refusal_carries_status_and_body_and_leaves_the_connection() {
    bounded(async {
        let origins = Origins::new(["https://example.com"])
            .expect("an origin")
            .or_none();
        let accept = Accept::new().policy(ServerPolicy::default().origins(origins));
        let to = to(start_echo(accept).await);
        let http2 = Http2::connect(&to).await.expect("HTTP/2");
        let refused = http2.open(&to.clone().origin("https://evil.com")).await;
        let error = refused.expect_err("the origin is not allowed");
        let response = error.response().expect("it is a refusal");
        assert_eq!(response.status(), 403);
        assert!(
            !response.content().is_empty() && !response.is_truncated(),
            "{response:?}"
        );
        let mut ws = http2.open(&to).await.expect("the connection is fine");
        assert_eq!(ask(&mut ws, "hello").await, Some("hello".into()));
    })
    .await;
}

#[tokio::test]
async fn a_redirect_is_followed_to_a_connection_of_its_own() {
    bounded(async {
        let there = start_echo(Accept::new()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let location = format!("ws://{there}/");
        let app = Router::new().fallback(any(async move || Redirect::temporary(&location)));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let mut ws = to(address).http2().await.expect("a connection");
        assert_eq!(ask(&mut ws, "hello").await, Some("hello".into()));
        let error = to(address)
            .redirects(0)
            .http2()
            .await
            .expect_err("none is followed");
        assert_eq!(error.status(), Some(307), "{error}");
    })
    .await;
}

#[tokio::test]
async fn the_server_closes_first_and_its_end_is_awaited() {
    bounded(async {
        let address = start(Accept::new(), async |_ws: WebSocket| Ok(())).await;
        let mut ws = to(address).http2().await.expect("a connection");
        assert_eq!(ws.recv().await.expect("a clean end"), None);
        assert_eq!(u16::from(ws.wait_closed().await.code()), 1000);
    })
    .await;
}

#[tokio::test]
async fn a_stream_of_ones_own_carries_many_too() {
    bounded(async {
        let address = start_echo(Accept::new()).await;
        let stream = TcpStream::connect(address).await.expect("a listener");
        let http2 = Http2::over(&to(address), stream).await.expect("HTTP/2");
        let mut ws = http2.open(&to(address)).await.expect("a stream");
        assert_eq!(ask(&mut ws, "hello").await, Some("hello".into()));
        // The same with a connection that the application runs.
        let stream = TcpStream::connect(address).await.expect("a listener");
        let (requests, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        tokio::spawn(connection);
        let http2 = Http2::from(requests);
        let mut opened = http2.open(&to(address)).await;
        // The server's settings may be on their way.
        while matches!(opened, Err(HandshakeError::Http2(_))) {
            tokio::task::yield_now().await;
            opened = http2.open(&to(address)).await;
        }
        assert_eq!(
            ask(&mut opened.expect("a stream"), "hello").await,
            Some("hello".into())
        );
    })
    .await;
}

#[tokio::test]
async fn a_split_connection_sends_and_receives_at_once() {
    bounded(async {
        let ws = to(start_echo(Accept::new()).await)
            .http2()
            .await
            .expect("a connection");
        let (sending, mut receiving) = ws.split();
        let sent = tokio::spawn(async move {
            for number in 0..1000 {
                sending.send(format!("{number} {}", "x".repeat(1000))).await?;
            }
            Ok::<_, Error>(sending)
        });
        for number in 0..1000 {
            let received = receiving.recv().await.expect("it is open").expect("a message");
            assert!(
                received
                    .as_text()
                    .is_some_and(|text| text.starts_with(&format!("{number} ")))
            );
        }
        let sending = sent.await.expect("no panic").expect("it is open");
        let waited = timeout(Duration::from_secs(30), sending.close(1000, "")).await;
        waited.expect("in time").expect("may be sent");
    })
    .await;
}
