//! The opening handshake and the frames behind it, client against server, in memory.

use std::time::Duration;

use tidewire_proto::handshake::{
    Acceptance, Accepted, ClientHandshake, ClientRequest, HeadLimits, RequestError, Response, ResponseError,
    ServerHandshake, Upgrade,
};
use tidewire_proto::{Config, Inbox, Instant};
use tidewire_tests::endpoint::{Endpoint, Seen};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::{self, Frame};

const TIMEOUT: Option<Duration> = Some(Duration::from_secs(10));

fn request() -> ClientRequest {
    ClientRequest::new("example.com", "/chat?room=7")
        .and_then(|request| request.subprotocol("chat"))
        .and_then(|request| request.field("Origin", "https://example.com"))
        .expect("the request is right")
}

/// A client that has written its request.
fn client() -> (ClientHandshake, Vec<u8>) {
    let mut out = Vec::new();
    let nonce = *b"the sample nonce";
    let client = ClientHandshake::new(
        Instant::START,
        TIMEOUT,
        HeadLimits::default(),
        request(),
        nonce,
        &mut out,
    );
    (client, out)
}

fn server() -> ServerHandshake {
    ServerHandshake::new(Instant::START, TIMEOUT, HeadLimits::default())
}

/// What a server that takes the first subprotocol offered answers to these pieces of a request.
fn serve<'a>(
    server: &mut ServerHandshake,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, RequestError> {
    let mut out = Vec::new();
    for piece in pieces {
        let Some(request) = server.handle_input(piece)? else {
            continue;
        };
        let upgrade = Upgrade::check(&request)?;
        let mut acceptance = Acceptance::new();
        if let Some(subprotocol) = upgrade.subprotocols().next() {
            acceptance = acceptance.subprotocol(subprotocol).expect("it was offered");
        }
        upgrade
            .accept(&acceptance, &mut out)
            .expect("all of it was offered");
    }
    Ok(out)
}

fn connect<'a>(
    client: &mut ClientHandshake,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Option<Accepted>, ResponseError> {
    let mut accepted = None;
    for piece in pieces {
        accepted = accepted.or(client.handle_input(piece)?);
    }
    Ok(accepted)
}

#[test]
fn a_client_and_a_server_agree_and_go_on_with_what_came_behind_their_heads() {
    let (mut client, mut to_server) = client();
    // The client does not wait for the answer before it sends frames.
    to_server.extend(wire::stream(
        &[Frame::text("early"), Frame::ping("?")],
        Sender::Client,
    ));
    let mut server = server();
    let mut to_client = serve(&mut server, [&to_server[..]]).expect("the request is right");
    assert_eq!(server.poll_timeout(), None, "the request is there");

    let mut server_side = Endpoint::server(Config::new());
    server_side.inbox = Inbox::from(server.take_rest());
    let seen = server_side.receive_bytes(b"");
    assert_eq!(seen, [Seen::Text("early".into()), Seen::Ping(b"?".to_vec())]);
    server_side
        .send(|tx| tx.message("welcome"))
        .expect("the connection is open");
    to_client.extend(server_side.flush());

    let accepted = connect(&mut client, [&to_client[..]]).expect("the answer is right");
    assert_eq!(accepted.expect("the answer is there").subprotocol(), Some("chat"));
    let mut client_side = Endpoint::client(Config::new());
    let seen = client_side.receive_bytes(&client.take_rest());
    assert_eq!(
        seen,
        [Seen::Pong(b"?".to_vec(), None), Seen::Text("welcome".into())]
    );
}

#[test]
fn a_request_with_frames_behind_it_may_be_cut_anywhere() {
    let frames = wire::stream(&[Frame::text("early")], Sender::Client);
    let (_, head) = client();
    let stream = [&head[..], &frames].concat();
    let whole = serve(&mut server(), [&stream[..]]).expect("the request is right");
    for cut in 0..=stream.len() {
        let mut server = server();
        let (start, rest) = stream.split_at(cut);
        assert_eq!(
            serve(&mut server, [start, rest]).as_ref(),
            Ok(&whole),
            "cut at {cut}"
        );
        assert_eq!(server.take_rest(), frames, "cut at {cut}");
    }
    let mut server = server();
    assert_eq!(serve(&mut server, stream.chunks(1)), Ok(whole));
    assert_eq!(server.take_rest(), frames);
}

#[test]
fn a_response_with_frames_behind_it_may_be_cut_anywhere() {
    let frames = wire::stream(&[Frame::text("first")], Sender::Server);
    let (mut first, head) = client();
    let stream = [
        serve(&mut server(), [&head[..]]).expect("the request is right"),
        frames.clone(),
    ]
    .concat();
    let whole = connect(&mut first, [&stream[..]]).expect("the answer is right");
    assert!(whole.is_some());
    for cut in 0..=stream.len() {
        let (mut client, _) = client();
        let (start, rest) = stream.split_at(cut);
        assert_eq!(
            connect(&mut client, [start, rest]).as_ref(),
            Ok(&whole),
            "cut at {cut}"
        );
        assert_eq!(client.take_rest(), frames, "cut at {cut}");
    }
    let (mut client, _) = client();
    assert_eq!(connect(&mut client, stream.chunks(1)), Ok(whole));
    assert_eq!(client.take_rest(), frames);
}

#[test]
fn a_refusal_arrives_with_its_status_fields_and_body_and_ends_the_handshake() {
    let refusal = Response::new(403).and_then(|refusal| refusal.field("X-Reason", "origin"));
    let mut to_client = Vec::new();
    refusal
        .expect("the refusal is right")
        .body("not from there\n")
        .write(&mut to_client);
    // Neither another response nor a frame is read behind it.
    let behind = [
        &to_client[..],
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02hi",
    ]
    .concat();
    for stream in [&to_client, &behind] {
        let (mut client, _) = client();
        let Err(ResponseError::Refused(response)) = connect(&mut client, [&stream[..]]) else {
            panic!("not refused");
        };
        assert_eq!(
            (response.status(), response.content()),
            (403, &b"not from there\n"[..])
        );
        assert_eq!(response.fields().first("x-reason"), Some(&b"origin"[..]));
        assert!(!response.is_truncated());
        assert_eq!(
            client.handle_input(b"\x81\x02hi"),
            Err(ResponseError::Refused(response)),
            "it sticks"
        );
        assert_eq!(client.take_rest(), b"");
    }
}

#[test]
fn every_refusal_of_a_server_is_understood_by_our_client() {
    let head = |lines: &str| format!("GET / HTTP/1.1\r\n{lines}\r\n").into_bytes();
    let fields = "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let rows = [
        ("no upgrade", head("Host: a\r\n"), 426),
        (
            "version 8",
            head(&format!("{fields}{key}Sec-WebSocket-Version: 8\r\n")),
            426,
        ),
        (
            "no key",
            head(&format!("{fields}Sec-WebSocket-Version: 13\r\n")),
            400,
        ),
        (
            "no host",
            head("Upgrade: websocket\r\nConnection: Upgrade\r\n"),
            400,
        ),
        ("a POST", b"POST / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 426),
        (
            "an upgrade by POST",
            b"POST / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n".to_vec(),
            405,
        ),
        (
            "an upgrade of HTTP/1.0",
            b"GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n".to_vec(),
            505,
        ),
        ("a long field", head(&format!("X: {}\r\n", "x".repeat(9000))), 431),
        (
            "a long target",
            format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(9000)).into_bytes(),
            414,
        ),
        ("many fields", head(&"X: y\r\n".repeat(101)), 431),
        ("no HTTP at all", b"\x16\x03\x01\x02\x00".to_vec(), 400),
    ];
    for (row, request, status) in rows {
        let error = serve(&mut server(), [&request[..]]).expect_err(row);
        assert_eq!(error.status(), status, "{row}: {error}");
        let mut out = Vec::new();
        error.response().write(&mut out);
        let (mut client, _) = client();
        let Err(ResponseError::Refused(response)) = connect(&mut client, [&out[..]]) else {
            panic!("{row}: not refused");
        };
        assert_eq!(
            (response.status(), response.is_truncated()),
            (status, false),
            "{row}"
        );
        assert!(!response.content().is_empty(), "{row}: a short text says why");
    }
}

#[test]
fn a_handshake_is_given_up_after_its_timeout_on_both_sides_and_not_before() {
    let (mut client, head) = client();
    let mut server = server();
    let end = Instant::START + Duration::from_secs(10);
    let before = Instant::from_nanos(end.as_nanos() - 1);
    assert_eq!(
        (client.poll_timeout(), server.poll_timeout()),
        (Some(end), Some(end))
    );
    server
        .handle_input(&head[..head.len() - 1])
        .expect("right so far");
    assert_eq!(
        (client.handle_timeout(before), server.handle_timeout(before)),
        (Ok(()), Ok(()))
    );
    assert_eq!(client.handle_timeout(end), Err(ResponseError::Timeout));
    assert_eq!(server.handle_timeout(end), Err(RequestError::Timeout));
    assert_eq!(
        server.handle_input(&head[head.len() - 1..]),
        Err(RequestError::Timeout),
        "too late"
    );
    assert_eq!((client.poll_timeout(), server.poll_timeout()), (None, None));
}
