//! How a server comes to its end: the same in both adapters.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use tidewire_blocking::{Connect, Message, WebSocket};
use tidewire_tests::live::{REQUEST, Running, bounded_now, echo, echo_on_threads};
use tidewire_tokio::SendError;

/// Longer than any of this takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn servers() -> [Running; 2] {
    [
        Running::on_tokio(|listener| tidewire_tokio::Server::new(listener, echo)),
        Running::on_threads(|listener| tidewire_blocking::Server::new(listener, echo_on_threads)),
    ]
}

/// A client that the server has a handler for.
fn client(server: &Running) -> WebSocket {
    let mut ws = Connect::new(format!("ws://{}/", server.address()))
        .open()
        .expect("a server");
    expect_echo(&mut ws);
    ws
}

fn expect_echo(ws: &mut WebSocket) {
    ws.send("hi").expect("open");
    let echo = ws.recv_timeout(PATIENCE).expect("an echo");
    assert_eq!(echo, Some(Message::from("hi")));
}

/// One that does not answer a Close frame.
fn deaf(server: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).expect("a server");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a socket has timeouts");
    stream.write_all(REQUEST).expect("the server reads");
    // A text of two bytes, masked with zeros.
    stream.write_all(b"\x81\x82\0\0\0\0hi").expect("the server reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x81\x02hi") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an echo");
        answer.extend(byte);
    }
    stream
}

#[test]
fn a_shutdown_says_what_it_is_told_to_say() {
    for server in servers() {
        bounded_now(|| {
            let ws = client(&server);
            server
                .shut_down_with(PATIENCE, 1012, "back in a minute")
                .expect("a code that may be sent");
            // Whoever comes second changes nothing.
            server.shut_down(Duration::ZERO);
            let closed = ws.wait_closed();
            let received = closed.received().expect("a Close frame");
            assert_eq!(closed.code().as_u16(), 1012);
            assert_eq!(received.reason, "back in a minute");
            let served = server.wait();
            assert_eq!((served.finished, served.aborted), (1, 0));
        });
    }
}

#[test]
fn a_server_goes_on_where_its_farewell_may_not_be_sent() {
    for server in servers() {
        bounded_now(|| {
            let mut ws = client(&server);
            assert_eq!(
                server.shut_down_with(PATIENCE, 1006, ""),
                Err(SendError::CloseCode { code: 1006.into() })
            );
            assert_eq!(
                server.shut_down_with(PATIENCE, 1012, &"x".repeat(124)),
                Err(SendError::LongReason { len: 124 })
            );
            assert!(server.is_serving());
            expect_echo(&mut ws);
        });
    }
}

#[test]
fn a_server_that_stops_listening_ends_with_its_last_connection() {
    for server in servers() {
        bounded_now(|| {
            let (mut first, mut second) = (client(&server), client(&server));
            let address = server.address();
            server.stop_listening();
            assert!(!server.is_serving());
            expect_echo(&mut first);
            expect_echo(&mut second);
            first.close(4000, "").expect("a code that may be sent");
            expect_echo(&mut second);
            second.close(1000, "").expect("a code that may be sent");
            let served = server.wait();
            assert_eq!((served.finished, served.aborted), (2, 0));
            TcpStream::connect(address).expect_err("nobody listens");
        });
    }
}

#[test]
fn a_server_that_stops_listening_without_connections_ends_at_once() {
    for server in servers() {
        bounded_now(|| {
            server.stop_listening();
            let served = server.wait();
            assert_eq!((served.finished, served.aborted), (0, 0));
        });
    }
}

#[test]
fn a_shutdown_may_follow_the_end_of_listening() {
    for server in servers() {
        bounded_now(|| {
            let (mut polite, _deaf) = (client(&server), deaf(&server));
            server.stop_listening();
            expect_echo(&mut polite);
            server.shut_down(Duration::from_millis(200));
            assert_eq!(polite.wait_closed().code().as_u16(), 1001);
            let served = server.wait();
            assert_eq!((served.finished, served.aborted), (1, 1));
        });
    }
}

#[test]
fn the_end_of_listening_refuses_handshakes_in_progress_with_503() {
    for server in servers() {
        bounded_now(|| {
            let mut stream = TcpStream::connect(server.address()).expect("a server");
            stream.write_all(b"GET / HTTP/1.1\r\n").expect("the server reads");
            // It is accepted by now, since a later one is.
            let mut later = client(&server);
            server.stop_listening();
            stream
                .set_read_timeout(Some(PATIENCE))
                .expect("a socket has timeouts");
            let answer = std::io::read_to_string(stream).expect("a response is text");
            assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
            expect_echo(&mut later);
        });
    }
}
