//! The short ways mean the same as the long one: a message taken without a turn, a message read into its store, a payload
//! that is written from where it lies.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tidewire_proto::deflate::Extension;
use tidewire_proto::{
    Appended, Client, Config, Connection, Delivery, End, Inbox, Instant, Limits, Message, Phase, Role,
    SendError, Server,
};
use tidewire_tests::corpus::{Random, Text, noise, scripts};
use tidewire_tests::deflate::{Pool, extension};
use tidewire_tests::endpoint::{Endpoint, Keys, Seen};
use tidewire_tests::reference::Sender;
use tidewire_tests::ways::{Run, Way, run};
use tidewire_tests::wire::{self, Frame};

/// Something that the peer sends.
#[derive(Clone, Debug)]
enum Item {
    Message {
        seed: u64,
        bits: usize,
        raw: bool,
    },
    Long {
        seed: u64,
        len: usize,
        is_text: bool,
    },
    Fragments {
        seed: u64,
        bits: usize,
        cuts: Vec<Index>,
        pings: bool,
    },
    Frame(Frame),
    Bytes(Vec<u8>),
}

/// Lengths around those where a store is lent, where it is one that was kept, and where memory is given back.
fn long() -> impl Strategy<Value = usize> {
    prop_oneof![
        16_300..16_500_usize,
        32_700..32_900_usize,
        65_400..65_700_usize,
        16_000..200_000_usize,
    ]
}

fn good() -> impl Strategy<Value = Item> {
    let message = (any::<u64>(), 0..12_usize, any::<bool>());
    let fragments = (
        any::<u64>(),
        0..18_usize,
        vec(any::<Index>(), 1..4),
        any::<bool>(),
    );
    let long = (any::<u64>(), long(), any::<bool>());
    let payload = vec(any::<u8>(), 0..=125);
    prop_oneof![
        4 => message.prop_map(|(seed, bits, raw)| Item::Message { seed, bits, raw }),
        4 => long.prop_map(|(seed, len, is_text)| Item::Long { seed, len, is_text }),
        2 => fragments.prop_map(|(seed, bits, cuts, pings)| Item::Fragments { seed, bits, cuts, pings }),
        1 => payload.clone().prop_map(|payload| Item::Frame(Frame::ping(payload))),
        1 => payload.prop_map(|payload| Item::Frame(Frame::pong(payload))),
    ]
}

fn fault() -> impl Strategy<Value = Item> {
    let bad_text = |len: usize, at: Index| {
        let mut text = vec![b'x'; len];
        text[at.index(len)] = 0xff;
        Item::Frame(Frame::text(text))
    };
    let sized = prop_oneof![1..300_usize, long()];
    prop_oneof![
        4 => (sized.clone(), any::<Index>()).prop_map(move |(len, at)| bad_text(len, at)),
        1 => Just(Item::Frame(Frame::text(*b"cut \xf0\x9f\x8c"))),
        1 => Just(Item::Frame(Frame::continuation("nothing to continue"))),
        1 => Just(Item::Frame(Frame::text("never ended").more())),
        1 => sized.prop_map(|len| Item::Frame(Frame::new(0xc2, vec![0x5a; len]))),
        1 => Just(Item::Frame(Frame::new(0xa1, "reserved"))),
        1 => Just(Item::Frame(Frame::new(0x83, "reserved"))),
        1 => Just(Item::Frame(Frame::close("x"))),
        2 => Just(Item::Frame(Frame::close_with(1000, "läuft ab"))),
        // Masked where it must not be, and the other way round.
        1 => Just(Item::Bytes(b"\x81\x02hi\x82\x82\0\0\0\0hi".to_vec())),
        1 => vec(any::<u8>(), 0..40).prop_map(Item::Bytes),
    ]
}

/// A stream, mostly good up to its end.
fn items() -> impl Strategy<Value = Vec<Item>> {
    (vec(good(), 0..6), vec(fault(), 0..2), vec(good(), 0..2)).prop_map(|(mut items, faults, later)| {
        items.extend(faults);
        items.extend(later);
        items
    })
}

fn seen(text: &Text) -> Message<'_> {
    match text {
        Text::Text(text) => Message::Text(text),
        Text::Binary(bytes) => Message::Binary(bytes),
    }
}

fn text_of(random: &mut Random, len: usize, is_text: bool) -> Text {
    if is_text {
        Text::Text(scripts(random, len))
    } else {
        Text::Binary(noise(random, len))
    }
}

/// What a peer puts on the wire.
fn stream<R: Role>(mut peer: Endpoint<R>, items: &[Item]) -> Vec<u8> {
    let mut stream = Vec::new();
    for item in items {
        match item {
            Item::Message { seed, bits, raw } => {
                let text = Text::any(&mut Random::new(*seed), *bits);
                let sent = peer.send(|tx| match raw {
                    true => tx.message_uncompressed(seen(&text)),
                    false => tx.message(seen(&text)),
                });
                sent.expect("open");
            }
            Item::Long { seed, len, is_text } => {
                let text = text_of(&mut Random::new(*seed), *len, *is_text);
                peer.send(|tx| tx.message(seen(&text))).expect("open");
            }
            Item::Fragments {
                seed,
                bits,
                cuts,
                pings,
            } => {
                let Text::Binary(bytes) =
                    text_of(&mut Random::new(*seed), Random::new(*seed).len(*bits), false)
                else {
                    unreachable!("asked for bytes")
                };
                let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
                cuts.sort_unstable();
                let mut start = 0;
                for cut in cuts {
                    peer.send(|tx| tx.fragment(&bytes[start..cut], End::More))
                        .expect("open");
                    if *pings {
                        peer.send(|tx| tx.pong(b"in between")).expect("open");
                    }
                    start = cut;
                }
                peer.send(|tx| tx.fragment(&bytes[start..], End::Last))
                    .expect("open");
            }
            Item::Frame(frame) => stream.extend(frame.sent_by(peer.side())),
            Item::Bytes(bytes) => stream.extend(bytes),
        }
        stream.extend(peer.flush());
    }
    stream
}

fn pieces<'s>(stream: &'s [u8], cuts: &[Index]) -> Vec<&'s [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(stream.len());
    let mut start = 0;
    let piece = |cut| {
        let piece = &stream[start..cut];
        start = cut;
        piece
    };
    cuts.into_iter().map(piece).collect()
}

/// Names what differs, without the payloads.
fn assert_same(way: &Way, short: &Run, long: &Run) {
    if short == long {
        return;
    }
    let lens = |run: &Run| -> Vec<String> {
        let shown = |seen: &Seen| format!("{seen:.60?}");
        run.seen.iter().map(shown).collect()
    };
    assert_eq!(lens(short), lens(long), "{way:?}: events");
    assert_eq!(
        (short.phase, short.fate, &short.closed, short.deadline),
        (long.phase, long.fate, &long.closed, long.deadline),
        "{way:?}: state"
    );
    assert_eq!(short.sent, long.sent, "{way:?}: output");
    panic!("{way:?}: contents");
}

/// What the endpoints of a case are like.
#[derive(Clone, Debug)]
struct Setting {
    is_chunked: bool,
    is_limited: bool,
    is_compressed: bool,
    pause: u64,
}

fn setting() -> impl Strategy<Value = Setting> {
    // Neither short way is for chunks: what matters is that they keep out of it.
    let is_chunked = proptest::bool::weighted(0.15);
    (is_chunked, any::<bool>(), any::<bool>(), 0..30_u64).prop_map(
        |(is_chunked, is_limited, is_compressed, pause)| Setting {
            is_chunked,
            is_limited,
            is_compressed,
            pause,
        },
    )
}

impl Setting {
    fn endpoint<R: Role>(&self, role: R, deflate: &Extension) -> Endpoint<R> {
        let limits = if self.is_limited {
            Limits::default().message(70_000).frame(40_000).fragments(3)
        } else {
            Limits::default()
        };
        let config = Config::new().limits(limits);
        let mut endpoint = if self.is_compressed {
            Endpoint::with_deflate(role, config, deflate)
        } else {
            Endpoint::new(role, config)
        };
        if self.is_chunked {
            endpoint.connection.set_delivery(Delivery::Chunks);
        }
        endpoint
    }

    fn check<R: Role, P: Role>(
        &self,
        role: impl Fn() -> R,
        peer: P,
        items: &[Item],
        cuts: &[Index],
        seed: u64,
    ) {
        let deflate = extension(12, 12, &Pool::shared());
        let open = Setting {
            is_limited: false,
            is_chunked: false,
            ..self.clone()
        };
        let stream = stream(open.endpoint(peer, &deflate), items);
        let pieces = pieces(&stream, cuts);
        let pause = Duration::from_secs(self.pause);
        let long = run(self.endpoint(role(), &deflate), &pieces, Way::Turns, pause);
        for way in [Way::AtHand, Way::Stored(Random::new(seed))] {
            let short = run(self.endpoint(role(), &deflate), &pieces, way.clone(), pause);
            assert_same(&way, &short, &long);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn the_short_ways_to_receive_show_the_same_as_turns(
        is_client in any::<bool>(),
        setting in setting(),
        items in items(),
        cuts in vec(any::<Index>(), 0..6),
        seed in any::<u64>(),
    ) {
        if is_client {
            setting.check(|| Client::new(Keys::default()), Server, &items, &cuts, seed);
        } else {
            setting.check(|| Server, Client::new(Keys::default()), &items, &cuts, seed);
        }
    }
}

#[test]
fn a_bad_text_of_any_length_ends_the_same_whether_it_is_at_hand_or_not() {
    // More than a megabyte behind the failure ends the connection; the failed message itself does not count.
    for len in [1, 126, 65_536, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20] {
        for behind in [0, 1, 1 << 20, (1 << 20) + 1] {
            let mut text = vec![b'x'; len];
            text[len / 2] = 0xff;
            let mut bytes = Frame::text(text).sent_by(Sender::Client);
            bytes.resize(bytes.len() + behind, 0);
            let receive = |way| run(Endpoint::server(Config::new()), &[&bytes], way, Duration::ZERO);
            let (short, long) = (receive(Way::AtHand), receive(Way::Turns));
            assert_same(&Way::AtHand, &short, &long);
            let is_ended = behind > 1 << 20;
            assert_eq!(
                long.phase == Phase::Ended,
                is_ended,
                "{len} bytes, {behind} behind"
            );
        }
    }
}

#[test]
fn what_is_not_whole_plain_and_unfragmented_is_left_for_a_turn() {
    let rows: [(&str, Vec<u8>); 7] = [
        ("nothing", vec![]),
        ("a header", wire::header(0x82, 5, Sender::Client)),
        (
            "a part",
            Frame::binary("hello").sent_by(Sender::Client)[..10].to_vec(),
        ),
        (
            "a fragment",
            Frame::binary("hello").more().sent_by(Sender::Client),
        ),
        ("a ping", Frame::ping("hello").sent_by(Sender::Client)),
        ("a broken rule", b"\x82\x05hello".to_vec()),
        (
            "a text that is none",
            Frame::text(*b"hell\xff").sent_by(Sender::Client),
        ),
    ];
    for (row, bytes) in rows {
        let mut connection = Connection::new(Server, Config::new(), Instant::START);
        let mut inbox = Inbox::from(bytes.clone());
        for call in ["first", "second"] {
            assert_eq!(connection.message_at_hand(&mut inbox), None, "{row}, {call} call");
            assert_eq!(inbox.unread().len(), bytes.len(), "{row}, {call} call");
        }
    }
}

#[test]
fn a_message_inside_another_is_not_at_hand() {
    let mut server = Endpoint::server(Config::new());
    server.receive(&[Frame::text("begun").more()]);
    server.inbox.extend(&Frame::text("whole").sent_by(Sender::Client));
    assert_eq!(server.connection.message_at_hand(&mut server.inbox), None);
}

#[test]
fn nothing_is_at_hand_behind_a_close() {
    let mut server = Endpoint::server(Config::new());
    server.receive(&[Frame::close("")]);
    server.inbox.extend(&Frame::text("late").sent_by(Sender::Client));
    assert_eq!(server.connection.message_at_hand(&mut server.inbox), None);
}

#[test]
fn a_message_at_hand_is_a_sign_of_life() {
    let mut server = Endpoint::server(Config::new());
    // The keepalive ping leaves after 20 s; 20 s later the peer would be given up.
    server.advance(Duration::from_secs(21));
    assert_eq!(server.flush().len(), 10, "one Ping with its number");
    server.inbox.extend(&Frame::text("here").sent_by(Sender::Client));
    assert_eq!(
        server.connection.message_at_hand(&mut server.inbox),
        Some(Message::Text("here"))
    );
    server.advance(Duration::from_secs(120));
    assert_eq!(server.connection.phase(), Phase::Open);
}

/// What `message_or_header` and the payload behind it put on the wire, and what `message` does.
fn both_ways<R: Role>(make: impl Fn() -> Endpoint<R>, message: Message<'_>) -> (Appended, Vec<u8>, Vec<u8>) {
    let (mut short, mut long) = (make(), make());
    let appended = short.send(|tx| tx.message_or_header(message)).expect("open");
    let mut bytes = short.flush();
    if appended == Appended::Header {
        bytes.extend_from_slice(message.as_bytes());
    }
    long.send(|tx| tx.message(message)).expect("open");
    (appended, bytes, long.flush())
}

#[test]
fn a_header_and_the_payload_behind_it_are_what_a_message_is() {
    let deflate = extension(12, 12, &Pool::shared());
    for len in [0, 1, 125, 126, 16 * 1024, 65_535, 65_536, 1 << 20] {
        let bytes = noise(&mut Random::new(len as u64), len);
        let text = "ü".repeat(len / 2);
        for message in [Message::Binary(&bytes), Message::Text(&text)] {
            let server = both_ways(|| Endpoint::server(Config::new()), message);
            assert_eq!(server.0, Appended::Header, "{message:?} of a server");
            assert!(server.1 == server.2, "{message:?} of a server");
            let client = both_ways(|| Endpoint::client(Config::new()), message);
            assert_eq!(client.0, Appended::Message, "{message:?} of a client");
            assert!(client.1 == client.2, "{message:?} of a client");
            let compressed = both_ways(
                || Endpoint::with_deflate(Server, Config::new(), &deflate),
                message,
            );
            assert!(compressed.1 == compressed.2, "{message:?}, compressed");
            if len >= 16 * 1024 && matches!(message, Message::Text(_)) {
                assert_eq!(compressed.0, Appended::Message, "{message:?}, compressed");
            }
        }
    }
}

#[test]
fn a_header_is_refused_where_a_message_is() {
    let mut server = Endpoint::server(Config::new());
    server.send(|tx| tx.fragment("open", End::More)).expect("open");
    server.flush();
    let refused = server.send(|tx| tx.message_or_header("no"));
    assert_eq!(refused, Err(SendError::MessageOpen));
    server.send(|tx| tx.close(None)).expect("open");
    server.flush();
    let refused = server.send(|tx| tx.message_or_header("no"));
    assert_eq!(refused, Err(SendError::Closed));
    assert_eq!(server.out, b"", "nothing was appended");
}
