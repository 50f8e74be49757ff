use std::io::Write as _;
use std::time::Duration;

use tidewire_blocking::{Config, Connect, HandshakeError, Server, ServerPolicy, WebSocket, connect};

use crate::support::{
    PATIENCE, bounded, echo, in_background, listener, raw, raw_server, read_rest, serve, start,
};

#[test]
fn a_refused_request_gets_its_status_and_a_stream_that_ends() {
    let server = serve(echo);
    for (request, status) in [
        ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", "426"),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "426"),
        ("nonsense\r\n\r\n", "400"),
    ] {
        let mut stream = raw(server.address);
        stream.write_all(request.as_bytes()).expect("the server reads");
        // More than was asked for must not destroy the answer.
        stream.write_all(&vec![b'x'; 100_000]).expect("the server reads");
        let answer = String::from_utf8(read_rest(&mut stream)).expect("a response is text");
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request:?}: {answer}"
        );
    }
}

#[test]
fn a_client_learns_the_status_and_the_body_of_its_refusal() {
    let policy = ServerPolicy::default().on_request(|_| {
        Some(
            tidewire_proto::handshake::Response::new(403)
                .ok()?
                .body("not you\n"),
        )
    });
    let server = start(Server::new(listener(), echo).policy(policy));
    let url = server.url();
    let error = bounded(move || connect(url).open().map(|_| ())).expect_err("the server refuses");
    assert_eq!(error.status(), Some(403), "{error}");
    assert_eq!(
        error.response().map(tidewire_proto::handshake::Response::status),
        Some(403)
    );
}

#[test]
fn subprotocols_are_agreed_on_in_the_servers_order() {
    let policy = ServerPolicy::default()
        .subprotocols(["new", "old"])
        .expect("tokens");
    let server = start(Server::new(listener(), echo).policy(policy));
    let url = server.url();
    let ws = bounded(move || Connect::new(url).subprotocol("old").subprotocol("new").open())
        .expect("the server accepts");
    assert_eq!(ws.subprotocol().as_deref(), Some("new"));
    assert_eq!(ws.handshake().subprotocol(), Some("new"));
}

#[test]
fn nothing_is_sent_where_a_field_is_wrong() {
    let server = listener();
    let url = format!("ws://{}/", server.local_addr().expect("an address"));
    let error = Connect::new(url)
        .field("X", "a\r\nb")
        .open()
        .expect_err("that would inject");
    assert!(matches!(error, HandshakeError::Field(_)), "{error}");
    server.set_nonblocking(true).expect("a mode");
    assert!(server.accept().is_err(), "nobody connected");
}

#[test]
fn a_silent_peer_is_given_up_by_both_roles() {
    let config = Config::builder()
        .open_timeout(Duration::from_millis(50))
        .build()
        .expect("valid");
    let server = listener();
    let address = server.local_addr().expect("an address");
    let client_config = config.clone();
    let error = bounded(move || {
        Connect::new(format!("ws://{address}/"))
            .config(client_config)
            .open()
            .map(|_| ())
    })
    .expect_err("nobody answers");
    assert!(matches!(error, HandshakeError::Timeout(_)), "{error}");

    let server = start(Server::new(listener(), echo).config(config));
    let mut silent = raw(server.address);
    let answer = String::from_utf8(read_rest(&mut silent)).expect("a response is text");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn a_stream_that_ends_early_is_no_connection() {
    let server = listener();
    let address = server.local_addr().expect("an address");
    let client = in_background(move || connect(format!("ws://{address}/")).open().map(|_| ()));
    drop(server.accept().expect("a client comes"));
    let error = client
        .recv_timeout(PATIENCE)
        .expect("the client ends")
        .expect_err("no answer");
    assert!(
        matches!(error, HandshakeError::UnexpectedEnd | HandshakeError::Io(_)),
        "{error}"
    );
}

#[test]
fn what_follows_the_request_at_once_is_not_lost() {
    let server = serve(echo);
    let mut stream = raw(server.address);
    stream
        .write_all(crate::support::REQUEST)
        .and_then(|()| stream.write_all(b"\x81\x82\0\0\0\0hi"))
        .expect("the server reads");
    crate::support::read_head(&mut stream);
    assert_eq!(&crate::support::read_exact::<4>(&mut stream), b"\x81\x02hi");
}

#[test]
fn what_follows_the_response_at_once_is_not_lost() {
    let server = listener();
    let address = server.local_addr().expect("an address");
    let client = in_background(move || -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
        let mut ws = connect(format!("ws://{address}/")).open()?;
        Ok(ws.recv()?)
    });
    let mut stream = raw_server(&server);
    stream.write_all(b"\x81\x02hi").expect("the client reads");
    let message = client.recv_timeout(PATIENCE).expect("the client goes on");
    assert_eq!(message.expect("a message"), Some("hi".into()));
}

#[test]
fn addresses_are_those_of_the_socket() {
    let (tell, told) = std::sync::mpsc::channel();
    let server = serve(move |ws: WebSocket| {
        let _ = tell.send((ws.peer_addr(), ws.local_addr()));
        Ok(())
    });
    let url = server.url();
    let ws = bounded(move || connect(url).open()).expect("the server accepts");
    let (peer, local) = told.recv_timeout(PATIENCE).expect("the handler runs");
    assert_eq!(peer, ws.local_addr());
    assert_eq!(local, Some(server.address));
    let tcp = ws.transport().as_tcp().expect("TCP");
    assert!(tcp.nodelay().expect("an option"));
    let (sender, receiver) = ws.split();
    assert_eq!((sender.local_addr(), sender.peer_addr()), (peer, local));
    assert_eq!((receiver.local_addr(), receiver.peer_addr()), (peer, local));
}
