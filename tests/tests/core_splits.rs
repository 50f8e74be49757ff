//! How a stream is cut into pieces shows nowhere.

use tidewire_proto::{Config, Delivery, Phase, Role};
use tidewire_tests::endpoint::{Endpoint, Seen, joined};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::{self, Frame};

/// Text with characters of one to four bytes.
const TEXT: &str = "aé€😀 – Gezeitendraht, 潮線, ακτή";

/// Every kind of frame, with a 16-bit length and control frames inside a fragmented text.
fn mixed() -> Vec<Frame> {
    let (start, rest) = TEXT.as_bytes().split_at(8);
    vec![
        Frame::text(TEXT),
        // The first fragment ends inside the last character of "aé€😀".
        Frame::text(start).more(),
        Frame::ping("inside"),
        Frame::continuation("").more(),
        Frame::pong("nobody asked"),
        Frame::continuation(rest).more(),
        Frame::continuation(""),
        Frame::binary("").more(),
        Frame::continuation(vec![0xa5; 126]),
        Frame::text(""),
        Frame::binary((0..=255).collect::<Vec<u8>>()),
        Frame::ping(""),
        Frame::text(TEXT.repeat(4)),
        Frame::close_with(1000, "läuft ab"),
        Frame::text("after the end"),
    ]
}

/// All that shows of a run.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    seen: Vec<Seen>,
    out: Vec<u8>,
    phase: Phase,
}

fn run<'a, R: Role>(
    mut endpoint: Endpoint<R>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    delivery: Delivery,
) -> Run {
    endpoint.connection.set_delivery(delivery);
    let seen = pieces
        .into_iter()
        .flat_map(|piece| endpoint.receive_bytes(piece))
        .collect();
    Run {
        seen: joined(seen),
        out: endpoint.out,
        phase: endpoint.connection.phase(),
    }
}

/// Compares the stream cut in all these ways with the stream in one piece.
fn compare<R: Role>(make: impl Fn() -> Endpoint<R>, stream: &[u8], cuts: impl Iterator<Item = Vec<usize>>) {
    let whole = run(make(), [stream], Delivery::Messages);
    for mut cuts in cuts {
        cuts.push(stream.len());
        for delivery in [Delivery::Messages, Delivery::Chunks] {
            let mut from = 0;
            let pieces = cuts.iter().map(|&to| {
                let piece = &stream[from..to];
                from = to;
                piece
            });
            let split = run(make(), pieces, delivery);
            assert!(
                split == whole,
                "{delivery:?} cut at {cuts:?}:\n{split:?}\n{whole:?}"
            );
        }
    }
}

fn server() -> Endpoint<tidewire_proto::Server> {
    Endpoint::server(Config::new())
}

fn client() -> Endpoint<tidewire_proto::Client<tidewire_tests::endpoint::Keys>> {
    Endpoint::client(Config::new())
}

#[test]
fn the_mixed_stream_means_what_its_frames_say() {
    let seen = server().receive(&mixed());
    let want = [
        Seen::Text(TEXT.into()),
        Seen::Ping(b"inside".into()),
        Seen::Pong(b"nobody asked".into(), None),
        Seen::Text(TEXT.into()),
        Seen::Binary(vec![0xa5; 126]),
        Seen::Text(String::new()),
        Seen::Binary((0..=255).collect()),
        Seen::Ping(vec![]),
        Seen::Text(TEXT.repeat(4)),
        Seen::Close(Some((1000.into(), "läuft ab".into()))),
    ];
    assert_eq!(seen, want);
}

#[test]
fn a_stream_cut_at_any_point_means_the_same_to_a_server() {
    let stream = wire::stream(&mixed(), Sender::Client);
    compare(server, &stream, (0..=stream.len()).map(|cut| vec![cut]));
}

#[test]
fn a_stream_cut_at_any_point_means_the_same_to_a_client() {
    let stream = wire::stream(&mixed(), Sender::Server);
    compare(client, &stream, (0..=stream.len()).map(|cut| vec![cut]));
}

#[test]
fn a_stream_byte_by_byte_means_the_same() {
    let stream = wire::stream(&mixed(), Sender::Client);
    compare(server, &stream, std::iter::once((1..stream.len()).collect()));
    let stream = wire::stream(&mixed(), Sender::Server);
    compare(client, &stream, std::iter::once((1..stream.len()).collect()));
}

/// Cuts drawn from a fixed seed: up to a dozen each.
fn random_cuts(len: usize) -> impl Iterator<Item = Vec<usize>> {
    let mut state = 0x7169_6465_u64;
    let mut draw = move |below: usize| {
        // Knuth's MMIX generator; its high bits are the random ones.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    std::iter::repeat_with(move || {
        let mut cuts: Vec<usize> = (0..=draw(12)).map(|_| draw(len)).collect();
        cuts.sort_unstable();
        cuts
    })
}

#[test]
fn a_stream_cut_at_many_points_means_the_same() {
    let stream = wire::stream(&mixed(), Sender::Client);
    compare(server, &stream, random_cuts(stream.len()).take(2000));
    let stream = wire::stream(&mixed(), Sender::Server);
    compare(client, &stream, random_cuts(stream.len()).take(2000));
}

/// Frames with 64-bit lengths; one is a fragment, with a ping behind it.
fn long() -> Vec<Frame> {
    vec![
        Frame::binary(vec![7; 65_536]),
        Frame::text("ü".repeat(32_769)).more(),
        Frame::ping("between"),
        Frame::continuation("!"),
        Frame::close(""),
    ]
}

/// All cuts in and around the headers, and some within the payloads.
fn cuts_of_long(stream: &[u8]) -> Vec<Vec<usize>> {
    let edges = [0, 65_536, 131_088, stream.len()];
    let near = edges
        .iter()
        .flat_map(|&edge| edge.saturating_sub(20)..(edge + 50).min(stream.len()));
    near.chain((0..stream.len()).step_by(8191))
        .map(|cut| vec![cut])
        .collect()
}

#[test]
fn frames_with_64_bit_lengths_may_be_cut_anywhere() {
    let stream = wire::stream(&long(), Sender::Client);
    compare(server, &stream, cuts_of_long(&stream).into_iter());
    let stream = wire::stream(&long(), Sender::Server);
    compare(client, &stream, cuts_of_long(&stream).into_iter());
}

#[test]
fn a_fault_cut_at_any_point_has_the_same_events_and_the_same_close_frame() {
    let faults: [(&str, Vec<Frame>); 5] = [
        (
            "bad text",
            vec![Frame::text("good"), Frame::text(*b"abc\xffdef"), Frame::ping("")],
        ),
        (
            "text cut at its end",
            vec![Frame::text(*b"ab\xc3").more(), Frame::continuation("")],
        ),
        (
            "reserved opcode",
            vec![Frame::binary("x").more(), Frame::new(0x83, ""), Frame::ping("")],
        ),
        ("bad close code", vec![Frame::close_with(1005, "no")]),
        ("bad close reason", vec![Frame::close(*b"\x03\xe8\xff")]),
    ];
    for (name, frames) in faults {
        let stream = wire::stream(&frames, Sender::Client);
        let whole = run(server(), [&stream[..]], Delivery::Messages);
        assert!(matches!(whole.seen.last(), Some(Seen::Failed(_))), "{name}");
        for cut in 0..stream.len() {
            let (start, rest) = stream.split_at(cut);
            let mut split = run(server(), [start, rest], Delivery::Messages);
            split.seen.dedup();
            assert_eq!(split, whole, "{name} cut at {cut}");
        }
    }
}
