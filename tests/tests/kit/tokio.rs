//! On tokio, whose clock moves once all tasks sleep.

use std::time::Duration;

use tidewire_tests::live::{bounded, promptly};
use tidewire_tokio::test::{self, Frame, Pair, Peer};
use tidewire_tokio::{
    Accept, Config, Connect, Deflate, Error, HandshakeError, ProtocolError, Request, Response, ServerPolicy,
    TrySendError, WebSocket, serve,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::failures::{Sent, Wanted, failures};

/// Says who asked for what, and how often it spoke.
async fn chat(mut ws: WebSocket) -> Result<(), Error> {
    let handshake = ws.handshake();
    let path = handshake
        .request()
        .map_or("", |request| request.path())
        .to_owned();
    while let Some(message) = ws.recv().await? {
        let text = message.as_text().unwrap_or("bytes").to_owned();
        ws.send(format!("{path}: {text}")).await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_handler_talks_to_the_clients_end_of_a_pair() {
    bounded(async {
        let (server, mut client) = test::pair().await;
        let handler = tokio::spawn(chat(server));
        client.send("hello").await.expect("open");
        assert_eq!(client.recv().await.expect("open"), Some("/: hello".into()));
        client.close(1000, "").await.expect("may be sent");
        assert!(client.closed().expect("closed").is_clean());
        handler.await.expect("no panic").expect("a clean end");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_pair_shakes_hands_for_what_both_ends_ask_for() {
    bounded(async {
        let policy = ServerPolicy::default()
            .subprotocols(["chat"])
            .and_then(|policy| policy.field("Server", "kit"))
            .expect("valid");
        let connect = Connect::new("ws://localhost/room?name=Ada")
            .subprotocol("chat")
            .field("Origin", "https://a.example")
            .deflate(Deflate::default());
        let pair = Pair::new()
            .accept(Accept::new().policy(policy).deflate(Deflate::default()))
            .connect(connect);
        let (server, client) = pair.open().await.expect("they agree");
        let handshake = server.handshake();
        let request = handshake.request().expect("a server has one");
        assert_eq!((request.path(), request.query()), ("/room", Some("name=Ada")));
        assert_eq!(request.fields().first("origin"), Some(&b"https://a.example"[..]));
        assert_eq!(server.subprotocol().as_deref(), Some("chat"));
        let handshake = client.handshake();
        let response = handshake.response().expect("a client has one");
        assert_eq!(response.fields().first("server"), Some(&b"kit"[..]));
        assert_eq!(handshake.extensions().count(), 1);
        let (_server, peer) = pair.server().await.expect("they agree");
        let handshake = peer.handshake().expect("there was one");
        assert_eq!(handshake.subprotocol(), Some("chat"));
        let (_client, peer) = pair.client().await.expect("they agree");
        let handshake = peer.handshake().expect("there was one");
        assert_eq!(handshake.request().map(Request::path), Some("/room"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_the_clients_error() {
    bounded(async {
        let policy = ServerPolicy::default().on_request(|_| Response::new(403).ok());
        let pair = Pair::new().accept(Accept::new().policy(policy));
        assert_eq!(pair.open().await.expect_err("refused").status(), Some(403));
        assert_eq!(pair.server().await.expect_err("refused").status(), Some(403));
        assert_eq!(pair.client().await.expect_err("refused").status(), Some(403));
        let wrong = Pair::new().connect(Connect::new("http://localhost/"));
        assert!(matches!(wrong.open().await, Err(HandshakeError::Url(_))));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn few_bytes_of_capacity_bring_backpressure_about() {
    bounded(async {
        let config = Config::builder().write_queue(100).build().expect("valid");
        let (server, mut peer) = Pair::new()
            .accept(Accept::new().config(config))
            .capacity(50)
            .server()
            .await
            .expect("they agree");
        server.try_send("x".repeat(300)).expect("there is room");
        let full = server.try_send("y");
        assert!(matches!(full, Err(TrySendError::Full(_))), "{full:?}");
        let (sent, ()) = tokio::join!(server.send("z"), peer.expect_text("x".repeat(300)));
        sent.expect("open");
        promptly("the second", peer.expect_text("z")).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_given_up_in_virtual_time() {
    bounded(async {
        let (server, mut peer) = Pair::new().server().await.expect("they agree");
        let start = Instant::now();
        let handler = tokio::spawn(server.run(chat));
        let payload = peer.expect_ping().await;
        assert_eq!(start.elapsed().as_secs(), 20);
        peer.send(Frame::pong(payload)).await;
        peer.expect_ping().await;
        peer.expect_close(1011).await;
        peer.expect_end().await;
        assert_eq!(start.elapsed().as_secs(), 60);
        peer.cut();
        let end = handler.await.expect("no panic");
        assert!(
            matches!(end, Err(Error::Protocol(ProtocolError::KeepaliveTimeout { .. }))),
            "{end:?}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_not_answered_times_out_in_virtual_time() {
    bounded(async {
        let (client, mut peer) = Pair::new().client().await.expect("they agree");
        let start = Instant::now();
        client.close(1000, "bye").await.expect("may be sent");
        assert_eq!(start.elapsed().as_secs(), 10);
        assert!(!client.closed().expect("closed").is_clean());
        assert_eq!(peer.expect_close(1000).await, "bye");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_servers_shutdown_ends_by_its_deadline_in_virtual_time() {
    bounded(async {
        let (sockets, listener) = mpsc::channel(1);
        let config = Config::builder()
            .close_timeout(Duration::from_secs(60))
            .build()
            .expect("valid");
        let server = serve(listener, chat).config(config);
        let handle = server.handle();
        let running = tokio::spawn(async move { server.await });
        let (near, far) = test::pipe(1024);
        sockets.send(near).await.expect("a server");
        let mut peer = Peer::client(far);
        peer.connect(&Connect::new("ws://localhost/"))
            .await
            .expect("accepted");
        let start = Instant::now();
        handle.shutdown(Duration::from_secs(30));
        peer.expect_close(1001).await;
        peer.expect_end().await;
        let counts = running.await.expect("no panic").expect("a listener that works");
        assert_eq!((counts.finished, counts.aborted), (0, 1));
        assert_eq!(start.elapsed().as_secs(), 30);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_is_refused_by_a_server_made_by_hand() {
    bounded(async {
        let (near, far) = test::pipe(1024);
        let client = tokio::spawn(async move { Connect::new("ws://localhost/x").over(far).await });
        let mut peer = Peer::server(near);
        let request = peer.expect_head().await;
        assert!(request.starts_with("GET /x HTTP/1.1\r\n"), "{request}");
        peer.send_bytes(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            .await;
        let refused = client.await.expect("no panic").expect_err("refused");
        assert_eq!(refused.status(), Some(404));
    })
    .await;
}

#[tokio::test]
async fn a_peer_talks_to_a_server_over_tcp() {
    bounded(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(async move { serve(listener, chat).await });
        let stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
        let mut peer = Peer::client(stream);
        peer.connect(&Connect::new("ws://localhost/tcp"))
            .await
            .expect("accepted");
        peer.send(Frame::text("hi").unfinished()).await;
        peer.send(Frame::continuation("!")).await;
        peer.expect_text("/tcp: hi!").await;
        peer.send(Frame::close(1000, "")).await;
        peer.expect_close(1000).await;
        peer.expect_end().await;
        server.abort();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_expectation_tells_what_came_in_its_place_and_who_asked() {
    bounded(async {
        for (wanted, sent, text) in failures() {
            let row = format!("{wanted:?} where {sent:?}");
            let (near, far) = test::pipe(4096);
            let mut other = Peer::client(far);
            match sent {
                Sent::Frame(frame) => other.send(frame).await,
                Sent::Bytes(bytes) => other.send_bytes(bytes).await,
                Sent::EndBehind(bytes) => {
                    other.send_bytes(bytes).await;
                    other.end_sending().await;
                }
            }
            let mut peer = Peer::server(near).patience(Duration::from_millis(5));
            let failure = tokio::spawn(async move {
                match wanted {
                    Wanted::Text => peer.expect_text("hello").await,
                    Wanted::Binary => peer.expect_binary([1, 2]).await,
                    Wanted::Ping => drop(peer.expect_ping().await),
                    Wanted::Pong => peer.expect_pong("a").await,
                    Wanted::Close => drop(peer.expect_close(1000).await),
                    Wanted::Frame(frame) => peer.expect_frame(frame).await,
                    Wanted::Head => drop(peer.expect_head().await),
                    Wanted::End => peer.expect_end().await,
                    Wanted::Any => drop(peer.recv().await),
                }
            });
            let panic = failure.await.expect_err(&row).into_panic();
            let panic = panic.downcast_ref::<String>().expect("a text");
            assert!(panic.starts_with(&format!("{text} (")), "{row}: {panic}");
            assert!(panic.contains("kit/tokio.rs:"), "{row}: {panic}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_tells_what_it_could_not_send() {
    bounded(async {
        let (near, far) = test::pipe(4);
        let mut peer = Peer::client(near);
        let sending = tokio::spawn(async move { peer.send(Frame::text("hello")).await });
        let panic = sending.await.expect_err("nobody reads").into_panic();
        let panic = panic.downcast_ref::<String>().expect("a text");
        assert!(
            panic.starts_with(r#"text "hello" was not read in 60s ("#),
            "{panic}"
        );
        drop(far);
    })
    .await;
}
