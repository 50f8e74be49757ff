//! On threads.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;

use tidewire_blocking::raw::{Frame, LengthForm};
use tidewire_blocking::test::{self, Pair};
use tidewire_blocking::{Config, Connect, Error, Kind, Phase, ProtocolError, SendError};
use tidewire_proto::handshake::accept_key;
use tidewire_tests::live::bounded_now;

use super::broken::broken;

/// Accepts a client, byte by byte: what follows its request is not to be read here.
fn agree(stream: &mut UnixStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a request");
        head.extend(byte);
    }
    let head = str::from_utf8(&head).expect("a head of text");
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = accept_key(key.expect("a key").as_bytes());
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream
        .write_all(response.as_bytes())
        .expect("a client that reads");
}

#[test]
fn the_peer_of_either_role_names_the_rule_that_a_frame_breaks() {
    bounded_now(|| {
        for (frame, is_named) in broken() {
            let ((server, client), (theirs, ours)) = (test::pair(), test::pair());
            for (from, mut to) in [(client, server), (theirs, ours)] {
                from.dangerous_raw().send(&frame).expect("it is open");
                let end = to.recv();
                assert!(
                    matches!(&end, Err(Error::Protocol(error)) if is_named(error)),
                    "{frame}: {end:?}"
                );
            }
        }
    });
}

#[test]
fn a_frame_is_masked_where_it_should_not_be_and_the_reverse() {
    bounded_now(|| {
        let wrong = Frame::text("hi").wrongly_masked();
        let (mut server, client) = test::pair();
        client.dangerous_raw().send(&wrong).expect("it is open");
        let end = server.recv();
        assert!(
            matches!(end, Err(Error::Protocol(ProtocolError::MaskMissing))),
            "{end:?}"
        );
        let (server, mut client) = test::pair();
        server.dangerous_raw().send(&wrong).expect("it is open");
        let end = client.recv();
        assert!(
            matches!(end, Err(Error::Protocol(ProtocolError::MaskForbidden))),
            "{end:?}"
        );
    });
}

#[test]
fn frames_and_bytes_leave_in_the_order_of_messages_and_split_none() {
    bounded_now(|| {
        let (client, mut peer) = Pair::new().client().expect("they agree");
        let raw = client.dangerous_raw();
        let overlong = Frame::binary("two").length_form(LengthForm::EightBytes);
        // Long enough to be written from where it lies, where it is not masked.
        let long = "x".repeat(20_000);
        client.feed(long.as_str()).expect("it is open");
        raw.send(&overlong).expect("it is open");
        client.feed("three").expect("it is open");
        raw.send_bytes(b"\x81\x80\0\0\0\0").expect("it is open");
        peer.expect_text(long.as_str());
        peer.expect_frame(overlong);
        peer.expect_text("three");
        peer.expect_text("");
    });
}

#[test]
fn a_frame_may_stand_between_the_pieces_of_a_message() {
    bounded_now(|| {
        let (client, mut peer) = Pair::new().client().expect("they agree");
        let mut pieces = client.send_pieces(Kind::Text).expect("it is open");
        pieces.write("a ").expect("it is open");
        let inside = Frame::binary("another message");
        client
            .dangerous_raw()
            .send(&inside)
            .expect("it waits for no piece");
        pieces.finish_with("message").expect("it is open");
        peer.expect_frame(Frame::text("a ").unfinished());
        peer.expect_frame(inside);
        peer.expect_frame(Frame::continuation("message"));
    });
}

#[test]
fn the_connection_takes_no_note_of_what_a_frame_means() {
    bounded_now(|| {
        let (client, mut peer) = Pair::new().client().expect("they agree");
        client
            .dangerous_raw()
            .send(&Frame::close(4000, "not really"))
            .expect("it is open");
        assert_eq!(client.phase(), Phase::Open);
        client.send("still here").expect("it is open");
        assert_eq!(client.metrics().traffic.messages_sent, 1);
        peer.expect_close(4000);
        peer.expect_text("still here");
    });
}

#[test]
fn frames_may_follow_our_close_frame_until_the_peers() {
    bounded_now(|| {
        let (client, mut peer) = Pair::new().client().expect("they agree");
        let (sender, mut client) = client.split();
        let closing = {
            let sender = sender.clone();
            thread::spawn(move || sender.close(1000, ""))
        };
        peer.expect_close(1000);
        sender
            .dangerous_raw()
            .send(&Frame::text("late"))
            .expect("the peer has not closed");
        peer.expect_text("late");
        peer.send(Frame::close(1000, ""));
        // The end of the stream is awaited.
        while sender.phase() != Phase::Over {
            thread::yield_now();
        }
        let refused = sender.dangerous_raw().send_bytes(b"later");
        assert!(
            matches!(refused, Err(Error::Send(SendError::Closed))),
            "{refused:?}"
        );
        peer.cut();
        client.recv().expect("a clean end");
        closing.join().expect("no panic").expect("may be sent");
        let refused = sender.dangerous_raw().send(&Frame::text("too late"));
        assert!(refused.is_err(), "{refused:?}");
    });
}

#[test]
fn each_connection_takes_its_masking_keys_from_a_source_of_its_own() {
    let mut key = 0;
    let keys = move || {
        key += 1;
        [0, 0, 0, key]
    };
    let config = Config::builder()
        .dangerous_masking_keys(keys)
        .build()
        .expect("valid");
    for _ in 0..2 {
        bounded_now(|| {
            let (near, mut far) = UnixStream::pair().expect("a pair");
            let connect = Connect::new("ws://localhost/").config(config.clone());
            let client = thread::spawn(move || connect.over(near));
            agree(&mut far);
            let client = client.join().expect("no panic").expect("a connection");
            client.send("aaaa").expect("it is open");
            let raw = client.dangerous_raw();
            raw.send(&Frame::text("aaaa").masking_key([0, 0, 0, 0x20]))
                .expect("it is open");
            raw.send(&Frame::text("aaaa")).expect("it is open");
            client.pong(b"").expect("it is open");
            client.transport().shutdown(Shutdown::Both).expect("it is open");
            drop(client);
            let mut bytes = Vec::new();
            far.read_to_end(&mut bytes).expect("the end");
            let sent = [
                &b"\x81\x84\0\0\0\x01aaa`"[..],
                b"\x81\x84\0\0\0\x20aaaA",
                b"\x81\x84\0\0\0\x02aaac",
                b"\x8a\x80\0\0\0\x03",
            ];
            assert_eq!(
                bytes.escape_ascii().to_string(),
                sent.concat().escape_ascii().to_string()
            );
        });
    }
}
