//! The ways to receive, short and long: what arrives means the same in each.

use std::time::Duration;

use tidewire_proto::{Closed, Fate, Message, Phase, Role};

use crate::corpus::Random;
use crate::endpoint::{Endpoint, Seen, joined};

/// How an embedder receives.
#[derive(Clone, Debug)]
pub enum Way {
    /// By turns alone, each for all that there is.
    Turns,
    /// With a look at what is at hand before each turn, which gives one event.
    AtHand,
    /// As [`AtHand`](Self::AtHand), in portions that these numbers choose, into the store of a long message where one is
    /// lent.
    Stored(Random),
}

/// All that shows of a connection.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// What the application saw, chunks joined.
    pub seen: Vec<Seen>,
    /// What was sent.
    pub sent: Vec<u8>,
    /// The phase at the end.
    pub phase: Phase,
    /// The fate at the end.
    pub fate: Fate,
    /// How it was closed.
    pub closed: Option<Closed>,
    /// The next deadline.
    pub deadline: Option<Duration>,
}

/// Has pieces arrive, each `pause` after the one before and after all output has left.
pub fn run<R: Role>(mut endpoint: Endpoint<R>, pieces: &[&[u8]], mut way: Way, pause: Duration) -> Run {
    let (mut seen, mut sent) = (Vec::new(), Vec::new());
    for piece in pieces {
        endpoint.advance(pause);
        match &mut way {
            Way::Turns => seen.extend(endpoint.receive_bytes(piece)),
            Way::AtHand => {
                endpoint.inbox.extend(piece);
                take(&mut endpoint, &mut seen);
            }
            Way::Stored(random) => store(&mut endpoint, piece, random, &mut seen),
        }
        sent.extend(endpoint.flush());
    }
    // An error is given again by each later call.
    seen.dedup_by(|next, first| matches!(first, Seen::Failed(_)) && next == first);
    Run {
        seen: joined(seen),
        sent,
        phase: endpoint.connection.phase(),
        fate: endpoint.connection.fate(),
        closed: endpoint.connection.closed().cloned(),
        deadline: endpoint.deadline(),
    }
}

/// Takes all input, what is at hand first.
fn take<R: Role>(endpoint: &mut Endpoint<R>, seen: &mut Vec<Seen>) {
    loop {
        while let Some(message) = endpoint.connection.message_at_hand(&mut endpoint.inbox) {
            seen.push(match message {
                Message::Text(text) => Seen::Text(text.into()),
                Message::Binary(bytes) => Seen::Binary(bytes.into()),
            });
        }
        let (mut rx, mut tx) = endpoint
            .connection
            .turn(endpoint.now, &mut endpoint.inbox, &mut endpoint.out);
        let next = rx.next(&mut tx).map(|event| event.map(Seen::from));
        match next {
            Ok(Some(event)) => seen.push(event),
            Ok(None) if endpoint.inbox.is_empty() => return,
            Ok(None) => {}
            Err(error) => return seen.push(Seen::Failed(error)),
        }
    }
}

/// Takes bytes in portions, into the store where one is lent.
fn store<R: Role>(endpoint: &mut Endpoint<R>, bytes: &[u8], random: &mut Random, seen: &mut Vec<Seen>) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let portion = if random.one_in(8) {
            rest.len()
        } else {
            random.len(16).min(rest.len())
        };
        if random.one_in(2)
            && let Some((mut store, most)) = endpoint.connection.take_message_store()
        {
            assert!(
                (1..=store.capacity() - store.len()).contains(&most),
                "{most} bytes of room"
            );
            let (portion, later) = rest.split_at(portion.min(most));
            rest = later;
            store.extend_from_slice(portion);
            // Meanwhile, the connection is used for anything but receiving.
            endpoint.advance(Duration::ZERO);
            if endpoint.connection.put_back_message_store(store, portion.len()) {
                take(endpoint, seen);
            }
            continue;
        }
        let Some((store, most)) = endpoint.connection.message_store() else {
            let (portion, later) = rest.split_at(portion);
            rest = later;
            endpoint.inbox.extend(portion);
            take(endpoint, seen);
            continue;
        };
        assert!(most > 0, "a store without room");
        assert!(most <= store.capacity() - store.len(), "{most} bytes of room");
        let (portion, later) = rest.split_at(portion.min(most));
        rest = later;
        store.extend_from_slice(portion);
        if endpoint.connection.handle_stored(portion.len()) {
            take(endpoint, seen);
        }
    }
    // A turn in between finds nothing, or the error again.
    take(endpoint, seen);
}
