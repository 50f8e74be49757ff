//! permessage-deflate: whatever is sent arrives, with any settings, in any pieces and with any rest in between.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tidewire_proto::{Client, Config, Delivery, End, Role, Server};
use tidewire_tests::corpus::{Random, Text};
use tidewire_tests::deflate::{Pool, compression, extension};
use tidewire_tests::endpoint::{Endpoint, Keys, Seen, joined};
use tidewire_tests::pair::Pair;

/// One thing that happens.
#[derive(Clone, Debug)]
struct Step {
    upward: bool,
    seed: u64,
    bits: usize,
    /// Where the message is cut into fragments, and its bytes on the wire into pieces.
    fragments: Vec<Index>,
    pieces: Vec<Index>,
    raw: bool,
    chunks: bool,
    pause: u64,
}

fn step() -> impl Strategy<Value = Step> {
    (
        any::<bool>(),
        any::<u64>(),
        0..14_usize,
        vec(any::<Index>(), 0..4),
        vec(any::<Index>(), 0..4),
        proptest::bool::weighted(0.15),
        any::<bool>(),
        prop_oneof![3 => Just(0_u64), 1 => 0..600_u64],
    )
        .prop_map(
            |(upward, seed, bits, fragments, pieces, raw, chunks, pause)| Step {
                upward,
                seed,
                bits,
                fragments,
                pieces,
                raw,
                chunks,
                pause,
            },
        )
}

fn bits() -> impl Strategy<Value = i8> {
    prop_oneof![8..=15_i8, -15..=-8_i8]
}

fn cuts(at: &[Index], len: usize) -> Vec<usize> {
    let mut cuts: Vec<usize> = at.iter().map(|at| at.index(len + 1)).collect();
    cuts.sort_unstable();
    cuts.push(len);
    cuts
}

/// Sends a message and has it arrive; gives what was seen.
fn carry<A: Role, B: Role>(
    step: &Step,
    text: &Text,
    from: &mut Endpoint<A>,
    to: &mut Endpoint<B>,
) -> Vec<Seen> {
    from.send(|tx| match text {
        Text::Text(text) if step.raw => tx.message_uncompressed(text.as_str()),
        Text::Binary(bytes) if step.raw => tx.message_uncompressed(&bytes[..]),
        Text::Text(text) => {
            let mut rest = text.as_str();
            for cut in cuts(&step.fragments, text.len()) {
                let mut cut = cut - (text.len() - rest.len()).min(cut);
                while !rest.is_char_boundary(cut) {
                    cut -= 1;
                }
                let (part, after) = rest.split_at(cut);
                rest = after;
                if rest.is_empty() {
                    return tx.fragment(part, End::Last);
                }
                tx.fragment(part, End::More)?;
            }
            tx.fragment(rest, End::Last)
        }
        Text::Binary(bytes) => {
            let mut start = 0;
            let cuts = cuts(&step.fragments, bytes.len());
            for (i, cut) in cuts.iter().enumerate() {
                let end = if i + 1 == cuts.len() { End::Last } else { End::More };
                tx.fragment(&bytes[start..*cut], end)?;
                start = *cut;
            }
            Ok(())
        }
    })
    .expect("open");
    to.connection.set_delivery(if step.chunks {
        Delivery::Chunks
    } else {
        Delivery::Messages
    });
    let wire = from.flush();
    let (mut start, mut seen) = (0, Vec::new());
    for cut in cuts(&step.pieces, wire.len()) {
        seen.extend(to.receive_bytes(&wire[start..cut]));
        start = cut;
        to.advance(Duration::from_millis(step.pause));
    }
    from.advance(Duration::from_millis(step.pause));
    joined(seen)
}

proptest! {
    #[test]
    fn messages_arrive_as_they_were_sent(
        (server, client) in (bits(), bits()),
        (down, up) in ((1..=9_u8, 0..300_usize), (1..=9_u8, 0..300_usize)),
        steps in vec(step(), 1..25),
    ) {
        let pool = Pool::shared();
        let agreed = extension(server, client, &pool);
        let config = Config::new().keepalive(None);
        let ours = |(level, threshold)| agreed.clone().compression(compression(level, threshold));
        let mut pair = Pair {
            client: Endpoint::with_deflate(Client::new(Keys::default()), config.clone(), &ours(up)),
            server: Endpoint::with_deflate(Server, config, &ours(down)),
        };
        for (i, step) in steps.iter().enumerate() {
            let text = Text::any(&mut Random::new(step.seed), step.bits);
            let seen = if step.upward {
                carry(step, &text, &mut pair.client, &mut pair.server)
            } else {
                carry(step, &text, &mut pair.server, &mut pair.client)
            };
            let wanted = match text {
                Text::Text(text) => Seen::Text(text),
                Text::Binary(bytes) => Seen::Binary(bytes),
            };
            prop_assert!(seen == [wanted], "step {i}: {step:?}");
        }
        drop(pair);
        let counts = pool.counts();
        prop_assert_eq!((counts.inflaters_out, counts.deflaters_out), (0, 0));
    }
}
