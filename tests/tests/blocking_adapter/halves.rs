//! A connection whose receiving half was dropped.

use std::io::Write as _;

use tidewire_blocking::{CloseCode, Config};

use crate::support::{accepted, bounded, read_exact, read_rest};

/// 100 messages, a ping and a Close.
fn much() -> Vec<u8> {
    let mut bytes = b"\x81\x82\0\0\0\0hi".repeat(100);
    bytes.extend_from_slice(b"\x89\x81\0\0\0\0a\x88\x82\0\0\0\0\x03\xe8");
    bytes
}

#[test]
fn without_a_receiver_pings_are_answered_and_the_close_is_seen() {
    bounded(|| {
        let (ws, mut peer) = accepted(Config::default(), |stream| stream);
        let (sender, receiver) = ws.split();
        drop(receiver);
        sender.send("on").expect("the peer is there");
        peer.write_all(&much()).expect("a pair has room");
        assert_eq!(&read_exact::<4>(&mut peer), b"\x81\x02on");
        assert_eq!(read_rest(&mut peer), b"\x8a\x01a\x88\x02\x03\xe8");
        // A server waits for the end of the client's stream.
        drop(peer);
        let closed = sender.wait_closed();
        assert!(closed.is_clean());
        assert_eq!(closed.code(), CloseCode::NORMAL);
    });
}

#[test]
fn a_receiver_dropped_behind_a_full_read_ahead_lets_reading_go_on() {
    bounded(|| {
        let (ws, mut peer) = accepted(Config::default(), |stream| stream);
        let (sender, receiver) = ws.split();
        let waiting = crate::support::in_background(move || sender.wait_closed());
        peer.write_all(&b"\x81\x82\0\0\0\0hi".repeat(100))
            .expect("a pair has room");
        while receiver.metrics().traffic.messages_received < 16 {
            std::thread::yield_now();
        }
        drop(receiver);
        peer.write_all(&much()).expect("a pair has room");
        assert_eq!(read_rest(&mut peer), b"\x8a\x01a\x88\x02\x03\xe8");
        drop(peer);
        let closed = waiting
            .recv_timeout(crate::support::PATIENCE)
            .expect("the connection ends");
        assert!(closed.is_clean());
    });
}
