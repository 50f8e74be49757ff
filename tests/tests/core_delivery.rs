//! Messages whole and in chunks, and switching between the two.

use tidewire_proto::{Config, Delivery, End, Kind, ProtocolError, SendError, Server};
use tidewire_tests::endpoint::{Endpoint, Seen};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::{self, Frame};

fn server(delivery: Delivery) -> Endpoint<Server> {
    let mut server = Endpoint::server(Config::new());
    server.connection.set_delivery(delivery);
    server
}

fn text(text: &str, end: End) -> Seen {
    Seen::Chunk(Kind::Text, text.into(), end)
}

fn binary(bytes: &[u8], end: End) -> Seen {
    Seen::Chunk(Kind::Binary, bytes.into(), end)
}

#[test]
fn chunks_are_handed_over_as_they_arrive() {
    let mut server = server(Delivery::Chunks);
    let bytes = wire::stream(&[Frame::binary("abcdef")], Sender::Client);
    assert_eq!(
        server.receive_bytes(&bytes[..6]),
        [],
        "a header without payload is no chunk"
    );
    assert_eq!(server.receive_bytes(&bytes[6..8]), [binary(b"ab", End::More)]);
    assert_eq!(server.receive_bytes(&bytes[8..11]), [binary(b"cde", End::More)]);
    assert_eq!(server.receive_bytes(&bytes[11..]), [binary(b"f", End::Last)]);
}

#[test]
fn each_fragment_is_a_chunk_and_empty_ones_only_at_the_end() {
    let mut server = server(Delivery::Chunks);
    let frames = [
        Frame::text("a").more(),
        Frame::continuation("").more(),
        Frame::ping(""),
        Frame::continuation("b").more(),
        Frame::continuation(""),
        Frame::binary(""),
    ];
    let want = [
        text("a", End::More),
        Seen::Ping(vec![]),
        text("b", End::More),
        text("", End::Last),
        binary(b"", End::Last),
    ];
    assert_eq!(server.receive(&frames), want);
}

#[test]
fn chunks_of_text_are_cut_on_character_boundaries() {
    let mut server = server(Delivery::Chunks);
    let frames = [
        Frame::text(*b"a\xe2").more(),
        Frame::continuation(*b"\x82").more(),
        Frame::continuation(*b"\xacb\xc3").more(),
        Frame::continuation(*b"\xbc"),
    ];
    let want = [text("a", End::More), text("€b", End::More), text("ü", End::Last)];
    assert_eq!(server.receive(&frames), want);
}

#[test]
fn a_chunk_that_is_lent_before_a_bad_byte_is_followed_by_the_failure() {
    let mut server = server(Delivery::Chunks);
    let seen = server.receive(&[Frame::text("good").more(), Frame::continuation(*b"b\xff")]);
    assert_eq!(
        seen,
        [text("good", End::More), Seen::Failed(ProtocolError::InvalidText)]
    );
}

#[test]
fn chunks_from_the_middle_begin_with_what_was_assembled() {
    let mut server = server(Delivery::Messages);
    assert_eq!(
        server.receive(&[Frame::text("one ").more(), Frame::continuation("two ").more()]),
        []
    );
    server.connection.set_delivery(Delivery::Chunks);
    assert_eq!(server.receive_bytes(b""), [text("one two ", End::More)]);
    assert_eq!(
        server.receive(&[Frame::continuation("three")]),
        [text("three", End::Last)]
    );
}

#[test]
fn chunks_from_inside_a_frame_and_a_character_lose_nothing() {
    let bytes = wire::stream(&[Frame::text("aé€😀!"), Frame::text("next")], Sender::Client);
    for cut in 0..bytes.len() {
        let mut server = server(Delivery::Messages);
        let mut seen = server.receive_bytes(&bytes[..cut]);
        server.connection.set_delivery(Delivery::Chunks);
        seen.extend(server.receive_bytes(&bytes[cut..]));
        let want = [Seen::Text("aé€😀!".into()), Seen::Text("next".into())];
        assert_eq!(tidewire_tests::endpoint::joined(seen), want, "cut at {cut}");
    }
}

#[test]
fn a_message_that_is_given_up_half_way_is_skipped_and_the_next_is_whole() {
    let mut server = server(Delivery::Chunks);
    assert_eq!(
        server.receive(&[Frame::text("begun").more()]),
        [text("begun", End::More)]
    );
    server.connection.set_delivery(Delivery::Messages);
    let frames = [
        Frame::continuation(" and on").more(),
        Frame::ping("still here"),
        Frame::continuation(" and over"),
        Frame::text("next"),
    ];
    assert_eq!(
        server.receive(&frames),
        [Seen::Ping(b"still here".to_vec()), Seen::Text("next".into())]
    );
}

#[test]
fn the_rest_of_a_message_that_is_given_up_is_still_checked() {
    let mut server = server(Delivery::Chunks);
    server.receive(&[Frame::text(*b"begun\xc3").more()]);
    server.connection.set_delivery(Delivery::Messages);
    let seen = server.receive(&[Frame::continuation("not a continuation byte")]);
    assert_eq!(seen, [Seen::Failed(ProtocolError::InvalidText)]);
}

#[test]
fn a_message_given_up_inside_a_frame_is_skipped_at_any_point() {
    let bytes = wire::stream(
        &[Frame::binary(*b"0123456789"), Frame::binary("next")],
        Sender::Client,
    );
    for cut in 7..16 {
        let mut server = server(Delivery::Chunks);
        assert_eq!(server.receive_bytes(&bytes[..cut]).len(), 1, "cut at {cut}");
        server.connection.set_delivery(Delivery::Messages);
        assert_eq!(
            server.receive_bytes(&bytes[cut..]),
            [Seen::Binary(b"next".to_vec())],
            "cut at {cut}"
        );
    }
}

#[test]
fn a_message_that_was_given_up_is_skipped_to_its_end_even_if_chunks_are_asked_for_again() {
    for given_up in ["b", ""] {
        let mut server = server(Delivery::Chunks);
        server.receive(&[Frame::binary("a").more()]);
        server.connection.set_delivery(Delivery::Messages);
        assert_eq!(server.receive(&[Frame::continuation(given_up).more()]), []);
        server.connection.set_delivery(Delivery::Chunks);
        assert_eq!(server.receive(&[Frame::continuation("c").more()]), []);
        assert_eq!(server.receive(&[Frame::continuation("d")]), []);
        assert_eq!(
            server.receive(&[Frame::binary("next").more(), Frame::continuation("!")]),
            [binary(b"next", End::More), binary(b"!", End::Last)]
        );
    }
}

#[test]
fn a_message_of_which_no_chunk_was_handed_over_is_not_skipped() {
    // All of these begin a message, and none of them is a chunk.
    let starts: [(&str, Vec<u8>); 3] = [
        (
            "an empty fragment",
            Frame::text("").more().sent_by(Sender::Client),
        ),
        ("a header", wire::header(0x01, 0, Sender::Client)),
        (
            "the start of a character",
            Frame::text(*b"\xc3").more().sent_by(Sender::Client),
        ),
    ];
    for (row, start) in starts {
        let mut server = server(Delivery::Chunks);
        assert_eq!(server.receive_bytes(&start), [], "{row}");
        server.connection.set_delivery(Delivery::Messages);
        let is_cut = row.ends_with("character");
        let rest = if is_cut { &b"\xbc!"[..] } else { "ü!".as_bytes() };
        let seen = server.receive(&[Frame::continuation(rest)]);
        assert_eq!(seen, [Seen::Text("ü!".into())], "{row}");
    }
}

#[test]
fn no_chunk_follows_a_failure_or_a_close() {
    let rows: [(&str, Frame, Vec<Seen>); 2] = [
        (
            "a failure",
            Frame::text(""),
            vec![Seen::Failed(ProtocolError::MessageInterrupted)],
        ),
        ("a close", Frame::close(""), vec![]),
    ];
    for (row, end, after) in rows {
        let mut server = server(Delivery::Messages);
        server.receive(&[Frame::text("half").more(), end]);
        server.connection.set_delivery(Delivery::Chunks);
        assert_eq!(server.receive_bytes(b""), after, "{row}");
    }
}

#[test]
fn fragments_become_one_message_with_continuation_frames() {
    let mut server = server(Delivery::Messages);
    server
        .send(|tx| tx.fragment("a", End::More))
        .expect("the connection is open");
    server
        .send(|tx| tx.ping_with(b"inside"))
        .expect("the connection is open");
    server
        .send(|tx| tx.fragment("", End::More))
        .expect("the connection is open");
    server
        .send(|tx| tx.fragment("b", End::Last))
        .expect("the connection is open");
    assert_eq!(server.flush(), b"\x01\x01a\x89\x06inside\x00\x00\x80\x01b");
    server
        .send(|tx| tx.message(&b"next"[..]))
        .expect("no message is open");
    assert_eq!(server.flush(), b"\x82\x04next");
}

#[test]
fn a_message_cannot_be_sent_inside_a_fragmented_one() {
    let mut server = server(Delivery::Messages);
    server
        .send(|tx| tx.fragment("a", End::More))
        .expect("the connection is open");
    server.flush();
    assert_eq!(server.send(|tx| tx.message("b")), Err(SendError::MessageOpen));
    assert_eq!(
        server.send(|tx| tx.fragment(&b"b"[..], End::Last)),
        Err(SendError::FragmentKind)
    );
    assert_eq!(server.out, b"", "nothing was sent");
    assert_eq!(
        server.send(|tx| tx.fragment("b", End::Last)),
        Ok(()),
        "the message goes on"
    );
}

#[test]
fn a_close_may_leave_a_fragmented_message_unfinished() {
    let mut server = server(Delivery::Messages);
    server
        .send(|tx| tx.fragment("a", End::More))
        .expect("the connection is open");
    server.send(|tx| tx.close(None)).expect("the connection is open");
    assert_eq!(server.flush(), b"\x01\x01a\x88\x00");
    assert_eq!(
        server.send(|tx| tx.fragment("b", End::Last)),
        Err(SendError::Closed)
    );
}
