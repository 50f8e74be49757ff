use tidewire_proto::{Closed, Config, Delivery, Limits, Phase, Role};

use super::Source;
use crate::endpoint::{Endpoint, Seen, joined};

/// A stream in pieces has the same events, output and end as in one piece.
///
/// # Panics
/// Where it has not.
pub fn reader_splits(data: &[u8]) {
    let mut source = Source::new(data);
    let is_client = source.flag();
    let delivery = if source.flag() {
        Delivery::Chunks
    } else {
        Delivery::Messages
    };
    let pieces = source.pieces();
    let whole = pieces.concat();
    // The limits are small, so that the fuzzer reaches them.
    let config = Config::new().limits(Limits::default().message(4096).frame(1024).fragments(8));
    if is_client {
        let run = |pieces: &[&[u8]], delivery| run(Endpoint::client(config.clone()), pieces, delivery);
        assert_eq!(run(&pieces, delivery), run(&[&whole], Delivery::Messages));
    } else {
        let run = |pieces: &[&[u8]], delivery| run(Endpoint::server(config.clone()), pieces, delivery);
        assert_eq!(run(&pieces, delivery), run(&[&whole], Delivery::Messages));
    }
}

/// All that shows of a run.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    seen: Vec<Seen>,
    out: Vec<u8>,
    phase: Phase,
    closed: Option<Closed>,
}

fn run<R: Role>(mut endpoint: Endpoint<R>, pieces: &[&[u8]], delivery: Delivery) -> Run {
    endpoint.connection.set_delivery(delivery);
    let mut seen: Vec<Seen> = Vec::new();
    for piece in pieces {
        seen.extend(endpoint.receive_bytes(piece));
    }
    // An error is given again by each later call.
    seen.dedup_by(|next, first| matches!(first, Seen::Failed(_)) && next == first);
    Run {
        seen: joined(seen),
        out: endpoint.out,
        phase: endpoint.connection.phase(),
        closed: endpoint.connection.closed().cloned(),
    }
}
