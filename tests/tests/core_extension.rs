//! An extension of the application's on a connection: what it does to messages, alone and before permessage-deflate.

use std::sync::Arc;

use tidewire_proto::deflate::{Choice, Compression, NoPool, Prepared};
use tidewire_proto::extension::ReservedBit::{self, Rsv1, Rsv2, Rsv3};
use tidewire_proto::{
    CloseFrame, Config, ConfigError, Connection, Delivery, End, Instant, Limits, OwnedMessage, Phase,
    ProtocolError, SendError, Server,
};
use tidewire_tests::deflate::{Compressor, extension};
use tidewire_tests::endpoint::{Endpoint, Seen, joined};
use tidewire_tests::pair::Pair;
use tidewire_tests::reference::Sender;
use tidewire_tests::toy::{Backwards, backwards};
use tidewire_tests::wire::{self, Frame};

const TEXT: &str = "aé€😀 – Gezeitendraht, 潮線, ακτή";

fn server() -> Endpoint<Server> {
    limited(Limits::default())
}

fn limited(limits: Limits) -> Endpoint<Server> {
    Endpoint::server(Config::new().limits(limits)).extended(Rsv2, Backwards)
}

/// A server with permessage-deflate, which compresses everything.
fn compressing() -> Endpoint<Server> {
    let everything = Compression {
        choice: Choice::All,
        ..Compression::default()
    };
    let deflate = extension(15, 15, &Arc::new(NoPool)).compression(everything);
    Endpoint::with_deflate(Server, Config::new(), &deflate).extended(Rsv2, Backwards)
}

fn text(text: &str) -> Seen {
    Seen::Text(text.into())
}

fn encoded(payload: &str) -> Frame {
    Frame::new(0xa1, backwards(payload.as_bytes()))
}

/// The code of the Close frame that was sent, and its reason.
fn close(endpoint: &mut Endpoint<Server>) -> Option<(u16, String)> {
    let close = endpoint.flush_frames().pop()?;
    let (code, reason) = close.payload.split_first_chunk()?;
    Some((u16::from_be_bytes(*code), String::from_utf8_lossy(reason).into()))
}

#[test]
fn a_message_travels_as_the_extension_has_it_and_says_so_by_the_bit() {
    for (bit, first) in [(Rsv1, 0xc1), (Rsv2, 0xa1), (Rsv3, 0x91)] {
        let mut server = Endpoint::server(Config::new()).extended(bit, Backwards);
        server.send(|tx| tx.message(TEXT)).expect("open");
        let frame = Frame::new(first, backwards(TEXT.as_bytes()));
        assert_eq!(server.flush(), frame.sent_by(Sender::Server), "{bit}");
        assert_eq!(server.receive(&[frame]), [text(TEXT)], "{bit}");
    }
}

#[test]
fn every_way_to_send_a_message_goes_by_the_extension() {
    let mut pair = Pair::new(&Config::new()).extended(Rsv3);
    let message = || OwnedMessage::Binary(b"four".to_vec());
    let prepared = Prepared::new(message());
    pair.server.send(|tx| tx.message(&b"one"[..])).expect("open");
    pair.server
        .send(|tx| tx.message_uncompressed(&b"two"[..]))
        .expect("open");
    let appended = pair.server.send(|tx| tx.message_or_header(&b"three"[..]));
    assert_eq!(appended, Ok(tidewire_proto::Appended::Message));
    pair.server.send(|tx| tx.prepared(&prepared)).expect("open");
    pair.server.send(|tx| tx.fragment("", End::Last)).expect("open");
    let wire = pair.server.flush();
    let frames = [&b"one"[..], b"two", b"three", b"four"].map(|payload| Frame::new(0x92, backwards(payload)));
    let want = [&frames[..], &[Frame::new(0x91, backwards(b""))]].concat();
    assert_eq!(wire, wire::stream(&want, Sender::Server));
    let seen = pair.client.receive_bytes(&wire);
    assert_eq!((seen.len(), seen.last()), (5, Some(&text(""))));
}

#[test]
fn what_the_extension_leaves_alone_is_sent_without_the_bit() {
    let mut server = server();
    server.send(|tx| tx.message("plain")).expect("open");
    server.send(|tx| tx.ping_with(b"plain")).expect("open");
    assert_eq!(server.flush(), b"\x81\x05plain\x89\x05plain");
    assert_eq!(server.receive(&[Frame::text("as it is")]), [text("as it is")]);
}

#[test]
fn a_message_that_the_extension_refuses_is_not_sent_and_the_connection_goes_on() {
    let mut server = server();
    assert_eq!(server.send(|tx| tx.message("secret")), Err(SendError::NotEncoded));
    assert_eq!(
        server.send(|tx| tx.message_uncompressed("secret")),
        Err(SendError::NotEncoded)
    );
    assert_eq!(server.flush(), b"");
    server.send(|tx| tx.message("plain")).expect("open");
    assert_eq!(server.flush(), b"\x81\x05plain");
}

#[test]
fn fragments_are_not_sent_past_the_extension() {
    let mut server = server();
    assert!(!server.connection.may_fragment());
    let refused = server.send(|tx| tx.fragment("a", End::More));
    assert_eq!((refused, server.flush()), (Err(SendError::Fragmented), vec![]));
    assert!(Endpoint::server(Config::new()).connection.may_fragment());
}

/// Encoded messages whole and in fragments, among others.
fn mixed() -> Vec<Frame> {
    let payload = backwards(TEXT.repeat(4).as_bytes());
    let (one, rest) = payload.split_at(7);
    let (two, three) = rest.split_at(130);
    vec![
        encoded(TEXT),
        Frame::text("as it is"),
        Frame::new(0x21, one),
        Frame::ping("inside"),
        Frame::continuation("").more(),
        Frame::continuation(two).more(),
        Frame::continuation(three),
        Frame::text("in ").more(),
        Frame::continuation("fragments"),
        Frame::new(0xa2, backwards(&[0xff; 300])),
        Frame::new(0xa1, backwards(b"")),
        Frame::new(0xa1, backwards(b"\xff")),
        Frame::text("after the end"),
    ]
}

#[test]
fn a_stream_cut_at_any_point_means_the_same() {
    let stream = wire::stream(&mixed(), Sender::Client);
    let want = [
        text(TEXT),
        text("as it is"),
        Seen::Ping(b"inside".into()),
        text(&TEXT.repeat(4)),
        text("in fragments"),
        Seen::Binary(vec![0xff; 300]),
        text(""),
        Seen::Failed(ProtocolError::InvalidText),
    ];
    for delivery in [Delivery::Messages, Delivery::Chunks] {
        for cut in 0..=stream.len() {
            let mut server = server();
            server.connection.set_delivery(delivery);
            let mut seen = server.receive_bytes(&stream[..cut]);
            if !matches!(seen.last(), Some(Seen::Failed(_))) {
                seen.extend(server.receive_bytes(&stream[cut..]));
            }
            assert_eq!(joined(seen), want, "{delivery:?} cut at {cut}");
        }
        let mut server = server();
        server.connection.set_delivery(delivery);
        let bytes = stream.chunks(1).flat_map(|byte| server.receive_bytes(byte));
        let mut seen: Vec<Seen> = bytes.collect();
        seen.dedup();
        assert_eq!(joined(seen), want, "{delivery:?} byte by byte");
    }
}

#[test]
fn who_asks_for_chunks_gets_a_message_in_one_also_if_that_is_asked_for_inside_it() {
    let frame = encoded(TEXT).sent_by(Sender::Client);
    let whole = Seen::Chunk(tidewire_proto::Kind::Text, TEXT.into(), End::Last);
    for cut in 1..frame.len() {
        let mut server = server();
        assert_eq!(server.receive_bytes(&frame[..cut]), []);
        server.connection.set_delivery(Delivery::Chunks);
        assert_eq!(
            server.receive_bytes(&frame[cut..]),
            *std::slice::from_ref(&whole),
            "cut at {cut}"
        );
    }
}

#[test]
fn a_message_that_cannot_be_decoded_fails_the_connection_with_the_code_of_the_extension() {
    let sum = "message that cannot be decoded: sum differs";
    let table = [
        (Frame::new(0xa2, "wrong"), 1007, sum),
        (
            Frame::new(0xa2, ""),
            1007,
            "message that cannot be decoded: no sum",
        ),
        (
            Frame::new(0xa2, "ban"),
            4001,
            "message that cannot be decoded: banned",
        ),
        (
            Frame::new(0xa2, "never"),
            1011,
            "message that cannot be decoded: no such code",
        ),
        (
            Frame::new(0xa1, backwards(b"\xc3")),
            1007,
            "text that is not UTF-8",
        ),
    ];
    for (frame, code, reason) in table {
        let mut server = server();
        let seen = server.receive(&[frame.clone(), encoded("after it")]);
        assert!(matches!(seen[..], [Seen::Failed(_)]), "{frame:?}: {seen:?}");
        assert_eq!(close(&mut server), Some((code, reason.into())), "{frame:?}");
    }
}

#[test]
fn a_bit_that_is_not_claimed_or_not_on_a_first_fragment_fails_the_connection() {
    let table = [
        (
            vec![Frame::new(0xc1, "")],
            ProtocolError::ReservedBits { bits: 0b100 },
        ),
        (
            vec![Frame::new(0x91, "")],
            ProtocolError::ReservedBits { bits: 0b001 },
        ),
        (
            vec![Frame::new(0xb1, "")],
            ProtocolError::ReservedBits { bits: 0b011 },
        ),
        (
            vec![Frame::new(0x21, "a"), Frame::new(0xa0, "b")],
            ProtocolError::MisplacedBits { bits: 0b010 },
        ),
        (
            vec![Frame::new(0xa9, "")],
            ProtocolError::MisplacedBits { bits: 0b010 },
        ),
    ];
    for (frames, error) in table {
        let mut server = server();
        assert_eq!(server.receive(&frames), [Seen::Failed(error)], "{frames:?}");
        assert_eq!(close(&mut server).map(|(code, _)| code), Some(1002), "{frames:?}");
    }
}

#[test]
fn the_limit_holds_for_what_was_decoded_and_leaves_room_for_what_is_added() {
    let limits = Limits::default().message(100);
    let fits = backwards(&[1; 100]);
    assert_eq!(
        limited(limits).receive(&[Frame::new(0xa2, fits)]),
        [Seen::Binary(vec![1; 100])]
    );
    let too_big = |len| [Seen::Failed(ProtocolError::MessageTooBig { len, limit: 100 })];
    let swollen = limited(limits).receive(&[Frame::new(0xa2, "swell")]);
    assert_eq!(swollen, too_big(101));
    let long = limited(limits).receive(&[Frame::new(0xa2, backwards(&[1; 101]))]);
    assert_eq!(long, too_big(101));
    // Nothing of it is awaited.
    let room = 100 + 100 / 16 + 1024;
    let header = &Frame::new(0xa2, vec![1; room + 1]).sent_by(Sender::Client)[..8];
    let seen = limited(limits).receive_bytes(header);
    let limit = ProtocolError::FrameTooBig {
        len: room as u64 + 1,
        limit: 100,
    };
    assert_eq!(seen, [Seen::Failed(limit)]);
}

#[test]
fn before_permessage_deflate_the_extension_encodes_and_decodes_last() {
    let mut server = compressing();
    let mut peer = Compressor::new(6, 15);
    let long = TEXT.repeat(100);
    for message in [&*long, TEXT, "", &*long] {
        let payload = peer.message(&backwards(message.as_bytes()));
        let seen = server.receive(&[Frame::new(0xe1, payload)]);
        assert_eq!(seen, [text(message)], "both bits");
        // Either may be left out.
        assert_eq!(server.receive(&[encoded(message)]), [text(message)], "RSV2");
        let payload = peer.message(message.as_bytes());
        assert_eq!(
            server.receive(&[Frame::new(0xc1, payload)]),
            [text(message)],
            "RSV1"
        );
    }
}

#[test]
fn both_ways_with_permessage_deflate_messages_arrive_at_every_cut() {
    let deflate = extension(15, 15, &Arc::new(NoPool));
    let long = TEXT.repeat(50);
    let messages = [&*long, "plain", "short", &*long];
    let mut pair = Pair::with_deflate(&Config::new(), &deflate).extended(Rsv2);
    for message in messages {
        pair.client.send(|tx| tx.message(message)).expect("open");
    }
    let wire = pair.client.flush();
    assert!(wire.len() < long.len(), "{} bytes", wire.len());
    for cut in 0..=wire.len() {
        let mut server = Pair::with_deflate(&Config::new(), &deflate).extended(Rsv2).server;
        let mut seen = server.receive_bytes(&wire[..cut]);
        seen.extend(server.receive_bytes(&wire[cut..]));
        assert_eq!(seen, messages.map(text), "cut at {cut}");
    }
}

#[test]
fn what_is_broken_for_permessage_deflate_never_reaches_the_extension() {
    let mut server = compressing();
    let seen = server.receive(&[Frame::new(0xe2, "ban")]);
    assert_eq!(seen, [Seen::Failed(ProtocolError::BrokenDeflate)]);
    let mut server = compressing();
    let bad = Compressor::new(6, 15).message(b"wrong");
    let seen = server.receive(&[Frame::new(0xe2, bad)]);
    let reason = "sum differs";
    assert_eq!(
        seen,
        [Seen::Failed(ProtocolError::NotDecoded {
            code: 1007.into(),
            reason
        })]
    );
}

#[test]
fn messages_that_arrive_while_we_close_are_decoded() {
    for mut server in [server(), compressing()] {
        server
            .send(|tx| tx.close(CloseFrame::new(1000, "")))
            .expect("open");
        assert_eq!(server.connection.phase(), Phase::Closing);
        assert_eq!(server.receive(&[encoded("late")]), [text("late")]);
    }
}

#[test]
fn a_bit_is_claimed_once_and_one_extension_at_most() {
    let deflate = extension(15, 15, &Arc::new(NoPool));
    let connection = || Connection::with_deflate(Server, Config::new(), &deflate, Instant::START);
    let extended = |connection: Connection<Server>, bit: ReservedBit| {
        connection.with_extension(bit, Box::new(Backwards))
    };
    let error = extended(connection(), Rsv1).map(|_| ());
    assert_eq!(error, Err(ConfigError::ReservedBit { bit: Rsv1 }));
    assert_eq!(
        ConfigError::ReservedBit { bit: Rsv1 }.to_string(),
        "reserved bit RSV1 claimed by two extensions"
    );
    let twice = extended(connection(), Rsv2).and_then(|connection| extended(connection, Rsv3));
    assert!(
        matches!(twice, Err(ConfigError::Excluding { .. })),
        "{:?}",
        twice.err()
    );
}
