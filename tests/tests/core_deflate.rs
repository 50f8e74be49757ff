//! permessage-deflate: what a connection makes of compressed messages, good and bad, whoever compressed them.

use std::sync::Arc;

use tidewire_proto::deflate::{Codecs, NoPool};
use tidewire_proto::{Config, Delivery, ProtocolError, Server};
use tidewire_tests::corpus::{self, Random, Text};
use tidewire_tests::deflate::{Compressor, Pool, extension, reference_back};
use tidewire_tests::endpoint::{Endpoint, Seen, joined};
use tidewire_tests::inflate::{Fault, Inflater};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::{self, Frame};

/// A server whose client compresses with this context.
fn server(client: i8, codecs: &Arc<impl Codecs + 'static>) -> Endpoint<Server> {
    Endpoint::with_deflate(Server, Config::new(), &extension(15, client, codecs))
}

fn plain(client: i8) -> Endpoint<Server> {
    server(client, &Arc::new(NoPool))
}

fn text(text: impl Into<String>) -> Seen {
    Seen::Text(text.into())
}

fn compressed(payload: impl Into<Vec<u8>>) -> Frame {
    Frame::new(0xc1, payload)
}

const BROKEN: [Seen; 1] = [Seen::Failed(ProtocolError::BrokenDeflate)];

/// Whether a connection was failed with this code.
fn close_code(endpoint: &mut Endpoint<Server>) -> Option<u16> {
    let close = endpoint.flush_frames().pop()?;
    Some(u16::from_be_bytes([close.payload[0], close.payload[1]]))
}

/// What is sent: messages in order, each the payload of a frame with RSV1, and the texts of all.
type Row = (&'static str, i8, Vec<Vec<u8>>, Vec<String>);

/// Streams as senders of any taste make them.
fn streams() -> Vec<Row> {
    let hello = || vec!["Hello".to_owned()];
    let long = "é漢🦀 ".repeat(1800);
    let mut rows: Vec<Row> = vec![
        (
            "§7.2.3.1, one block",
            15,
            vec![b"\xf2\x48\xcd\xc9\xc9\x07\x00".to_vec()],
            hello(),
        ),
        (
            "§7.2.3.2, the second refers to the first",
            15,
            vec![
                b"\xf2\x48\xcd\xc9\xc9\x07\x00".to_vec(),
                b"\xf2\x00\x11\x00\x00".to_vec(),
            ],
            ["Hello", "Hello"].map(String::from).to_vec(),
        ),
        (
            "§7.2.3.3, no compression",
            15,
            vec![b"\x00\x05\x00\xfa\xffHello\x00".to_vec()],
            hello(),
        ),
        (
            "§7.2.3.4, a final block",
            15,
            vec![b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00".to_vec()],
            hello(),
        ),
        (
            "§7.2.3.5, two blocks",
            15,
            vec![b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00".to_vec()],
            hello(),
        ),
        ("§7.2.3.6, empty", 15, vec![b"\x00".to_vec()], vec![String::new()]),
        (
            "a final block and nothing behind it",
            -15,
            vec![b"\xf3\x48\xcd\xc9\xc9\x07\x00".to_vec()],
            hello(),
        ),
        (
            "§7.2.1, the empty block that is cut off was the final one",
            15,
            vec![b"\xf2\x48\xcd\xc9\xc9\x07\x04".to_vec()],
            hello(),
        ),
        (
            "empty blocks behind a final one",
            15,
            vec![b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x00\x00\xff\xff\x01\x00\x00\xff\xff\x00".to_vec()],
            hello(),
        ),
        (
            "a final block without text",
            15,
            vec![b"\x03\x00".to_vec()],
            vec![String::new()],
        ),
    ];
    for bits in [9, 15, -9, -15] {
        let texts: Vec<String> = [&long[..40], "", &long, "tail", &long[..400], ""]
            .map(String::from)
            .to_vec();
        for level in [0, 1, 9] {
            let mut peer = Compressor::new(level, bits);
            let payloads = texts.iter().map(|text| peer.message(text.as_bytes())).collect();
            rows.push(("messages of zlib", bits, payloads, texts.clone()));
        }
    }
    rows.append(&mut final_blocks());
    rows
}

/// Streams of several parts, with references across the final blocks that end some.
fn final_blocks() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let (first, second) = ("one small step ", "one small step for a man ");
    let both = || vec![[first, second].concat()];
    let mut peer = Compressor::new(6, 15);
    rows.push((
        "parts that were flushed",
        15,
        vec![[peer.part(first.as_bytes()), peer.message(second.as_bytes())].concat()],
        both(),
    ));
    for takeover in [15, -15] {
        let ended = Compressor::new(6, 15).finish(first.as_bytes());
        let mut peer = Compressor::with_history(6, 15, first.as_bytes());
        let rest = peer.message(second.as_bytes());
        let alone = Inflater::new(15, false).message(&rest, 100);
        assert_eq!(alone, Err(Fault::TooFar), "it refers across the final block");
        rows.push((
            "a final block inside, and a reference across it",
            takeover,
            vec![[ended, rest].concat()],
            both(),
        ));
    }
    let ended = Compressor::new(6, 15).finish(first.as_bytes());
    let rest = Compressor::with_history(6, 15, first.as_bytes()).message(second.as_bytes());
    rows.push((
        "a final block ends the first message, and the second refers across it",
        15,
        vec![ended, rest],
        vec![first.into(), second.into()],
    ));
    let before = "the words before that ";
    let mut peer = Compressor::new(6, 15);
    let begun = peer.message(before.as_bytes());
    let ended = Compressor::with_history(6, 15, before.as_bytes()).finish(first.as_bytes());
    let history = [before, first].concat();
    let rest = Compressor::with_history(6, 15, history.as_bytes()).message(history.as_bytes());
    assert!(rest.len() < 12, "it refers to both");
    rows.push((
        "a reference across a final block, the message's text and into the message before",
        15,
        vec![begun, [ended, rest].concat()],
        vec![before.into(), [first, before, first].concat()],
    ));
    rows
}

#[test]
fn the_reference_decoder_reads_what_zlib_writes() {
    let mut random = Random::new(5);
    for level in 0..=9 {
        for bits in [9, 12, 15, -15] {
            let mut zlib = Compressor::new(level, bits);
            let mut reference = Inflater::new(bits.unsigned_abs(), bits > 0);
            for i in 0..40 {
                let text = Text::any(&mut random, 15);
                let inflated = reference.message(&zlib.message(text.as_bytes()), 1 << 20);
                assert_eq!(
                    inflated.as_deref(),
                    Ok(text.as_bytes()),
                    "level {level}, {bits} bits, {i}"
                );
            }
        }
    }
}

#[test]
fn streams_of_every_taste_are_understood() {
    for (name, bits, payloads, texts) in streams() {
        let mut reference = Inflater::new(bits.unsigned_abs(), bits > 0);
        let read: Vec<_> = payloads
            .iter()
            .map(|payload| reference.message(payload, 1 << 20))
            .collect();
        let wanted: Vec<_> = texts.iter().map(|text| Ok(text.clone().into_bytes())).collect();
        assert!(read == wanted, "the row is wrong: {name}, {bits} bits");
        let frames: Vec<Frame> = payloads.into_iter().map(compressed).collect();
        let wanted: Vec<Seen> = texts.into_iter().map(Seen::Text).collect();
        assert!(plain(bits).receive(&frames) == wanted, "{name}, {bits} bits");
    }
}

#[test]
fn a_stream_may_be_split_at_every_byte() {
    let pool = Pool::shared();
    for (name, bits, payloads, texts) in streams() {
        let frames: Vec<Frame> = payloads.into_iter().map(compressed).collect();
        let bytes = wire::stream(&frames, Sender::Client);
        if bytes.len() > 3000 {
            continue;
        }
        let wanted: Vec<Seen> = texts.into_iter().map(Seen::Text).collect();
        for cut in 0..=bytes.len() {
            let mut server = server(bits, &pool);
            let mut seen = server.receive_bytes(&bytes[..cut]);
            seen.extend(server.receive_bytes(&bytes[cut..]));
            assert!(seen == wanted, "{name}, {bits} bits, cut at {cut}");
        }
        let mut server = server(bits, &pool);
        let seen: Vec<Seen> = bytes
            .iter()
            .flat_map(|byte| server.receive_bytes(&[*byte]))
            .collect();
        assert!(seen == wanted, "{name}, {bits} bits, byte by byte");
    }
}

#[test]
fn a_message_may_be_fragmented_at_every_byte_with_control_frames_between() {
    let pool = Pool::shared();
    for (name, bits, payloads, texts) in streams() {
        let len: usize = payloads.iter().map(Vec::len).sum();
        if len > 3000 {
            continue;
        }
        let wanted: Vec<Seen> = texts.into_iter().map(Seen::Text).collect();
        let longest = payloads.iter().map(Vec::len).max().unwrap_or(0);
        // At one place, and at all of them.
        for cut in (0..=longest).map(Some).chain([None]) {
            let mut server = server(bits, &pool);
            let mut seen = Vec::new();
            for payload in &payloads {
                let mut parts: Vec<&[u8]> = match cut {
                    Some(cut) => {
                        let (first, last) = payload.split_at(cut.min(payload.len()));
                        vec![first, last]
                    }
                    None => payload.chunks(1).collect(),
                };
                parts.insert(1, b"");
                let last = parts.len() - 1;
                for (i, part) in parts.into_iter().enumerate() {
                    let first = if i == 0 { 0x41 } else { 0x00 };
                    let fin = if i == last { 0x80 } else { 0x00 };
                    seen.extend(server.receive(&[
                        Frame::new(first | fin, part),
                        Frame::ping("?"),
                        Frame::pong("!"),
                    ]));
                }
            }
            let is_message = |seen: &Seen| !matches!(seen, Seen::Ping(_) | Seen::Pong(..));
            seen.retain(is_message);
            assert!(seen == wanted, "{name}, {bits} bits, {cut:?}");
        }
    }
}

#[test]
fn text_is_checked_across_inflated_slices() {
    // Characters of two, three and four bytes, cut at each of their bytes by the slices of 16 KiB.
    for character in ["é", "漢", "🦀"] {
        for offset in 0..character.len() {
            let good = ["x".repeat(offset), character.repeat(60_000 / character.len())].concat();
            let frame = compressed(Compressor::new(6, 15).message(good.as_bytes()));
            assert!(
                plain(15).receive(&[frame]) == [text(good.as_str())],
                "{character} after {offset}"
            );
            for at in [0, 16_383, 16_384, 40_000, good.len() - 1] {
                let mut bad = good.clone().into_bytes();
                bad[at] = 0xff;
                let frame = compressed(Compressor::new(6, 15).message(&bad));
                let mut server = plain(15);
                assert_eq!(
                    server.receive(&[frame]),
                    [Seen::Failed(ProtocolError::InvalidText)],
                    "{character} after {offset}, bad at {at}"
                );
                assert_eq!(close_code(&mut server), Some(1007));
            }
            let cut = &good.as_bytes()[..good.len() - 1];
            let frame = compressed(Compressor::new(6, 15).message(cut));
            let seen = plain(15).receive(&[frame]);
            assert_eq!(
                seen,
                [Seen::Failed(ProtocolError::InvalidText)],
                "ends inside {character}"
            );
        }
    }
}

#[test]
fn chunks_of_a_compressed_message_make_the_message() {
    let mut random = Random::new(3);
    for (len, piece) in [
        (0, 10),
        (100, 1),
        (5000, 7),
        (100_000, 100),
        (100_000, 100_000),
        (1 << 20, 3000),
    ] {
        let json = corpus::json(&mut random, len);
        let bytes = compressed(Compressor::new(6, 15).message(json.as_bytes())).sent_by(Sender::Client);
        let mut server = plain(15);
        server.connection.set_delivery(Delivery::Chunks);
        let seen: Vec<Seen> = bytes
            .chunks(piece)
            .flat_map(|piece| server.receive_bytes(piece))
            .collect();
        assert!(joined(seen) == [text(json)], "{len} bytes in pieces of {piece}");
    }
}

#[test]
fn delivery_may_be_switched_inside_a_compressed_message() {
    let mut random = Random::new(4);
    let json = corpus::json(&mut random, 200_000);
    let mut peer = Compressor::new(6, 15);
    let bytes = compressed(peer.message(json.as_bytes())).sent_by(Sender::Client);
    let next = compressed(peer.message(json.as_bytes()));
    for cut in [0, 1, 500, 3000, 8000, bytes.len() - 1] {
        let mut server = plain(15);
        let mut seen = server.receive_bytes(&bytes[..cut]);
        assert_eq!(seen, [], "no message yet");
        server.connection.set_delivery(Delivery::Chunks);
        seen.extend(server.receive_bytes(&bytes[cut..]));
        assert!(joined(seen) == [text(json.as_str())], "chunks from {cut} on");

        let mut server = plain(15);
        server.connection.set_delivery(Delivery::Chunks);
        let begun = server.receive_bytes(&bytes[..cut]);
        server.connection.set_delivery(Delivery::Messages);
        let rest = server.receive_bytes(&bytes[cut..]);
        let wanted = if begun.is_empty() {
            vec![text(json.as_str())]
        } else {
            vec![]
        };
        assert!(
            rest == wanted,
            "messages from {cut} on: the rest of one that was begun is skipped"
        );
        // What was skipped was inflated all the same: the next message refers to it.
        assert!(
            server.receive(std::slice::from_ref(&next)) == [text(json.as_str())],
            "after {cut}"
        );
    }
}

#[test]
fn raw_messages_between_compressed_ones_never_enter_the_window() {
    let mut peer = Compressor::new(6, 15);
    let frames = [
        compressed(peer.message(b"low water at six")),
        Frame::text("high water at noon"),
        Frame::binary(vec![7; 40_000]),
        compressed(peer.message(b"low water at six, too")),
    ];
    let seen = plain(15).receive(&frames);
    assert_eq!(seen.first(), Some(&text("low water at six")));
    assert_eq!(seen.last(), Some(&text("low water at six, too")));

    let raw = "a sentence that was sent as it is";
    let refers = Compressor::with_history(6, 15, raw.as_bytes()).message(raw.as_bytes());
    let mut server = plain(15);
    assert_eq!(server.receive(&[Frame::text(raw)]), [text(raw)]);
    assert_eq!(server.receive(&[compressed(refers)]), BROKEN);
    assert_eq!(close_code(&mut server), Some(1007));
}

#[test]
fn only_with_takeover_may_a_message_refer_to_the_one_before() {
    let words = "the same words again";
    for (client, understood) in [
        (15, true),
        (9, true),
        (8, true),
        (-15, false),
        (-9, false),
        (-8, false),
    ] {
        // What the server sends must not matter.
        for ours in [15, -15] {
            let mut server =
                Endpoint::with_deflate(Server, Config::new(), &extension(ours, client, &Pool::shared()));
            let mut peer = Compressor::new(6, 9);
            assert_eq!(
                server.receive(&[compressed(peer.message(words.as_bytes()))]),
                [text(words)]
            );
            server
                .send(|tx| tx.message("words of ours".repeat(20).as_str()))
                .expect("open");
            let seen = server.receive(&[compressed(peer.message(words.as_bytes()))]);
            let wanted = if understood {
                vec![text(words)]
            } else {
                BROKEN.to_vec()
            };
            assert_eq!(seen, wanted, "{client} and {ours}");
        }
    }
}

#[test]
fn a_reference_reaches_back_to_the_start_of_the_window_and_no_further() {
    for bits in 8..=15_i8 {
        let window = 1_usize << bits;
        for (history, distance, understood) in [
            (window + 100, window, true),
            (window + 100, window + 1, false),
            (50, 50, true),
            (50, 51, false),
            (0, 1, false),
        ] {
            // A distance of more than 32 KiB cannot be written.
            if distance > 32 * 1024 {
                continue;
            }
            let noise = corpus::noise(&mut Random::new(9), history);
            let stored = Frame::new(0xc2, Compressor::new(0, 15).message(&noise));
            let refers = Frame::new(0xc2, reference_back(distance));
            let seen = plain(bits).receive(&[stored, refers]);
            let wanted = if understood {
                let start = history - distance;
                vec![Seen::Binary(noise[start..start + 3].into())]
            } else {
                BROKEN.to_vec()
            };
            assert_eq!(
                seen[1..],
                wanted,
                "{bits} bits, {distance} back into {history} bytes"
            );
        }
    }
}

#[test]
fn an_inflater_that_served_another_connection_tells_nothing_of_it() {
    let secret = "what somebody else was sent";
    let pool = Pool::shared();
    let frame = compressed(Compressor::new(6, 15).message(secret.as_bytes()));
    assert_eq!(server(15, &pool).receive(&[frame]), [text(secret)]);
    let refers = Compressor::with_history(6, 15, secret.as_bytes()).message(secret.as_bytes());
    assert_eq!(server(15, &pool).receive(&[compressed(refers)]), BROKEN);
    assert_eq!(pool.counts().inflaters_taken, 2);
}

#[test]
fn a_message_cut_short_is_never_delivered() {
    let mut random = Random::new(6);
    let pool = Pool::shared();
    let short = "tide and time".to_owned();
    let (json, scripts) = (
        corpus::json(&mut random, 4000),
        corpus::scripts(&mut random, 1500),
    );
    for text in [short, json, scripts, "x".repeat(70_000)] {
        for level in [1, 6, 9] {
            let payload = Compressor::new(level, 15).message(text.as_bytes());
            for len in 0..payload.len() {
                let cut = &payload[..len];
                let seen = server(15, &pool).receive(&[compressed(cut)]);
                assert_eq!(seen, BROKEN, "{len} of {} bytes, level {level}", payload.len());
                let fragments = [Frame::new(0x41, cut), Frame::continuation("")];
                assert_eq!(
                    server(15, &pool).receive(&fragments),
                    BROKEN,
                    "{len} bytes in fragments"
                );
            }
        }
    }
    let counts = pool.counts();
    assert_eq!((counts.inflaters_out, counts.deflaters_out), (0, 0));
}

#[test]
fn a_stored_message_cut_short_is_delivered_only_where_it_is_whole_without_the_rest() {
    // A prefix that ends with the first byte of a block is what a sender of the blocks before makes.
    let noise = corpus::noise(&mut Random::new(7), 100);
    let mut peer = Compressor::new(0, 15);
    let payload = [
        peer.part(&noise[..40]),
        peer.part(&noise[40..90]),
        peer.message(&noise[90..]),
    ]
    .concat();
    let pool = Pool::shared();
    let mut delivered = Vec::new();
    for len in 0..=payload.len() {
        match &server(15, &pool).receive(&[Frame::new(0xc2, &payload[..len])])[..] {
            [Seen::Binary(bytes)] => {
                assert!(noise.starts_with(bytes), "{len} bytes");
                delivered.push(bytes.len());
            }
            seen => assert_eq!(seen, BROKEN, "{len} bytes"),
        }
    }
    // Before and after each of the three texts; a flush adds an empty block.
    assert_eq!(delivered, [0, 40, 40, 90, 90, 100]);
}

#[test]
fn a_broken_stream_fails_the_connection_with_1007() {
    let table: [(&str, &[u8]); 12] = [
        ("nothing at all", b""),
        ("a block of the reserved type", b"\x06"),
        (
            "a stored block whose lengths disagree",
            b"\x00\x05\x00\xfa\xfeHello\x00",
        ),
        (
            "a stored block shorter than it says",
            b"\x00\x06\x00\xf9\xffHello\x00",
        ),
        (
            "a code for lengths that is over-subscribed",
            b"\x04\x00\xfe\xff\xff\xff\xff\xff\xff\xff",
        ),
        ("too many symbols", b"\xfc\xff\xff\xff"),
        ("a reference to nothing", b"\x02\x13\x00\x00"),
        (
            "the tail that should have been cut off",
            b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff",
        ),
        (
            "a whole stream of zlib, header and all",
            b"\x78\x9c\xf3\x48\xcd\xc9\xc9\x07\x00\x05\x8c\x01\xf5",
        ),
        (
            "a reserved block behind a final one",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\x07",
        ),
        (
            "half a block behind a final one",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\x02",
        ),
        ("text behind a final block", b"\xf3\x48\xcd\xc9\xc9\x07\x00Hello"),
    ];
    for (name, payload) in table {
        for split in [false, true] {
            let mut server = plain(15);
            let bytes = compressed(payload).sent_by(Sender::Client);
            let seen: Vec<Seen> = if split {
                // The error is given again for each byte that follows.
                let mut seen: Vec<Seen> = bytes
                    .iter()
                    .flat_map(|byte| server.receive_bytes(&[*byte]))
                    .collect();
                seen.dedup();
                seen
            } else {
                server.receive_bytes(&bytes)
            };
            assert_eq!(seen, BROKEN, "{name}");
            assert_eq!(close_code(&mut server), Some(1007), "{name}");
            let error = ProtocolError::BrokenDeflate;
            let again = server.receive(&[compressed(b"\xf2\x48\xcd\xc9\xc9\x07\x00".as_slice())]);
            assert_eq!(
                again,
                [Seen::Failed(error)],
                "{name}: nothing is inflated any more"
            );
        }
    }
}

#[test]
fn a_broken_stream_is_refused_before_its_message_is_whole() {
    let mut payload = Compressor::new(6, 15).part(&[7; 5000]);
    payload.extend_from_slice(&[0xff; 2000]);
    let mut server = plain(15);
    let bytes = [
        &wire::header(0xc2, 1 << 20, Sender::Client)[..],
        &Frame::binary(payload).sent_by(Sender::Client)[8..],
    ]
    .concat();
    assert_eq!(server.receive_bytes(&bytes), BROKEN);
}

#[test]
fn reserved_bits_are_judged_at_the_header() {
    let bits = |bits| Seen::Failed(ProtocolError::ReservedBits { bits });
    let misplaced = |bits| Seen::Failed(ProtocolError::MisplacedBits { bits });
    let with = || plain(15);
    let without = || Endpoint::server(Config::new());
    for (name, mut server, frame, error) in [
        ("RSV1 on text, not agreed", without(), 0xc1, bits(0b100)),
        ("RSV1 on binary, not agreed", without(), 0xc2, bits(0b100)),
        ("RSV2", with(), 0xa1, bits(0b010)),
        ("RSV3", with(), 0x91, bits(0b001)),
        ("RSV1 and RSV2", with(), 0xe1, bits(0b110)),
        ("RSV1 and RSV3", with(), 0xd2, bits(0b101)),
        ("RSV1 on a Ping", with(), 0xc9, misplaced(0b100)),
        ("RSV1 on a Pong", with(), 0xca, misplaced(0b100)),
        ("RSV1 on a Close", with(), 0xc8, misplaced(0b100)),
        ("RSV1 on a continuation", with(), 0xc0, misplaced(0b100)),
    ] {
        if frame == 0xc0 {
            assert_eq!(server.receive(&[Frame::new(0x41, b"\xf2\x48")]), []);
        }
        // Two bytes: no key and no payload yet.
        assert_eq!(server.receive_bytes(&[frame, 0x85]), [error], "{name}");
        assert_eq!(close_code(&mut server), Some(1002), "{name}");
    }
    // A message that began raw stays so.
    let mut server = with();
    let frames = [Frame::text("a").more(), Frame::new(0xc0, b"\xf2\x48")];
    assert_eq!(server.receive(&frames), [misplaced(0b100)]);
}
