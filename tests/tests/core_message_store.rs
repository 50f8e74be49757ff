//! The memory of a long message: what is lent of it to the transport, how it grows, and when it is memory that was kept.

use std::cell::RefCell;

use tidewire_proto::{Config, Delivery, Phase};
use tidewire_tests::corpus::{Random, noise};
use tidewire_tests::endpoint::{Endpoint, Seen};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::{self, Frame};

#[test]
fn a_store_is_lent_for_the_rest_of_a_long_binary_message_alone() {
    let part = |first, len, arrived| {
        let mut bytes = wire::header(first, len, Sender::Client);
        // Zeros, masked.
        bytes.extend(wire::KEY.iter().cycle().take(arrived));
        bytes
    };
    let rows: [(&str, Vec<u8>, bool); 7] = [
        ("long", part(0x82, 100_000, 1), true),
        ("a fragment", part(0x02, 100_000, 1), true),
        ("a header alone", part(0x82, 100_000, 0), false),
        ("16 KiB missing", part(0x82, 100_000, 100_000 - 16 * 1024), true),
        ("less missing", part(0x82, 100_000, 100_001 - 16 * 1024), false),
        ("a text", part(0x81, 100_000, 4), false),
        ("a control frame", part(0x89, 100, 1), false),
    ];
    for (row, bytes, is_lent) in rows {
        let mut server = Endpoint::server(Config::new());
        assert_eq!(server.receive_bytes(&bytes), [], "{row}");
        assert_eq!(server.connection.message_store().is_some(), is_lent, "{row}");
        server.connection.set_delivery(Delivery::Chunks);
        assert!(server.connection.message_store().is_none(), "{row}: in chunks");
    }
}

#[test]
fn a_message_that_began_in_its_store_may_go_on_in_chunks() {
    let payload: Vec<u8> = noise(&mut Random::new(1), 100_000);
    let bytes = Frame::binary(payload.clone()).sent_by(Sender::Client);
    for stored in [0, 1, 30_000, 60_000] {
        let mut server = Endpoint::server(Config::new());
        server.receive_bytes(&bytes[..20_000]);
        let mut at = 20_000;
        while at < 20_000 + stored {
            let Some((store, most)) = server.connection.message_store() else {
                assert_eq!(server.receive_bytes(&bytes[at..=at]), [], "full, it grows");
                at += 1;
                continue;
            };
            let len = most.min(20_000 + stored - at);
            store.extend_from_slice(&bytes[at..at + len]);
            assert!(!server.connection.handle_stored(len), "not whole");
            at += len;
        }
        server.connection.set_delivery(Delivery::Chunks);
        let mut seen = server.receive_bytes(b"");
        seen.extend(server.receive_bytes(&bytes[at..]));
        let want = [Seen::Binary(payload.clone())];
        assert!(
            tidewire_tests::endpoint::joined(seen) == want,
            "{stored} bytes in the store"
        );
    }
}

#[test]
fn a_store_is_never_more_than_twice_what_arrived() {
    let mut server = Endpoint::server(Config::new());
    let bytes = Frame::binary(vec![7; 1 << 20]).sent_by(Sender::Client);
    server.receive_bytes(&bytes[..8192]);
    let mut at = 8192;
    while bytes.len() - at >= 16 * 1024 {
        let Some((store, most)) = server.connection.message_store() else {
            assert_eq!(server.receive_bytes(&bytes[at..=at]), [], "full, it grows");
            at += 1;
            continue;
        };
        let len = most.min(1460);
        store.extend_from_slice(&bytes[at..at + len]);
        at += len;
        assert!(store.capacity() <= 2 * at, "{} bytes for {at}", store.capacity());
        server.connection.handle_stored(len);
    }
    assert_eq!(
        server.receive_bytes(&bytes[at..]),
        [Seen::Binary(vec![7; 1 << 20])]
    );
}

thread_local! {
    /// How long the stores were to be that were asked for.
    static ASKED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// A store that is kept.
fn kept(len: usize) -> Vec<u8> {
    ASKED.with_borrow_mut(|asked| asked.push(len));
    Vec::with_capacity(len)
}

#[test]
fn a_long_message_goes_on_in_memory_that_was_kept_once_a_sixteenth_of_it_has_arrived() {
    const LEN: usize = 1 << 20;
    for first in [0x81, 0x82] {
        let mut server = Endpoint::server(Config::new());
        let payload = "tide".repeat(LEN / 4).into_bytes();
        let bytes = Frame::new(first, payload.clone()).sent_by(Sender::Client);
        let (mut arrived, mut asked_at, mut received) = (0, Vec::new(), Vec::new());
        for piece in bytes.chunks(1460) {
            arrived += piece.len();
            server.inbox.extend(piece);
            let (rx, mut tx) = server
                .connection
                .turn(server.now, &mut server.inbox, &mut server.out);
            let event = rx
                .with_stores(kept)
                .next(&mut tx)
                .expect("no rule is broken")
                .map(Seen::from);
            received.extend(event);
            asked_at.extend(ASKED.take().into_iter().map(|len| (arrived, len)));
        }
        let [(arrived, LEN)] = asked_at[..] else {
            panic!("{asked_at:?}")
        };
        assert!((LEN / 16..LEN / 4).contains(&arrived), "{arrived} bytes");
        let expected = match first {
            0x81 => Seen::Text(String::from_utf8(payload).expect("text")),
            _ => Seen::Binary(payload),
        };
        assert!(received == [expected], "{} events", received.len());
    }
}

#[test]
fn a_store_that_is_put_back_after_the_end_is_dropped() {
    let mut server = Endpoint::server(Config::new());
    server.receive_bytes(&Frame::binary(vec![7; 100_000]).sent_by(Sender::Client)[..20_000]);
    let (mut store, most) = server.connection.take_message_store().expect("much is missing");
    assert!(server.connection.take_message_store().is_none(), "it is out");
    store.resize(store.len() + most, 0);
    server.connection.handle_end();
    assert!(!server.connection.put_back_message_store(store, most));
    assert_eq!(server.receive_bytes(b""), []);
    assert_eq!(server.connection.phase(), Phase::Ended);
}
