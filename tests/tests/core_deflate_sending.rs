//! permessage-deflate: what is compressed, how, and that a peer with exactly the agreed window can read it.

use std::sync::Arc;

use tidewire_proto::deflate::{Compression, Prepared};
use tidewire_proto::{Config, End, Kind, Message, OwnedMessage, Role, SendError, Server};
use tidewire_tests::corpus::{self, Random, Text};
use tidewire_tests::deflate::{Compressor, Pool, Sent, compression, extension, frames};
use tidewire_tests::endpoint::Endpoint;
use tidewire_tests::inflate::Inflater;
use tidewire_tests::python::Zlib;
use tidewire_tests::soak;

const LIMIT: usize = 1 << 24;

fn server(ours: i8, compression: Compression, pool: &Arc<Pool>) -> Endpoint<Server> {
    let agreed = extension(ours, 15, pool).compression(compression);
    Endpoint::with_deflate(Server, Config::new().keepalive(None), &agreed)
}

fn sent<R: Role>(endpoint: &mut Endpoint<R>) -> Vec<Sent> {
    let side = endpoint.side();
    frames(&endpoint.flush(), side)
}

/// Sends a message; gives its only frame.
fn send<'m>(server: &mut Endpoint<Server>, message: impl Into<Message<'m>>) -> Sent {
    server.send(|tx| tx.message(message)).expect("open");
    let mut frames = sent(server);
    assert_eq!(frames.len(), 1);
    frames.remove(0)
}

#[test]
fn messages_shorter_than_the_threshold_are_sent_raw() {
    for (threshold, len, compressed) in [
        (64, 63, false),
        (64, 64, true),
        (0, 1, true),
        (0, 0, false),
        (1, 0, false),
        (1000, 999, false),
        (1000, 1000, true),
        (usize::MAX, 1 << 20, false),
    ] {
        for ours in [15, -15] {
            let mut server = server(ours, compression(1, threshold), &Pool::shared());
            let sent = send(&mut server, "x".repeat(len).as_str());
            // Without takeover the outcome counts, too: one byte does not shrink.
            let wanted = compressed && (ours > 0 || len > 1);
            assert_eq!(
                sent.compressed, wanted,
                "{len} bytes, threshold {threshold}, {ours}"
            );
        }
    }
}

#[test]
fn dense_binary_is_sent_raw_and_text_never_skipped() {
    let noise = corpus::noise(&mut Random::new(1), 10_000);
    let digits: String = noise.iter().map(|byte| char::from(b'!' + byte % 90)).collect();
    for ours in [15, -15] {
        let pool = Pool::shared();
        let mut server = server(ours, compression(6, 64), &pool);
        assert!(!send(&mut server, &noise[..]).compressed, "{ours}");
        assert_eq!(
            pool.counts().deflaters_taken,
            0,
            "decided before a codec is borrowed"
        );
        assert!(send(&mut server, digits.as_str()).compressed, "{ours}");
        assert!(
            send(&mut server, digits.as_bytes()).compressed,
            "{ours}: bytes that shrink"
        );
    }
}

#[test]
fn without_takeover_a_message_that_does_not_shrink_is_sent_raw() {
    let noise = corpus::noise(&mut Random::new(2), 900);
    for (ours, compressed) in [(-15, false), (15, true)] {
        let pool = Pool::shared();
        let mut server = server(ours, compression(6, 64), &pool);
        let sent = send(&mut server, &noise[..]);
        // With takeover that is decided before: the compressor that saw it is in step with the peer.
        assert_eq!(sent.compressed, compressed, "{ours}");
        assert_eq!(pool.counts().deflaters_out, 0);
    }
}

#[test]
fn control_frames_and_what_is_to_stay_raw_are_never_compressed() {
    let mut server = server(15, compression(6, 0), &Pool::shared());
    let words = "compressible ".repeat(9);
    server
        .send(|tx| {
            tx.message(words.as_str())?;
            tx.ping_with(words.as_bytes())?;
            tx.pong(words.as_bytes())?;
            tx.message_uncompressed(words.as_str())?;
            tx.fragment(words.as_str(), End::More)?;
            tx.ping()?;
            tx.fragment(words.as_str(), End::Last)?;
            tx.message(words.as_str())?;
            tx.close(None)
        })
        .expect("open");
    let sent: Vec<(u8, bool)> = sent(&mut server)
        .iter()
        .map(|sent| (sent.frame.opcode, sent.compressed))
        .collect();
    // RSV1 "only on the first fragment" (§6.1).
    let wanted = [
        (1, true),
        (9, false),
        (10, false),
        (1, false),
        (1, true),
        (9, false),
        (0, false),
        (1, true),
        (8, false),
    ];
    assert_eq!(sent, wanted);
}

#[test]
fn raw_messages_leave_the_window_as_it_was() {
    let mut random = Random::new(3);
    let mut server = server(12, compression(6, 64), &Pool::shared());
    let mut reference = Inflater::new(12, true);
    for i in 0..200 {
        let text = corpus::json(&mut random, 300);
        let raw = corpus::noise(&mut random, 2000);
        assert!(!send(&mut server, &raw[..]).compressed);
        server
            .send(|tx| tx.message_uncompressed(text.as_str()))
            .expect("open");
        assert_eq!(sent(&mut server)[0].frame.payload, text.as_bytes());
        let frame = send(&mut server, text.as_str());
        assert!(frame.compressed);
        let read = reference.message(&frame.frame.payload, LIMIT);
        assert_eq!(read.as_deref(), Ok(text.as_bytes()), "message {i}");
    }
}

#[test]
fn each_part_of_a_fragmented_message_inflates_at_once() {
    let mut random = Random::new(4);
    for ours in [15, 9, 8, -15, -8] {
        for level in [1, 6, 9] {
            let pool = Pool::shared();
            let mut server = server(ours, compression(level, 64), &pool);
            let mut reference = Inflater::new(ours.unsigned_abs(), ours > 0);
            for parts in [
                &["one ", "two ", "three"][..],
                &["", "x", "", "y", ""],
                &["", ""],
                &["all of it ", ""],
                &["é", "漢", "🦀"],
            ] {
                let long = corpus::json(&mut random, 3000);
                let mut all: Vec<&str> = parts.to_vec();
                all.insert(1, &long);
                let (mut payload, mut text) = (Vec::new(), String::new());
                for (i, part) in all.iter().enumerate() {
                    let end = if i + 1 == all.len() { End::Last } else { End::More };
                    server.send(|tx| tx.fragment(*part, end)).expect("open");
                    let frames = sent(&mut server);
                    assert_eq!(frames.len(), 1, "{part:.10?}");
                    assert_eq!(
                        (frames[0].compressed, frames[0].frame.fin),
                        (i == 0, end == End::Last)
                    );
                    payload.extend_from_slice(&frames[0].frame.payload);
                    text.push_str(part);
                    // A whole message so far, once the flush that ends the part is cut as a last one would be.
                    let so_far = payload.strip_suffix(&[0, 0, 0xff, 0xff]).unwrap_or(&payload);
                    if !so_far.is_empty() {
                        let read = reference.clone().message(so_far, LIMIT);
                        assert_eq!(
                            read.as_deref(),
                            Ok(text.as_bytes()),
                            "{ours}, level {level}, part {i}"
                        );
                    }
                }
                assert_eq!(reference.message(&payload, LIMIT).as_deref(), Ok(text.as_bytes()));
            }
            assert_eq!(pool.counts().deflaters_out, 0);
        }
    }
}

#[test]
fn a_fragmented_message_keeps_its_kind_and_its_place_in_the_stream() {
    let mut server = server(15, compression(6, 64), &Pool::shared());
    server.send(|tx| tx.fragment("text", End::More)).expect("open");
    let refused = server.send(|tx| tx.fragment(&b"bytes"[..], End::Last));
    assert_eq!(refused, Err(SendError::FragmentKind));
    assert_eq!(server.send(|tx| tx.message("whole")), Err(SendError::MessageOpen));
    assert_eq!(
        server.send(|tx| tx.message_uncompressed("whole")),
        Err(SendError::MessageOpen)
    );
    server
        .send(|tx| tx.fragment(" and more", End::Last))
        .expect("open");
    let payload: Vec<u8> = sent(&mut server)
        .into_iter()
        .flat_map(|sent| sent.frame.payload)
        .collect();
    let read = Inflater::new(15, true).message(&payload, LIMIT);
    assert_eq!(
        read.as_deref(),
        Ok(&b"text and more"[..]),
        "what was refused left no trace"
    );
}

#[test]
fn what_is_sent_is_read_with_exactly_the_agreed_window() {
    let mut random = Random::new(5);
    for level in 1..=9 {
        for bits in 8..=15 {
            for takeover in [true, false] {
                let pool = Pool::shared();
                let ours = if takeover { bits } else { -bits };
                let mut server = server(ours, compression(level, 0), &pool);
                let mut reference = Inflater::new(bits.unsigned_abs(), takeover);
                for i in 0..30 {
                    // Short ones refer to others, and long ones to all that their window holds.
                    let text = Text::any(&mut random, if i % 3 == 0 { 16 } else { 9 });
                    if i % 7 == 6 {
                        server.advance(std::time::Duration::from_millis(250));
                    }
                    let sent = send(&mut server, &text);
                    if sent.compressed {
                        let read = reference.message(&sent.frame.payload, LIMIT);
                        assert!(
                            read.as_deref() == Ok(text.as_bytes()),
                            "level {level}, {ours} bits, message {i}: {read:.100?}"
                        );
                    } else {
                        assert!(sent.frame.payload == text.as_bytes());
                    }
                }
            }
        }
    }
}

#[test]
fn a_short_message_that_stands_alone_shrinks_as_much_as_with_zlib() {
    let mut random = Random::new(7);
    for bits in [9, 12, 15] {
        let mut server = server(-bits, compression(1, 0), &Pool::shared());
        let mut zlib = Compressor::new(1, -bits);
        let (mut ours, mut theirs) = (0, 0);
        for len in (64..=4096).step_by(32) {
            let text = corpus::json(&mut random, len);
            ours += send(&mut server, text.as_str()).frame.payload.len();
            theirs += zlib.message(text.as_bytes()).len();
        }
        // It finds a match less now and then, for its smaller table.
        assert!(
            ours * 100 <= theirs * 101,
            "{bits} bits: {ours} bytes, zlib {theirs}"
        );
    }
}

#[test]
fn python_s_zlib_reads_what_we_send_and_we_what_it_sends() {
    let Some(mut zlib) = Zlib::found() else { return };
    let mut random = Random::new(6);
    for bits in 8..=15_i8 {
        for level in 1..=9 {
            for ours in [bits, -bits] {
                let mut server = server(ours, compression(level, 0), &Pool::shared());
                zlib.begin(ours, 15, 6).expect("it runs");
                for i in 0..20 {
                    let text = Text::any(&mut random, 13);
                    let sent = send(&mut server, &text);
                    if sent.compressed {
                        let read = zlib.inflate(&sent.frame.payload).expect("it runs");
                        assert!(read == text.as_bytes(), "level {level}, {ours} bits, message {i}");
                    }
                }
            }
        }
    }
    let settings = soak::Settings {
        messages: 3000,
        seed: 7,
    };
    soak::python(settings, &mut zlib, |_| {}).expect("it runs");
}

fn prepared(text: &str) -> Prepared {
    Prepared::new(OwnedMessage::Text(text.to_owned()))
}

#[test]
fn a_prepared_message_is_compressed_once_for_each_window() {
    let pool = Pool::shared();
    let words = "news for everyone ".repeat(50);
    let news = prepared(&words);
    for (bits, taken) in [(15, 1), (9, 2), (15, 2), (9, 2), (8, 3), (8, 3)] {
        for _ in 0..10 {
            let mut server = server(-bits, compression(6, 64), &pool);
            server.send(|tx| tx.prepared(&news)).expect("open");
            let frames = sent(&mut server);
            assert!(frames.len() == 1 && frames[0].compressed);
            let read = Inflater::new(bits.unsigned_abs(), false).message(&frames[0].frame.payload, LIMIT);
            assert_eq!(read.as_deref(), Ok(words.as_bytes()), "{bits} bits");
            let counts = pool.counts();
            assert_eq!(
                (counts.deflaters_taken, counts.deflaters_out),
                (taken, 0),
                "{bits} bits"
            );
        }
    }
}

#[test]
fn a_prepared_message_is_sent_raw_where_it_does_not_shrink_or_nothing_was_agreed() {
    let noise = corpus::noise(&mut Random::new(8), 300);
    let dense = Prepared::new(OwnedMessage::Binary(noise.clone()));
    for ours in [-15, -9] {
        let pool = Pool::shared();
        for _ in 0..3 {
            let mut server = server(ours, compression(6, 64), &pool);
            server.send(|tx| tx.prepared(&dense)).expect("open");
            let frames = sent(&mut server);
            assert!(
                !frames[0].compressed && frames[0].frame.payload == noise,
                "{ours}"
            );
        }
        assert!(pool.counts().deflaters_taken <= 2, "found out once");
    }
    let mut without = Endpoint::server(Config::new());
    let words = "news for everyone ".repeat(50);
    for message in [prepared(&words), prepared("")] {
        without.send(|tx| tx.prepared(&message)).expect("open");
        let frames = sent(&mut without);
        assert!(!frames[0].compressed);
        assert_eq!(frames[0].frame.payload, message.as_message().as_bytes());
        assert_eq!(message.as_message().kind(), Kind::Text);
    }
}

#[test]
fn connections_with_takeover_stay_in_step_with_prepared_messages() {
    let pool = Pool::shared();
    let words = "news for everyone ".repeat(50);
    let news = prepared(&words);
    let mut servers: Vec<_> = (0..4)
        .map(|i| {
            let ours = [15, 9, -15, 12][i];
            (
                server(ours, compression(6, 64), &pool),
                Inflater::new(ours.unsigned_abs(), ours > 0),
            )
        })
        .collect();
    for round in 0..20 {
        for (i, (server, reference)) in servers.iter_mut().enumerate() {
            let own = format!("only for number {i} in round {round}: {}", "tide ".repeat(20));
            server.send(|tx| tx.prepared(&news)).expect("open");
            server.send(|tx| tx.message(own.as_str())).expect("open");
            for (sent, text) in sent(server).iter().zip([&words, &own]) {
                let read = reference.message(&sent.frame.payload, LIMIT);
                assert_eq!(
                    read.as_deref(),
                    Ok(text.as_bytes()),
                    "connection {i}, round {round}"
                );
            }
        }
    }
    assert_eq!(pool.counts().deflaters_out, 0);
}

#[test]
fn a_prepared_message_waits_for_the_end_of_a_fragmented_one_and_none_follows_a_close() {
    let mut server = server(-15, compression(6, 64), &Pool::shared());
    let news = prepared(&"news ".repeat(50));
    server.send(|tx| tx.fragment("part", End::More)).expect("open");
    assert_eq!(server.send(|tx| tx.prepared(&news)), Err(SendError::MessageOpen));
    server.send(|tx| tx.fragment("", End::Last)).expect("open");
    server.send(|tx| tx.close(None)).expect("open");
    assert_eq!(server.send(|tx| tx.prepared(&news)), Err(SendError::Closed));
}
