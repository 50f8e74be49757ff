//! permessage-deflate: a connection that rests keeps its history and nothing else, and wakes up in step.

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use tidewire_proto::deflate::Compression;
use tidewire_proto::{Config, End, Message, Server};
use tidewire_tests::corpus::{self, Random};
use tidewire_tests::deflate::{Compressor, Pool, begin_both_ways, compression, extension, frames};
use tidewire_tests::endpoint::{Endpoint, Seen};
use tidewire_tests::inflate::Inflater;
use tidewire_tests::wire::Frame;

const IDLE: Duration = Duration::from_millis(250);
const LIMIT: usize = 1 << 24;

fn server(ours: i8, theirs: i8, compression: Compression, pool: &Arc<Pool>) -> Endpoint<Server> {
    let agreed = extension(ours, theirs, pool).compression(compression);
    Endpoint::with_deflate(Server, Config::new().keepalive(None), &agreed)
}

/// A deadline.
const fn after(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Sends a message; gives how long its payload is.
fn sends<'m>(
    server: &mut Endpoint<Server>,
    reference: &mut Inflater,
    message: impl Into<Message<'m>>,
) -> usize {
    let message = message.into();
    server.send(|tx| tx.message(message)).expect("open");
    let side = server.side();
    let sent = frames(&server.flush(), side).remove(0);
    if sent.compressed {
        let read = reference.message(&sent.frame.payload, LIMIT);
        assert!(
            read.as_deref() == Ok(message.as_bytes()),
            "out of step: {read:.100?}"
        );
    } else {
        assert!(sent.frame.payload == message.as_bytes());
    }
    sent.frame.payload.len()
}

fn receives(server: &mut Endpoint<Server>, peer: &mut Compressor, text: &str) {
    let seen = server.receive(&[Frame::new(0xc1, peer.message(text.as_bytes()))]);
    assert!(seen == [Seen::Text(text.into())], "out of step: {seen:.100?}");
}

/// How many bytes a connection owned.
fn owned(endpoint: Endpoint<Server>) -> i64 {
    let connection = endpoint.connection;
    -measure(|| drop(connection)).bytes_current
}

#[test]
fn an_idle_connection_owns_its_histories_in_their_exact_size() {
    for (ours, theirs) in [(15, 15), (9, 15), (8, 8), (12, -15), (-15, 12), (-15, -15)] {
        for sent in [100, 1000, 50_000] {
            let pool = Pool::shared();
            let fresh = owned(server(ours, theirs, compression(1, 64), &pool));
            let mut busy = server(ours, theirs, compression(1, 64), &pool);
            let text = corpus::json(&mut Random::new(1), sent);
            sends(&mut busy, &mut Inflater::new(15, ours > 0), text.as_str());
            receives(&mut busy, &mut Compressor::new(6, -15), &text);
            let held = |bits: i8| {
                if bits < 0 { 0 } else { text.len().min(1 << bits) }
            };
            if ours > 0 || theirs > 0 {
                busy.advance(IDLE);
            } else {
                // What was assembled may stay where there is nothing to wake up for.
                assert_eq!(busy.deadline(), None);
                continue;
            }
            let wanted = i64::try_from(held(ours) + held(theirs)).expect("small");
            assert_eq!(owned(busy) - fresh, wanted, "{ours} and {theirs}, {sent} bytes");
        }
    }
}

#[test]
fn a_connection_falls_asleep_250_ms_after_its_last_compressed_message() {
    for (ours, theirs) in [(15, 15), (15, -15), (-15, 15), (9, 12)] {
        let pool = Pool::shared();
        let mut server = server(ours, theirs, Compression::default(), &pool);
        let (mut reference, mut peer) = (Inflater::new(15, ours > 0), Compressor::new(1, -9));
        let words = "to and fro ".repeat(20);
        assert_eq!(server.deadline(), None, "nothing to forget");
        let mut expected = None;
        if ours > 0 {
            sends(&mut server, &mut reference, words.as_str());
            expected = Some(after(250));
        }
        assert_eq!(server.deadline(), expected, "{ours} {theirs}");
        if theirs > 0 {
            receives(&mut server, &mut peer, &words);
        }
        assert_eq!(server.deadline(), Some(after(250)), "{ours} {theirs}");
        let warm = usize::from(ours > 0);
        assert_eq!(pool.owned(), warm);
        // Activity postpones it, of either direction.
        server.advance(Duration::from_millis(200));
        if theirs > 0 {
            receives(&mut server, &mut peer, &words);
        } else {
            sends(&mut server, &mut reference, words.as_str());
        }
        server.advance(Duration::from_millis(249));
        assert_eq!(
            (pool.counts().releases, pool.owned()),
            (0, warm),
            "{ours} {theirs}"
        );
        assert_eq!(server.deadline(), Some(after(450)), "{ours} {theirs}");
        server.advance(Duration::from_millis(1));
        let releases = u64::from(ours > 0);
        assert_eq!(
            (pool.counts().releases, pool.owned()),
            (releases, 0),
            "{ours} {theirs}"
        );
        assert_eq!(server.deadline(), None, "asleep");
        // Raw messages do not wake it up.
        server.send(|tx| tx.message_uncompressed("raw")).expect("open");
        assert_eq!(server.receive(&[Frame::text("raw")]).len(), 1);
        assert_eq!(server.deadline(), None, "{ours} {theirs}");
    }
}

#[test]
fn the_idle_time_is_what_the_settings_say() {
    let settings = Compression {
        idle: Duration::from_secs(7),
        ..compression(1, 0)
    };
    let mut server = server(15, 15, settings, &Pool::shared());
    server.send(|tx| tx.message("hello")).expect("open");
    assert_eq!(server.deadline(), Some(after(7000)));
}

#[test]
fn nothing_is_armed_without_takeover() {
    let pool = Pool::shared();
    let mut server = server(-15, -15, compression(6, 0), &pool);
    let words = "to and fro ".repeat(20);
    for _ in 0..3 {
        sends(&mut server, &mut Inflater::new(15, false), words.as_str());
        receives(&mut server, &mut Compressor::new(1, -9), &words);
        server
            .send(|tx| tx.fragment(words.as_str(), End::More))
            .expect("open");
        server.send(|tx| tx.fragment("", End::Last)).expect("open");
        server.flush();
        assert_eq!(server.deadline(), None);
    }
    assert_eq!(pool.owned(), 0, "no compressor knows this connection");
}

#[test]
fn messages_after_a_sleep_are_in_step() {
    for (ours, theirs) in [(15, 15), (9, 9), (8, 8), (12, -15), (-15, 12), (-9, -9)] {
        for level in [1, 6, 9] {
            let pool = Pool::shared();
            let mut random = Random::new(2);
            let mut server = server(ours, theirs, compression(level, 0), &pool);
            let mut reference = Inflater::new(ours.unsigned_abs(), ours > 0);
            // zlib refers back by its window less 262 bytes, which with 9 is within 8.
            let mut peer = Compressor::new(6, theirs);
            // Around the window, with raw ones between, and each across a sleep.
            for len in [1, 100, 255, 256, 257, 511, 513, 5000, 40_000, 3, 70_000, 0, 20] {
                let text = corpus::json(&mut random, len);
                let cut = text
                    .char_indices()
                    .map(|(at, _)| at)
                    .take_while(|at| *at <= len)
                    .last();
                let text = &text[..cut.unwrap_or(0)];
                sends(&mut server, &mut reference, text);
                receives(&mut server, &mut peer, text);
                server.send(|tx| tx.message_uncompressed("raw")).expect("open");
                assert_eq!(server.receive(&[Frame::text("raw")]).len(), 1);
                server.flush();
                server.advance(Duration::from_secs(1));
                assert_eq!(
                    server.deadline(),
                    None,
                    "{ours} and {theirs}, level {level}, {len} bytes"
                );
                assert_eq!(pool.owned(), 0);
            }
        }
    }
}

#[test]
fn a_connection_may_sleep_inside_fragmented_messages() {
    let pool = Pool::shared();
    let mut server = server(15, 15, compression(6, 0), &pool);
    let mut reference = Inflater::new(15, true);
    let mut peer = Compressor::new(6, 15);
    let words = "to and fro ".repeat(20);
    for round in 0..3 {
        let mut payload = Vec::new();
        for end in [End::More, End::More, End::Last] {
            server.send(|tx| tx.fragment(words.as_str(), end)).expect("open");
            let side = server.side();
            payload.extend(frames(&server.flush(), side).remove(0).frame.payload);
            server.advance(Duration::from_secs(1));
        }
        let read = reference.message(&payload, LIMIT);
        assert_eq!(read.as_deref(), Ok(words.repeat(3).as_bytes()), "round {round}");
        let payload = [peer.part(words.as_bytes()), peer.message(words.as_bytes())].concat();
        let (first, last) = payload.split_at(5);
        assert_eq!(server.receive(&[Frame::new(0x41, first)]), []);
        server.advance(Duration::from_secs(1));
        let seen = server.receive(&[Frame::continuation(last)]);
        assert_eq!(seen, [Seen::Text(words.repeat(2))], "round {round}");
    }
}

#[test]
fn a_connection_cut_in_the_middle_of_a_message_keeps_nothing() {
    let pool = Pool::shared();
    let mut random = Random::new(3);
    let noise = corpus::noise(&mut random, 5000);
    let fresh = owned(server(15, 15, compression(6, 0), &pool));
    let mut server = server(15, 15, compression(6, 0), &pool);
    receives(&mut server, &mut Compressor::new(6, -15), &"words ".repeat(100));
    server.advance(IDLE);
    begin_both_ways(&mut server, &pool, &noise);
    server.connection.handle_end();
    let counts = pool.counts();
    assert_eq!(
        (counts.inflaters_out, counts.deflaters_out),
        (0, 0),
        "both are given back"
    );
    assert_eq!(server.deadline(), None);
    assert!(owned(server) <= fresh, "nothing is kept");
}

/// The frames of a corpus in bytes, with a sleep after each message or without.
fn corpus_len(level: u8, bits: i8, sleeps: bool) -> usize {
    let mut random = Random::new(11);
    let mut server = server(bits, 15, compression(level, 64), &Pool::shared());
    let mut len = 0;
    for i in 0..600 {
        let wanted = [60, 150, 300, 700, 1500, 4000][random.below(6)] + random.below(200);
        let text = corpus::json(&mut random, if i % 50 == 49 { 40_000 } else { wanted });
        server.send(|tx| tx.message(text.as_str())).expect("open");
        len += server.flush().len();
        if sleeps {
            server.advance(IDLE);
            assert_eq!(server.deadline(), None);
        }
    }
    len
}

#[test]
fn sleeping_after_every_message_costs_next_to_nothing_on_the_wire() {
    let mut failed = Vec::new();
    for level in [1, 6] {
        for bits in [9, 12, 15] {
            let (awake, asleep) = (corpus_len(level, bits, false), corpus_len(level, bits, true));
            // In ten-thousandths, without a float.
            let cost = (i64::try_from(asleep).expect("small") - i64::try_from(awake).expect("small"))
                * 10_000
                / i64::try_from(awake).expect("small");
            let row = format!(
                "level {level}, window {bits}: {awake} bytes awake, {asleep} asleep, {cost} ten-thousandths more"
            );
            println!("{row}");
            if cost > 50 {
                failed.push(row);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
