//! permessage-deflate: what a peer can make a connection hold, count and do.

use allocation_counter::measure;
use tidewire_proto::{CloseCode, Config, Limits, ProtocolError, Role, Server};
use tidewire_tests::corpus::{self, Random};
use tidewire_tests::deflate::{Compressor, Pool, extension};
use tidewire_tests::endpoint::{Endpoint, Seen};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::{self, Frame};

const LIMIT: usize = 100_000;

fn server(limits: Limits) -> Endpoint<Server> {
    let config = Config::new().limits(limits).check().expect("no contradiction");
    Endpoint::with_deflate(Server, config, &extension(15, 15, &Pool::shared()))
}

/// A message in frames of `part` bytes.
fn frames(payload: &[u8], part: usize) -> Vec<Frame> {
    let count = payload.len().div_ceil(part);
    let parts = payload.chunks(part).enumerate();
    parts
        .map(|(i, part)| {
            let first = if i == 0 { 0x42 } else { 0x00 };
            Frame::new(first | if i + 1 == count { 0x80 } else { 0x00 }, part)
        })
        .collect()
}

/// How many bytes of messages were seen, and the failure, where there was one.
fn outcome(seen: &[Seen]) -> (usize, Option<ProtocolError>) {
    let mut len = 0;
    let mut error = None;
    for seen in seen {
        match seen {
            Seen::Binary(bytes) => len += bytes.len(),
            Seen::Failed(failed) => error = Some(*failed),
            other => panic!("{other:?}"),
        }
    }
    (len, error)
}

/// Makes a payload of a text of this length.
type Compress<'c> = dyn Fn(usize) -> Vec<u8> + 'c;

#[test]
fn a_message_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
    let noise = corpus::noise(&mut Random::new(1), LIMIT + 1);
    // A sender with little memory: stored blocks of 128 bytes.
    let small_blocks = |text: &[u8]| {
        let mut payload = Vec::new();
        for block in text.chunks(128) {
            let len = u16::try_from(block.len()).expect("128 at most");
            payload.push(0);
            payload.extend_from_slice(&len.to_le_bytes());
            payload.extend_from_slice(&(!len).to_le_bytes());
            payload.extend_from_slice(block);
        }
        payload.push(0);
        payload
    };
    let table: [(&str, &Compress<'_>); 4] = [
        ("that shrinks", &|len| {
            Compressor::new(6, 15).message(&vec![7; len])
        }),
        ("of noise", &|len| Compressor::new(6, 15).message(&noise[..len])),
        ("stored", &|len| Compressor::new(0, 15).message(&noise[..len])),
        ("stored in blocks of 128", &|len| small_blocks(&noise[..len])),
    ];
    for (name, payload) in table {
        for part in [1 << 20, 1000, 50] {
            let limits = Limits::default().message(LIMIT);
            let whole = payload(LIMIT);
            let seen = server(limits).receive(&frames(&whole, part));
            assert_eq!(
                outcome(&seen),
                (LIMIT, None),
                "a message {name}, {} bytes in frames of {part}",
                whole.len()
            );

            let mut server = server(limits);
            let seen = server.receive(&frames(&payload(LIMIT + 1), part));
            let error = ProtocolError::MessageTooBig {
                len: LIMIT as u64 + 1,
                limit: LIMIT,
            };
            assert_eq!(
                outcome(&seen),
                (0, Some(error)),
                "a message {name}, in frames of {part}"
            );
            let close = server.flush_frames().pop().expect("a Close");
            assert_eq!(close.payload[..2], 1009_u16.to_be_bytes(), "{name}");
        }
    }
}

#[test]
fn a_message_of_the_limit_may_come_in_small_fragments() {
    let text = corpus::noise(&mut Random::new(1), 5000);
    for part in [1, 2, 5, 20] {
        let limits = Limits::default().message(text.len());
        let mut peer = Compressor::new(6, 15);
        let mut all: Vec<Frame> = text
            .chunks(part)
            .enumerate()
            .map(|(i, part)| Frame::new(if i == 0 { 0x42 } else { 0x00 }, peer.part(part)))
            .collect();
        all.push(Frame::continuation(b"\0"));
        let seen = server(limits).receive(&all);
        assert_eq!(outcome(&seen), (5000, None), "fragments of {part}");
    }
}

#[test]
fn the_limit_counts_each_message_anew() {
    let limits = Limits::default().message(LIMIT);
    let mut peer = Compressor::new(6, 15);
    let all: Vec<Frame> = (0..5)
        .flat_map(|_| frames(&peer.message(&vec![7; LIMIT]), 64))
        .collect();
    assert_eq!(outcome(&server(limits).receive(&all)), (5 * LIMIT, None));
}

/// 1 KiB for each MiB that it inflates to.
fn bomb(mib: usize) -> Vec<u8> {
    Compressor::new(9, 15).message(&vec![0; mib << 20])
}

#[test]
fn a_bomb_is_refused_in_memory_that_the_limit_bounds() {
    let bomb = bomb(64);
    assert!(bomb.len() < 70_000, "{} bytes", bomb.len());
    for limit in [10_000, 1 << 20, 16 << 20] {
        for part in [1 << 20, 1000] {
            let mut server = server(Limits::default().message(limit).fragments(200));
            let bytes = wire::stream(&frames(&bomb, part), Sender::Client);
            server.inbox.extend(&bytes);
            let (mut failed, mut turns) = (None, 0);
            let allocated = measure(|| {
                while failed.is_none() {
                    turns += 1;
                    let (mut rx, mut tx) =
                        server
                            .connection
                            .turn(server.now, &mut server.inbox, &mut server.out);
                    failed = rx.next(&mut tx).err();
                    assert!(failed.is_some() || rx.remaining() > 0, "more is to come");
                }
            });
            let too_big = failed.is_some_and(|error| error.close_code() == CloseCode::MESSAGE_TOO_BIG);
            assert!(too_big, "{failed:?} at {limit}");
            // The store doubles, and its old half lives until it is copied; 200 KiB are an inflater and its slices.
            let bound = 3 * limit as u64 + (200 << 10);
            assert!(
                allocated.bytes_max <= bound,
                "{} bytes for a limit of {limit}",
                allocated.bytes_max
            );
            assert!(
                turns <= 2 + limit / (256 << 10),
                "{turns} turns for a limit of {limit}"
            );
        }
    }
}

/// Lets turns inflate what the inbox holds; gives how many bytes came of each, of messages and of what is stored.
fn turns<R: Role>(endpoint: &mut Endpoint<R>) -> Vec<(usize, bool)> {
    let mut turns = Vec::new();
    endpoint.connection.set_delivery(tidewire_proto::Delivery::Chunks);
    loop {
        let (mut rx, mut tx) = endpoint
            .connection
            .turn(endpoint.now, &mut endpoint.inbox, &mut endpoint.out);
        let mut inflated = 0;
        while let Some(event) = rx.next(&mut tx).expect("within the limits") {
            if let Seen::Chunk(_, data, _) = event.into() {
                inflated += data.len();
            }
        }
        let is_done = rx.remaining() == 0;
        turns.push((inflated, is_done));
        if is_done {
            return turns;
        }
    }
}

#[test]
fn a_turn_inflates_256_kib_and_what_it_has_begun_and_leaves_the_rest() {
    let bomb = bomb(8);
    let many: Vec<u8> = {
        let mut peer = Compressor::new(9, 15);
        let small: Vec<Vec<Frame>> = (0..100)
            .map(|_| frames(&peer.message(&vec![0; 100_000]), 1 << 20))
            .collect();
        wire::stream(&small.concat(), Sender::Client)
    };
    let table = [
        (
            "one frame",
            wire::stream(&frames(&bomb, 1 << 20), Sender::Client),
            0,
            8 << 20,
        ),
        (
            "whose start waited",
            wire::stream(&frames(&bomb, 1 << 20), Sender::Client),
            1000,
            8 << 20,
        ),
        (
            "many frames",
            wire::stream(&frames(&bomb, 1000), Sender::Client),
            0,
            8 << 20,
        ),
        (
            "tiny frames",
            wire::stream(&frames(&bomb, 3), Sender::Client),
            0,
            8 << 20,
        ),
        ("many messages", many, 0, 10_000_000),
    ];
    for (name, bytes, first, len) in table {
        let mut server = server(Limits::default().message(64 << 20).frame(64 << 20));
        server.inbox.extend(&bytes[..first]);
        let mut all = turns(&mut server);
        server.inbox.extend(&bytes[first..]);
        all.extend(turns(&mut server));
        let total: usize = all.iter().map(|(inflated, _)| inflated).sum();
        assert_eq!(total, len, "{name}: all arrives");
        let most = all.iter().map(|(inflated, _)| *inflated).max().unwrap_or(0);
        // 1,024 bytes at 1,032 each, the most that DEFLATE can.
        assert!(
            most <= (256 << 10) + 1024 * 1032,
            "{name}: {most} bytes in a turn"
        );
        let full = all.iter().filter(|(inflated, _)| *inflated >= 256 << 10).count();
        assert!(
            full + 2 >= all.len(),
            "{name}: {full} of {} turns inflate what they may",
            all.len()
        );
    }
}

#[test]
fn a_turn_ends_after_work_that_gives_nothing() {
    // Blocks without text: final ones, behind each of which the stream begins anew, and one that is stored.
    let table = [
        ("final", &b"\x03\0"[..], 190),
        ("final, with tables", b"\x05\xc0\x81\0\0\0\0\0\x90\xff\x6b\0", 60),
        ("stored", b"\0\0\0\xff\xff", 3),
    ];
    for (name, block, least) in table {
        let mut server = server(Limits::default());
        let mut payload = block.repeat(200_000 / block.len());
        payload.push(0);
        server
            .inbox
            .extend(&wire::stream(&frames(&payload, 1 << 20), Sender::Client));
        let turns = turns(&mut server);
        assert!(turns.len() >= least, "{name}: {} turns", turns.len());
        assert!(turns.iter().all(|(inflated, _)| *inflated == 0), "{name}");
    }
}

#[test]
fn a_turn_that_leaves_input_gives_nothing_more_when_asked_again() {
    let mut server = server(Limits::default().message(64 << 20).frame(64 << 20));
    server
        .inbox
        .extend(&wire::stream(&frames(&bomb(8), 1 << 20), Sender::Client));
    let (mut rx, mut tx) = server
        .connection
        .turn(server.now, &mut server.inbox, &mut server.out);
    assert!(matches!(rx.next(&mut tx), Ok(None)));
    let left = rx.remaining();
    assert!(left > 0);
    for _ in 0..3 {
        assert!(matches!(rx.next(&mut tx), Ok(None)));
        assert_eq!(rx.remaining(), left);
    }
}

#[test]
fn a_compressed_frame_is_refused_at_its_header() {
    // Stored blocks may make a message longer, by five bytes for each 128 at the worst.
    let longest = (LIMIT + LIMIT / 16 + 1024) as u64;
    let message = Limits::default().message(LIMIT);
    for (name, limits, len, refused) in [
        ("longest", message, longest, false),
        ("one more", message, longest + 1, true),
        ("any length", message, u64::MAX >> 1, true),
        ("limit of a frame", message.frame(1000), 1000, false),
        ("beyond that limit", message.frame(1000), 1001, true),
    ] {
        let seen = server(limits).receive_bytes(&wire::header(0xc2, len, Sender::Client));
        let limit = limits.max_frame();
        let error = Seen::Failed(ProtocolError::FrameTooBig { len, limit });
        assert_eq!(seen, if refused { vec![error] } else { vec![] }, "{name}");
    }
    // The frames of a message together.
    let half = Frame::new(0x42, Compressor::new(0, 15).part(&vec![1; 60_000]));
    let mut server = server(message);
    assert_eq!(server.receive(&[half]), []);
    let seen = server.receive_bytes(&wire::header(0x80, 60_000, Sender::Client));
    assert!(
        matches!(
            seen[..],
            [Seen::Failed(ProtocolError::MessageTooBig { limit: LIMIT, .. })]
        ),
        "{seen:?}"
    );
}

#[test]
fn fragments_of_compressed_messages_are_counted() {
    let payload = Compressor::new(6, 15).message(b"one two three");
    let limits = Limits::default().fragments(4);
    let fragments = |count: usize| {
        let mut all = vec![Frame::new(0x42, payload.clone())];
        all.extend((0..count - 2).map(|_| Frame::new(0x00, b"")));
        all.push(Frame::continuation(b""));
        all
    };
    assert_eq!(outcome(&server(limits).receive(&fragments(4))), (13, None));
    let error = ProtocolError::TooManyFragments { limit: 4 };
    assert_eq!(outcome(&server(limits).receive(&fragments(5))), (0, Some(error)));
}

#[test]
fn half_a_message_borrows_an_inflater_only_beyond_1_kib() {
    let noise = corpus::noise(&mut Random::new(2), 5000);
    let payload = Compressor::new(6, 15).message(&noise);
    for fragments in [false, true] {
        let pool = Pool::shared();
        let mut server = Endpoint::with_deflate(Server, Config::new(), &extension(15, 15, &pool));
        let bytes = if fragments {
            Frame::new(0x42, &payload[..1024]).sent_by(Sender::Client)
        } else {
            let whole = Frame::new(0xc2, payload.clone()).sent_by(Sender::Client);
            whole[..8 + 1024].to_vec()
        };
        for byte in bytes {
            assert_eq!(server.receive_bytes(&[byte]), []);
            assert_eq!(pool.counts().inflaters_taken, 0, "for half a message");
        }
        let next = if fragments {
            Frame::new(0x00, b"x").sent_by(Sender::Client)
        } else {
            vec![0]
        };
        let _ = server.receive_bytes(&next);
        assert_eq!(pool.counts().inflaters_taken, 1, "one byte more");
        drop(server);
        assert_eq!(pool.counts().inflaters_out, 0, "given back");
    }
}
