//! An extension of the application's, as both adapters agree on it with each other and with peers made by hand.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use tidewire_proto::handshake::accept_key;
use tidewire_tests::connect_by;
use tidewire_tests::live::{ADAPTERS, Adapter, Running, bounded_now, upgrade};
use tidewire_tests::reference::Sender;
use tidewire_tests::toy::{Toy, backwards};
use tidewire_tests::wire::Frame;
use tidewire_tokio::extension::{DecodeError, Encoded, Extension, Parameters, ReservedBit, Transform};
use tidewire_tokio::{
    Deflate, Error, Handshake, HandshakeError, InvalidField, Kind, Message, ResponseError, SendError,
    ServerPolicy,
};
use tokio::io::duplex;

const RSV1: Toy = Toy(ReservedBit::Rsv1);
const RSV2: Toy = Toy(ReservedBit::Rsv2);
const OFFER: &str = "Sec-WebSocket-Extensions: x-toy; sum=1\r\n";

fn agreed(handshake: &Handshake) -> String {
    handshake.extensions().collect::<Vec<_>>().join(", ")
}

/// Servers of both adapters that tell what was agreed on, and then echo.
fn servers(policy: &ServerPolicy) -> [Running; 2] {
    let (one, other) = (policy.clone(), policy.clone());
    let tokio = Running::on_tokio(|listener| {
        let server = tidewire_tokio::Server::new(listener, async |mut ws: tidewire_tokio::WebSocket| {
            ws.send(format!("agreed: {}", agreed(&ws.handshake()))).await?;
            while let Some(message) = ws.recv().await? {
                ws.send(message).await?;
            }
            Ok::<(), Error>(())
        });
        server.policy(one)
    });
    let threads = Running::on_threads(|listener| {
        let server = tidewire_blocking::Server::new(listener, |mut ws: tidewire_blocking::WebSocket| {
            ws.send(format!("agreed: {}", agreed(&ws.handshake())))?;
            while let Some(message) = ws.recv()? {
                ws.send(message)?;
            }
            Ok::<(), Error>(())
        });
        server.policy(other)
    });
    [tokio, threads]
}

fn knowing(toy: Toy) -> ServerPolicy {
    ServerPolicy::default().extension(toy).expect("a token")
}

/// Runs a test for each client with each server.
fn each_with_each(policy: &ServerPolicy, test: impl Fn(Adapter, &str)) {
    let servers = servers(policy);
    bounded_now(move || {
        for server in &servers {
            for adapter in ADAPTERS {
                test(adapter, &format!("ws://{}/", server.address()));
            }
        }
    });
}

#[test]
fn each_adapter_agrees_with_each_and_messages_come_back() {
    each_with_each(&knowing(RSV2), |adapter, url| {
        let mut ws = connect_by!(adapter, url, extension(RSV2)).expect("a connection");
        assert_eq!(agreed(&ws.handshake()), "x-toy; sum=1");
        let told = ws.recv().expect("a message");
        assert_eq!(told, Some("agreed: x-toy; sum=1".into()), "{adapter:?} {url}");
        let long = "0123456789".repeat(100_000);
        for text in ["é漢🦀", "", "plain", &long] {
            assert_eq!(ws.ask(text), text.into(), "{adapter:?} {url}");
        }
        assert_eq!(ws.ask(vec![0xff; 70_000]), Message::from(vec![0xff; 70_000]));
    });
}

#[test]
fn with_compression_the_extension_comes_first() {
    let policy = knowing(RSV2).deflate(Deflate::default());
    each_with_each(&policy, |adapter, url| {
        let mut ws =
            connect_by!(adapter, url, extension(RSV2), deflate(Deflate::default())).expect("a connection");
        let both = agreed(&ws.handshake());
        assert!(both.starts_with("x-toy; sum=1, permessage-deflate; "), "{both}");
        assert_eq!(
            ws.recv().expect("a message"),
            Some(format!("agreed: {both}").into())
        );
        let text = "again and again ".repeat(1000);
        assert_eq!(ws.ask(&*text), text.as_str().into(), "{adapter:?} {url}");
        assert!(ws.traffic().bytes_received < 2000, "{:?}", ws.traffic());
    });
}

#[test]
fn an_extension_on_the_first_bit_goes_without_compression() {
    let policy = knowing(RSV1).deflate(Deflate::default());
    each_with_each(&policy, |adapter, url| {
        let mut ws =
            connect_by!(adapter, url, extension(RSV1), deflate(Deflate::default())).expect("a connection");
        assert_eq!(agreed(&ws.handshake()), "x-toy; sum=1");
        ws.recv().expect("a message");
        assert_eq!(ws.ask("hello"), "hello".into(), "{adapter:?} {url}");
    });
}

#[test]
fn who_does_not_know_the_extension_talks_without_it() {
    each_with_each(
        &ServerPolicy::default().deflate(Deflate::default()),
        |adapter, url| {
            let mut ws = connect_by!(adapter, url, extension(RSV2)).expect("a connection");
            assert_eq!(agreed(&ws.handshake()), "");
            assert_eq!(ws.recv().expect("a message"), Some("agreed: ".into()));
            assert_eq!(ws.ask("secret"), "secret".into(), "{adapter:?} {url}");
        },
    );
}

#[test]
fn what_the_extension_refuses_leaves_the_connection_open() {
    each_with_each(&knowing(RSV2), |adapter, url| {
        let mut ws = connect_by!(adapter, url, extension(RSV2)).expect("a connection");
        ws.recv().expect("a message");
        let refused = ws.send("secret");
        assert!(
            matches!(refused, Err(Error::Send(SendError::NotEncoded))),
            "{refused:?}"
        );
        let refused = ws.send_in_pieces(["a", "b", "c"]);
        assert!(
            matches!(refused, Err(Error::Send(SendError::Fragmented))),
            "{refused:?}"
        );
        assert_eq!(ws.ask("hello"), "hello".into(), "{adapter:?} {url}");
        // One that panics is not asked again.
        for text in ["panic", "hello"] {
            let refused = ws.send(text);
            assert!(
                matches!(refused, Err(Error::Send(SendError::NotEncoded))),
                "{refused:?}"
            );
        }
        ws.ping().expect("an open connection");
    });
}

#[test]
fn offers_are_judged_one_after_another() {
    let table = [
        ("", None),
        ("x-toy", None),
        ("x-toy; sum=2", None),
        ("x-toy; sum=", None),
        ("X-Toy; sum=1", None),
        ("x-toyota; sum=1", None),
        ("x-toy; sum=1", Some("x-toy; sum=1")),
        (
            "x-other, x-toy; sum=2, x-toy;sum=\"1\", x-toy; sum=1",
            Some("x-toy; sum=1"),
        ),
        (
            "permessage-deflate, x-toy; sum=1",
            Some("x-toy; sum=1, permessage-deflate; server_max_window_bits=12"),
        ),
    ];
    for server in servers(&knowing(RSV2).deflate(Deflate::default())) {
        for (offer, answer) in table {
            let answered = upgrade(
                server.address(),
                "/",
                &format!("Sec-WebSocket-Extensions: {offer}\r\n"),
            );
            assert_eq!(answered.status(), "101", "{offer}");
            let answers = answered.all("Sec-WebSocket-Extensions");
            assert_eq!(answers, answer.into_iter().collect::<Vec<_>>(), "{offer}");
        }
    }
}

/// A client made by hand that has sent one frame behind its request; gives what came after the head.
fn tell(server: &Running, frame: &Frame) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address()).expect("a server");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("a timeout");
    let request = tidewire_tests::live::request("/", OFFER);
    stream.write_all(request.as_bytes()).expect("a request");
    stream.write_all(&frame.sent_by(Sender::Client)).expect("a frame");
    stream
        .write_all(&Frame::close_with(1000, "").sent_by(Sender::Client))
        .expect("a frame");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an end in time");
    let end = bytes.windows(4).position(|end| end == b"\r\n\r\n");
    bytes.split_off(end.expect("a head") + 4)
}

#[test]
fn a_peer_made_by_hand_is_understood_and_told_what_is_wrong() {
    let agreed = Frame::new(0xa1, backwards(b"agreed: x-toy; sum=1"));
    let close = |code: u16, reason: &str| Frame::close_with(code, reason);
    let wrong = |reason: &str| format!("message that cannot be decoded: {reason}");
    let table = [
        (
            Frame::new(0xa1, backwards(b"hello")),
            vec![Frame::new(0xa1, backwards(b"hello")), close(1000, "")],
        ),
        (
            Frame::new(0xa1, "wrong"),
            vec![close(1007, &wrong("sum differs"))],
        ),
        (Frame::new(0xa1, "ban"), vec![close(4001, &wrong("banned"))]),
        (
            Frame::new(0xa1, "crash"),
            vec![close(1011, &wrong("extension panicked"))],
        ),
        (
            Frame::new(0xc1, "hello"),
            vec![close(1002, "reserved bits 100 without an extension")],
        ),
    ];
    for server in servers(&knowing(RSV2)) {
        for (frame, answer) in &table {
            let expected: Vec<u8> = [&agreed]
                .into_iter()
                .chain(answer)
                .flat_map(|frame| frame.sent_by(Sender::Server))
                .collect();
            let told = tell(&server, frame);
            assert_eq!(
                told.escape_ascii().to_string(),
                expected.escape_ascii().to_string(),
                "{frame:?}"
            );
        }
    }
}

/// A server made by hand that answers one client with these extensions.
fn answering(extensions: &'static str) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.extend_from_slice(&byte);
        }
        let head = String::from_utf8_lossy(&head);
        let key = head
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let accept = accept_key(key.unwrap_or_default().as_bytes());
        write!(
            stream,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Extensions: {extensions}\r\n\r\n"
        )?;
        // Until the client goes.
        stream.read_to_end(&mut Vec::new()).map(drop)
    });
    format!("ws://{address}/")
}

#[test]
fn a_wrong_answer_to_the_offer_is_no_connection() {
    let wrong = |reason| ResponseError::Extension {
        extension: "x-toy".into(),
        reason,
    };
    let table = [
        (RSV2, "x-toy; sum=2", wrong("another sum than was offered")),
        (RSV2, "x-toy", wrong("another sum than was offered")),
        (RSV2, "x-toy; sum=", wrong("it breaks the grammar")),
        (RSV2, "x-toy; sum=1, x-toy; sum=1", wrong("it is accepted twice")),
        (
            RSV2,
            "permessage-deflate, x-toy; sum=1",
            wrong("it is behind permessage-deflate"),
        ),
        (
            RSV1,
            "x-toy; sum=1, permessage-deflate",
            wrong("it claims RSV1, as permessage-deflate does"),
        ),
        (
            RSV2,
            "x-other",
            ResponseError::ExtensionNotOffered {
                extension: "x-other".into(),
            },
        ),
    ];
    bounded_now(move || {
        for (toy, answer, error) in table {
            for adapter in ADAPTERS {
                let url = answering(answer);
                let result = connect_by!(adapter, &url, extension(toy), deflate(Deflate::default()));
                match result {
                    Err(HandshakeError::Response(found)) => {
                        assert_eq!(found, error, "{adapter:?} {answer}");
                    }
                    other => panic!("{adapter:?} {answer}: {other:?}"),
                }
            }
        }
    });
}

/// An extension whose name is no token.
struct Nameless;

impl Extension for Nameless {
    #[expect(clippy::unnecessary_literal_bound, reason = "as users write it")]
    fn name(&self) -> &str {
        "x; y"
    }

    fn bit(&self) -> ReservedBit {
        ReservedBit::Rsv3
    }

    fn accept(&self, _: &Parameters) -> Option<(Parameters, Box<dyn Transform>)> {
        Some((Parameters::new(), Box::new(Identity)))
    }

    fn open(&self, _: &Parameters) -> Result<Box<dyn Transform>, &'static str> {
        Ok(Box::new(Identity))
    }
}

struct Identity;

impl Transform for Identity {
    fn encode(&mut self, _: Kind, _: &[u8]) -> Encoded {
        Encoded::Unchanged
    }

    fn decode(&mut self, _: Kind, payload: Vec<u8>, _: usize) -> Result<Vec<u8>, DecodeError> {
        Ok(payload)
    }
}

#[test]
fn a_name_that_is_no_token_is_found_before_anything_is_sent() {
    let error = InvalidField::Extension { byte: Some(b';') };
    let policy = ServerPolicy::default().extension(Nameless).map(drop);
    assert_eq!(policy, Err(error.clone()));
    let url = "ws://127.0.0.1:1/";
    let (near, _far) = duplex(1);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let connect = tidewire_tokio::Connect::new(url).extension(Nameless);
    let on_tokio = runtime.block_on(connect.over(near)).map(drop);
    let (near, _far) = UnixStream::pair().expect("a pair");
    let connect = tidewire_blocking::Connect::new(url).extension(Nameless);
    for result in [on_tokio, connect.over(near).map(drop)] {
        match result {
            Err(HandshakeError::Field(found)) => assert_eq!(found, error),
            other => panic!("{other:?}"),
        }
    }
}
