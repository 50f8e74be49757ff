use axum::Router;
use axum::routing::{any, get};
use tidewire_tests::live::{Peer, REQUEST, bounded, echo, request};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::Frame;
use tidewire_tokio::axum::Upgrade;
use tidewire_tokio::{
    Accept, BasicAuth, Config, Connect, Deflate, Error, HandshakeError, Origins, Response, ServerPolicy,
    WebSocket, connect,
};

use crate::support::{answer, ask, client, start, start_with, stream, url};

#[tokio::test]
async fn our_client_talks_to_a_route_and_closes() {
    bounded(async {
        let address = start_with(Accept::new(), |ws: WebSocket| echo(ws)).await;
        let mut ws = connect(url(address)).await.expect("a connection");
        for message in ["hello", &"long ".repeat(100_000)] {
            ws.send(message).await.expect("open");
            let echoed = ws.recv().await.expect("open").expect("an answer");
            assert_eq!(echoed.as_text(), Some(message));
        }
        ws.close(1000, "bye").await.expect("a fine code");
        assert!(ws.wait_closed().await.is_clean());
    })
    .await;
}

#[tokio::test]
async fn a_subprotocol_and_compression_are_agreed_on() {
    bounded(async {
        let policy = ServerPolicy::default()
            .subprotocols(["chat.v2", "chat.v1"])
            .and_then(|policy| policy.field("Server", "tide"))
            .expect("tokens");
        let accept = Accept::new().policy(policy).deflate(Deflate::default());
        let address = start_with(accept, |ws: WebSocket| echo(ws)).await;
        let client = Connect::new(url(address))
            .subprotocol("chat.v1")
            .deflate(Deflate::default());
        let mut ws = client.await.expect("a connection");
        let handshake = ws.handshake();
        assert_eq!(handshake.subprotocol(), Some("chat.v1"));
        let mut extensions = handshake.extensions();
        assert!(
            extensions
                .next()
                .is_some_and(|agreed| agreed.starts_with("permessage-deflate"))
        );
        let response = handshake.response().expect("a client");
        assert_eq!(response.fields().first("server"), Some(&b"tide"[..]));
        let text = "again and again ".repeat(1000);
        ws.send(text.as_str()).await.expect("open");
        let echoed = ws.recv().await.expect("open").expect("an answer");
        assert_eq!(echoed.as_text(), Some(text.as_str()));
        let traffic = ws.metrics().traffic;
        assert!(traffic.bytes_received * 10 < text.len() as u64, "{traffic:?}");
    })
    .await;
}

#[tokio::test]
async fn the_builders_of_the_extractor_set_the_same() {
    async fn route(upgrade: Upgrade) -> axum::response::Response {
        assert_eq!(upgrade.request().path(), "/chat");
        let config = Config::builder()
            .max_message_size(5)
            .build()
            .expect("no contradiction");
        let policy = ServerPolicy::default().subprotocols(["chat"]).expect("a token");
        let upgrade = upgrade.config(config).policy(policy).deflate(Deflate::default());
        upgrade.on_upgrade(|ws: WebSocket| echo(ws)).await
    }
    bounded(async {
        let address = start(Router::new().route("/chat", any(route))).await;
        let client = Connect::new(format!("ws://{address}/chat"))
            .subprotocol("chat")
            .deflate(Deflate::default());
        let mut ws = client.await.expect("a connection");
        assert_eq!(ws.subprotocol().as_deref(), Some("chat"));
        assert_eq!(ws.handshake().extensions().count(), 1);
        ws.send("longer").await.expect("open");
        let closed = match ws.recv().await {
            Err(Error::Closed(closed)) => closed,
            other => panic!("{other:?}"),
        };
        assert_eq!(u16::from(closed.code()), 1009);
    })
    .await;
}

#[tokio::test]
async fn every_refusal_has_its_status() {
    let policy = ServerPolicy::default()
        .origins(
            Origins::new(["https://example.com"])
                .expect("an origin")
                .or_none(),
        )
        .subprotocols(["chat"])
        .and_then(|policy| policy.field("Server", "tide"))
        .expect("a token");
    let good = request("/", "Sec-WebSocket-Protocol: chat\r\n");
    let replaced = |old: &str, new: &str| good.replace(old, new);
    // The request, the start of the answer, a field of it.
    let table = [
        (
            String::from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            426,
            "\r\nupgrade: websocket\r\n",
        ),
        (
            replaced("Upgrade: websocket", "X: y"),
            426,
            "\r\nconnection: upgrade\r\n",
        ),
        (
            replaced("Connection: Upgrade", "X: y"),
            426,
            "\r\nsec-websocket-version: 13\r\n",
        ),
        (
            replaced("Version: 13", "Version: 8"),
            426,
            "\r\nsec-websocket-version: 13\r\n",
        ),
        (replaced("GET", "POST"), 405, "\r\nallow: get\r\n"),
        (replaced("Host: localhost\r\n", ""), 400, ""),
        (replaced("dGhl", ""), 400, ""),
        (replaced("Host:", "Content-Length: 5\r\nHost:"), 400, ""),
        (replaced("chat", "c h a t"), 400, ""),
        (replaced("HTTP/1.1", "HTTP/1.0"), 505, ""),
        (replaced("chat", "other"), 400, "\r\nserver: tide\r\n"),
        (
            replaced("Host:", "Origin: https://evil.com\r\nHost:"),
            403,
            "\r\nserver: tide\r\n",
        ),
    ];
    bounded(async {
        let address = start_with(Accept::new().policy(policy), |ws: WebSocket| echo(ws)).await;
        for (request, status, field) in table {
            let (head, body) = answer(address, &request).await;
            assert_eq!(head.get(9..12), Some(&*status.to_string()), "{request}{head}");
            assert!(head.contains(field), "{request}{head}");
            assert!(head.contains("\r\ncontent-type: text/plain"), "{request}{head}");
            assert!(body.ends_with('\n') && body.len() > 5, "{request}{body}");
        }
    })
    .await;
}

#[tokio::test]
async fn users_are_asked_for_their_password() {
    bounded(async {
        let auth = BasicAuth::fixed("chat", [("ada", "correct horse")]).expect("a realm");
        let accept = Accept::new().policy(ServerPolicy::default().basic_auth(auth));
        let address = start_with(accept, async |ws: WebSocket| {
            let handshake = ws.handshake();
            ws.send(handshake.user().unwrap_or("nobody").to_owned()).await
        })
        .await;
        let (head, _) = answer(address, &request("/", "")).await;
        assert!(head.starts_with("http/1.1 401 "), "{head}");
        assert!(
            head.contains("\r\nwww-authenticate: basic realm=\"chat\""),
            "{head}"
        );
        let credentials = "Authorization: Basic YWRhOmNvcnJlY3QgaG9yc2U=\r\n";
        let mut peer = Peer::client_with(stream(address).await, credentials).await;
        assert_eq!(peer.next().await, (0x81, b"ada".to_vec()));
    })
    .await;
}

#[tokio::test]
async fn the_application_may_take_its_time_to_refuse() {
    bounded(async {
        let accept = Accept::new().on_request(async |request| {
            tokio::task::yield_now().await;
            match request.query() {
                Some("late") => std::future::pending().await,
                Some("let me in") => None,
                _ => Response::new(402).ok().map(|response| response.body("pay\n")),
            }
        });
        let short = Config::builder()
            .open_timeout(std::time::Duration::from_millis(20))
            .build()
            .expect("no contradiction");
        let address = start_with(accept.config(short), |ws: WebSocket| echo(ws)).await;
        let (head, body) = answer(address, &request("/", "")).await;
        assert!(head.starts_with("http/1.1 402 "), "{head}");
        assert_eq!(body, "pay\n");
        let (head, body) = answer(address, &request("/?late", "")).await;
        assert!(head.starts_with("http/1.1 503 "), "{head}");
        assert_eq!(body, "no answer in time\n");
    })
    .await;
}

#[tokio::test]
async fn a_connection_serves_other_requests_after_a_refusal() {
    bounded(async {
        let app = Router::new().route("/health", get(async || "fine")).route(
            "/",
            any(async |upgrade: Upgrade| upgrade.on_upgrade(|ws: WebSocket| echo(ws)).await),
        );
        let mut peer = Peer::raw(stream(start(app).await).await, Sender::Client);
        let (head, _) = ask(&mut peer, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(head.starts_with("http/1.1 426 "), "{head}");
        let (_, body) = ask(&mut peer, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(body, "fine");
        let (head, _) = ask(&mut peer, &request("/", "")).await;
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        peer.send(&Frame::text("hello")).await;
        assert_eq!(peer.next().await, (0x81, b"hello".to_vec()));
    })
    .await;
}

#[tokio::test]
async fn frames_that_come_with_the_request_are_not_lost() {
    bounded(async {
        let address = start_with(Accept::new(), |ws: WebSocket| echo(ws)).await;
        let mut peer = Peer::raw(stream(address).await, Sender::Client);
        let early = Frame::text("early").sent_by(Sender::Client);
        peer.send_bytes(&[REQUEST, &early].concat()).await;
        let head = peer.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert_eq!(peer.next().await, (0x81, b"early".to_vec()));
    })
    .await;
}

#[tokio::test]
async fn an_end_without_a_close_is_told_as_1006() {
    bounded(async {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let address = start_with(Accept::new(), move |mut ws: WebSocket| {
            let tell = tell.clone();
            async move {
                let end = ws.recv().await;
                let _ =
                    tell.send(matches!(&end, Err(Error::Closed(closed)) if u16::from(closed.code()) == 1006));
                Ok(())
            }
        })
        .await;
        drop(client(address).await);
        assert_eq!(told.recv().await, Some(true));
    })
    .await;
}

#[tokio::test]
async fn a_client_learns_why_it_was_refused() {
    bounded(async {
        let policy = ServerPolicy::default().on_request(|_| Response::new(403).ok());
        let address = start_with(Accept::new().policy(policy), |ws: WebSocket| echo(ws)).await;
        let refused = connect(url(address)).await.map(|_| ());
        assert_eq!(
            refused.map_err(|error: HandshakeError| error.status()),
            Err(Some(403))
        );
    })
    .await;
}
