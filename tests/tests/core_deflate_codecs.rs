//! permessage-deflate: codecs are borrowed; whoever lends them and however a connection ends, all come back.

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use tidewire_proto::deflate::{self, Codecs, Deflater, NoPool, Shape, WindowBits};
use tidewire_proto::{Config, End, Event, Limits, Server};
use tidewire_tests::corpus::{self, Random, Text};
use tidewire_tests::deflate::{Careless, Compressor, Pool, begin_both_ways, compression, extension, frames};
use tidewire_tests::endpoint::{Endpoint, Seen};
use tidewire_tests::inflate::Inflater;
use tidewire_tests::reference::Sender;
use tidewire_tests::soak;
use tidewire_tests::wire::Frame;

fn server(bits: i8, codecs: &Arc<impl Codecs + 'static>) -> Endpoint<Server> {
    let config = Config::new()
        .keepalive(None)
        .limits(Limits::default().message(100_000));
    let agreed = extension(bits, bits, codecs).compression(compression(6, 0));
    Endpoint::with_deflate(Server, config, &agreed)
}

#[test]
fn a_careless_lender_never_breaks_a_stream() {
    for seed in 0..6 {
        let codecs = Careless::shared(seed);
        let mut random = Random::new(seed);
        let mut connections: Vec<_> = [15, 15, 9, 8, -15, -9]
            .into_iter()
            .map(|bits: i8| {
                let takeover = bits > 0;
                let reference = Inflater::new(bits.unsigned_abs(), takeover);
                (server(bits, &codecs), reference, Compressor::new(6, bits), bits)
            })
            .collect();
        for i in 0..600 {
            let at = random.below(connections.len());
            let (server, reference, peer, bits) = &mut connections[at];
            let text = Text::any(&mut random, 13);
            let seen = server.receive(&[Frame::new(0xc2, peer.message(text.as_bytes()))]);
            assert!(
                seen == [Seen::Binary(text.as_bytes().into())],
                "seed {seed}, {bits} bits, message {i}"
            );
            let mut parts = vec![text.as_bytes()];
            if random.one_in(3) {
                let (first, last) = text.as_bytes().split_at(text.as_bytes().len() / 2);
                parts = vec![first, last];
            }
            let mut payload = Vec::new();
            let mut compressed = false;
            for (at, part) in parts.iter().enumerate() {
                let end = if at + 1 == parts.len() {
                    End::Last
                } else {
                    End::More
                };
                server.send(|tx| tx.fragment(*part, end)).expect("open");
                let frame = frames(&server.flush(), Sender::Server).remove(0);
                compressed |= frame.compressed;
                payload.extend_from_slice(&frame.frame.payload);
            }
            if compressed {
                let read = reference.message(&payload, 1 << 20);
                assert!(
                    read.as_deref() == Ok(text.as_bytes()),
                    "seed {seed}, {bits} bits, message {i}: {read:.80?}"
                );
            } else {
                assert!(payload == text.as_bytes());
            }
            if random.one_in(5) {
                server.advance(Duration::from_millis(250));
            }
        }
    }
}

#[test]
fn connections_with_codecs_of_their_own_are_in_step_too() {
    let mut server = server(15, &Arc::new(NoPool));
    let mut reference = Inflater::new(15, true);
    let words = "the same again ".repeat(10);
    let mut lens = Vec::new();
    for _ in 0..3 {
        server.send(|tx| tx.message(words.as_str())).expect("open");
        let frame = frames(&server.flush(), Sender::Server).remove(0).frame;
        let read = reference.message(&frame.payload, 1 << 20);
        assert_eq!(read.as_deref(), Ok(words.as_bytes()));
        lens.push(frame.payload.len());
    }
    assert!(
        lens[1] < lens[0] && lens[2] < lens[0],
        "a primed compressor refers back: {lens:?}"
    );
}

/// Puts a connection in the middle of a message in both directions.
fn in_the_middle(pool: &Arc<Pool>, bits: i8) -> Endpoint<Server> {
    let mut server = server(bits, pool);
    let noise = corpus::noise(&mut Random::new(1), 3000);
    begin_both_ways(&mut server, pool, &noise);
    server
        .send(|tx| tx.fragment(&noise[..], End::More))
        .expect("open");
    let counts = pool.counts();
    assert_eq!(
        (counts.inflaters_out, counts.deflaters_out),
        (1, 1),
        "both stay lent"
    );
    server
}

#[test]
fn every_codec_comes_back_however_a_connection_ends() {
    type Ending = fn(Endpoint<Server>) -> Option<Endpoint<Server>>;
    let table: [(&str, Ending); 9] = [
        ("dropped", |_| None),
        ("the transport ends", |mut server| {
            server.connection.handle_end();
            Some(server)
        }),
        ("a broken stream", |mut server| {
            server.receive(&[Frame::new(0x00, [0xff; 3000])]);
            Some(server)
        }),
        ("a broken frame", |mut server| {
            server.receive(&[Frame::new(0xf1, "")]);
            Some(server)
        }),
        ("a message in between", |mut server| {
            server.receive(&[Frame::text("interrupts")]);
            Some(server)
        }),
        ("too long a message", |mut server| {
            let zeros = Compressor::new(9, -15).message(&vec![0; 200_000]);
            let whole = [Compressor::new(9, -15).part(b""), zeros].concat();
            server.receive(&[Frame::continuation(whole)]);
            Some(server)
        }),
        ("the peer's Close", |mut server| {
            server.receive(&[Frame::close_with(1000, "")]);
            Some(server)
        }),
        ("our Close and the peer's", |mut server| {
            server.send(|tx| tx.close(None)).expect("open");
            server.receive(&[Frame::close("")]);
            Some(server)
        }),
        ("our Close and silence", |mut server| {
            server.send(|tx| tx.close(None)).expect("open");
            server.flush();
            server.advance(Duration::from_secs(11));
            Some(server)
        }),
    ];
    for (name, end) in table {
        for bits in [15, -15] {
            let pool = Pool::shared();
            let left = end(in_the_middle(&pool, bits));
            let counts = pool.counts();
            assert_eq!(
                (counts.inflaters_out, counts.deflaters_out),
                (0, 0),
                "{name}, {bits} bits"
            );
            // Without takeover no compressor was its own.
            let releases = u64::from(bits > 0);
            assert_eq!(counts.releases, releases, "{name}, {bits} bits: once is enough");
            assert_eq!(pool.owned(), 0, "{name}, {bits} bits");
            drop(left);
            assert_eq!(
                pool.counts().releases,
                releases,
                "{name}, {bits} bits: nothing is left to give up"
            );
        }
    }
}

#[test]
fn our_close_gives_the_compressor_back_while_messages_still_arrive() {
    let pool = Pool::shared();
    let mut server = server(15, &pool);
    server.send(|tx| tx.fragment("begun", End::More)).expect("open");
    server.send(|tx| tx.close(None)).expect("open");
    assert_eq!((pool.counts().deflaters_out, pool.counts().releases), (0, 1));
    let mut peer = Compressor::new(6, 15);
    for _ in 0..2 {
        let seen = server.receive(&[Frame::new(0xc1, peer.message(b"still on its way"))]);
        assert_eq!(seen, [Seen::Text("still on its way".into())]);
    }
}

#[test]
fn a_message_of_1_kib_each_way_through_warm_codecs_allocates_nothing() {
    let mut random = Random::new(1);
    for bits in [15, 9, -15] {
        let pool = Pool::shared();
        let mut server = server(bits, &pool);
        let mut peer = Compressor::new(6, bits);
        let mut out = Vec::with_capacity(1 << 16);
        // Until histories and stores have their size.
        for round in 0..200 {
            let mut text = corpus::json(&mut random, 900);
            while text.len() < 1100 {
                text.push('.');
            }
            let bytes = Frame::new(0xc1, peer.message(text.as_bytes())).sent_by(Sender::Client);
            server.inbox.extend(&bytes);
            out.clear();
            let allocated = measure(|| {
                let (mut rx, mut tx) = server.connection.turn(server.now, &mut server.inbox, &mut out);
                while let Some(event) = rx.next(&mut tx).expect("a good frame") {
                    match event {
                        Event::Message(message) => tx.message(message).expect("open"),
                        other => panic!("{other:?}"),
                    }
                }
            });
            if round >= 150 {
                assert_eq!(allocated.count_total, 0, "{bits} bits, round {round}");
            }
        }
    }
}

#[test]
fn twenty_thousand_random_messages_arrive_as_they_were_sent() {
    // A million: `cargo run --release -p tidewire-tests --example soak`.
    let messages = std::env::var("TIDEWIRE_SOAK_MESSAGES")
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(20_000);
    let totals = soak::pair(soak::Settings { messages, seed: 42 }, |_| {});
    println!("{totals}");
    assert_eq!(totals.messages, messages);
    assert!(
        totals.compressed > messages / 4 && totals.sleeps > messages / 20,
        "{totals}"
    );
}

#[test]
fn a_codec_says_about_how_much_memory_it_takes() {
    let near = |said: usize, taken: u64| said.abs_diff(usize::try_from(taken).expect("small")) * 20 <= said;
    for level in [1, 2, 6, 9] {
        for bits in 8..=15 {
            let window_bits = WindowBits::new(bits).expect("8 to 15");
            let mut said = 0;
            let taken = measure(|| said = Deflater::new(Shape { level, window_bits }).memory()).bytes_max;
            assert!(
                near(said, taken),
                "level {level}, {bits} bits: {said} said, {taken} taken"
            );
        }
    }
    let mut said = 0;
    let taken = measure(|| said = deflate::Inflater::new().memory()).bytes_max;
    assert!(near(said, taken), "{said} said, {taken} taken");
}
