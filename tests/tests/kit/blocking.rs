//! On threads, in time that runs.

use std::net::{TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use tidewire_blocking::test::{self, Frame, Pair, Peer};
use tidewire_blocking::{
    Accept, Config, Connect, Deflate, Error, HandshakeError, Request, Response, Server, ServerPolicy,
    TrySendError, WebSocket,
};
use tidewire_tests::live::bounded_now;

use super::failures::{Sent, Wanted, failures};

/// Says who asked for what, and how often it spoke.
fn chat(mut ws: WebSocket) -> Result<(), Error> {
    let handshake = ws.handshake();
    let path = handshake
        .request()
        .map_or("", |request| request.path())
        .to_owned();
    while let Some(message) = ws.recv()? {
        let text = message.as_text().unwrap_or("bytes").to_owned();
        ws.send(format!("{path}: {text}"))?;
    }
    Ok(())
}

#[test]
fn a_handler_talks_to_the_clients_end_of_a_pair() {
    bounded_now(|| {
        let (server, mut client) = test::pair();
        let handler = thread::spawn(|| chat(server));
        client.send("hello").expect("open");
        assert_eq!(client.recv().expect("open"), Some("/: hello".into()));
        client.close(1000, "").expect("may be sent");
        assert!(client.closed().expect("closed").is_clean());
        handler.join().expect("no panic").expect("a clean end");
    });
}

#[test]
fn a_pair_shakes_hands_for_what_both_ends_ask_for() {
    bounded_now(|| {
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
        let (server, client) = pair.open().expect("they agree");
        let handshake = server.handshake();
        let request = handshake.request().expect("a server has one");
        assert_eq!((request.path(), request.query()), ("/room", Some("name=Ada")));
        assert_eq!(request.fields().first("origin"), Some(&b"https://a.example"[..]));
        assert_eq!(server.subprotocol().as_deref(), Some("chat"));
        let handshake = client.handshake();
        let response = handshake.response().expect("a client has one");
        assert_eq!(response.fields().first("server"), Some(&b"kit"[..]));
        assert_eq!(handshake.extensions().count(), 1);
        let (_server, peer) = pair.server().expect("they agree");
        let handshake = peer.handshake().expect("there was one");
        assert_eq!(handshake.subprotocol(), Some("chat"));
        let (_client, peer) = pair.client().expect("they agree");
        let handshake = peer.handshake().expect("there was one");
        assert_eq!(handshake.request().map(Request::path), Some("/room"));
    });
}

#[test]
fn a_refusal_is_the_clients_error() {
    bounded_now(|| {
        let policy = ServerPolicy::default().on_request(|_| Response::new(403).ok());
        let pair = Pair::new().accept(Accept::new().policy(policy));
        assert_eq!(pair.open().expect_err("refused").status(), Some(403));
        assert_eq!(pair.server().expect_err("refused").status(), Some(403));
        assert_eq!(pair.client().expect_err("refused").status(), Some(403));
        let wrong = Pair::new().connect(Connect::new("http://localhost/"));
        assert!(matches!(wrong.open(), Err(HandshakeError::Url(_))));
    });
}

#[test]
fn few_bytes_of_capacity_bring_backpressure_about() {
    bounded_now(|| {
        let config = Config::builder().write_queue(100).build().expect("valid");
        let (server, mut peer) = Pair::new()
            .accept(Accept::new().config(config))
            .capacity(50)
            .server()
            .expect("they agree");
        server.try_send("x".repeat(300)).expect("there is room");
        let full = server.try_send("y");
        assert!(matches!(full, Err(TrySendError::Full(_))), "{full:?}");
        let sending = thread::spawn(move || server.send("z").map(|()| server));
        peer.expect_text("x".repeat(300));
        peer.expect_text("z");
        sending.join().expect("no panic").expect("open");
    });
}

#[test]
fn what_a_full_pipe_did_not_take_leaves_once_the_peer_reads() {
    bounded_now(|| {
        let (server, mut peer) = Pair::new().capacity(50).server().expect("they agree");
        // Nobody calls the connection any more: the keeper writes.
        server.try_send("x".repeat(300)).expect("there is room");
        peer.expect_text("x".repeat(300));
        drop(server);
        peer.expect_close(1000);
    });
}

#[test]
fn a_client_is_refused_by_a_server_made_by_hand() {
    bounded_now(|| {
        let (near, far) = test::pipe(1024);
        let client = thread::spawn(move || Connect::new("ws://localhost/x").over(far));
        let mut peer = Peer::server(near);
        let request = peer.expect_head();
        assert!(request.starts_with("GET /x HTTP/1.1\r\n"), "{request}");
        peer.send_bytes(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        let refused = client.join().expect("no panic").expect_err("refused");
        assert_eq!(refused.status(), Some(404));
    });
}

#[test]
fn a_peer_talks_to_a_server_over_tcp() {
    bounded_now(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = Server::new(listener, chat);
        let handle = server.handle();
        let running = thread::spawn(move || server.run());
        let mut peer = Peer::client(TcpStream::connect(address).expect("it listens"));
        peer.connect(&Connect::new("ws://localhost/tcp"))
            .expect("accepted");
        peer.send(Frame::text("hi").unfinished());
        peer.send(Frame::continuation("!"));
        peer.expect_text("/tcp: hi!");
        peer.send(Frame::close(1000, ""));
        peer.expect_close(1000);
        peer.expect_end();
        handle.shutdown(Duration::ZERO);
        running.join().expect("no panic").expect("a listener that works");
    });
}

#[test]
fn each_expectation_tells_what_came_in_its_place() {
    bounded_now(|| {
        for (wanted, sent, text) in failures() {
            let row = format!("{wanted:?} where {sent:?}");
            let (near, far) = test::pipe(4096);
            let mut other = Peer::client(far);
            match sent {
                Sent::Frame(frame) => other.send(frame),
                Sent::Bytes(bytes) => other.send_bytes(bytes),
                Sent::EndBehind(bytes) => {
                    other.send_bytes(bytes);
                    other.end_sending();
                }
            }
            let mut peer = Peer::server(near).patience(Duration::from_millis(5));
            let failure = catch_unwind(AssertUnwindSafe(|| match wanted {
                Wanted::Text => peer.expect_text("hello"),
                Wanted::Binary => peer.expect_binary([1, 2]),
                Wanted::Ping => drop(peer.expect_ping()),
                Wanted::Pong => peer.expect_pong("a"),
                Wanted::Close => drop(peer.expect_close(1000)),
                Wanted::Frame(frame) => peer.expect_frame(frame),
                Wanted::Head => drop(peer.expect_head()),
                Wanted::End => peer.expect_end(),
                Wanted::Any => drop(peer.recv()),
            }));
            let panic = failure.expect_err(&row);
            assert_eq!(
                panic.downcast_ref::<String>().map(String::as_str),
                Some(text),
                "{row}"
            );
        }
    });
}

#[test]
fn a_peer_tells_what_it_could_not_send() {
    bounded_now(|| {
        let (near, far) = test::pipe(4);
        let mut peer = Peer::client(near).patience(Duration::from_millis(5));
        let sending = catch_unwind(AssertUnwindSafe(|| peer.send(Frame::text("hello"))));
        let panic = sending.expect_err("nobody reads");
        let text = r#"text "hello" was not read in 5ms"#;
        assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some(text));
        drop(far);
        let sending = catch_unwind(AssertUnwindSafe(|| peer.send(Frame::text("hello"))));
        let panic = sending.expect_err("nobody is there");
        let text = r#"text "hello" was not sent: broken pipe"#;
        assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some(text));
    });
}
