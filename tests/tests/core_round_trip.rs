//! Whatever is written is read again, however it is fragmented and split.

use proptest::collection::vec;
use proptest::prelude::*;
use tidewire_proto::{Config, Delivery, End, Role};
use tidewire_tests::endpoint::{Endpoint, Seen, joined};
use tidewire_tests::reference;

/// A message in fragments.
#[derive(Clone, Debug)]
enum Fragments {
    Text(Vec<String>),
    Binary(Vec<Vec<u8>>),
}

impl Fragments {
    fn whole(&self) -> Seen {
        match self {
            Self::Text(parts) => Seen::Text(parts.concat()),
            Self::Binary(parts) => Seen::Binary(parts.concat()),
        }
    }
}

fn message() -> impl Strategy<Value = Fragments> {
    let text = proptest::string::string_regex("\\PC{0,80}").expect("the pattern is right");
    // Around the lengths where the form of the length changes, and any.
    let len = prop_oneof![Just(0), 124..128usize, 65_534..65_538usize, 0..300usize];
    let binary = (any::<u8>(), len)
        .prop_map(|(first, len)| (0..len).map(|i| first.wrapping_add(i.to_le_bytes()[0])).collect());
    prop_oneof![
        vec(text, 1..4).prop_map(Fragments::Text),
        vec(binary, 1..4).prop_map(Fragments::Binary),
    ]
}

fn end(i: usize, len: usize) -> End {
    if i + 1 == len { End::Last } else { End::More }
}

fn write<R: Role>(endpoint: &mut Endpoint<R>, message: &Fragments) {
    endpoint.send(|tx| match message {
        Fragments::Text(parts) => {
            for (i, part) in parts.iter().enumerate() {
                tx.fragment(&**part, end(i, parts.len()))
                    .expect("the connection is open");
            }
        }
        Fragments::Binary(parts) => {
            for (i, part) in parts.iter().enumerate() {
                tx.fragment(&**part, end(i, parts.len()))
                    .expect("the connection is open");
            }
        }
    });
}

/// Sends messages one way, cut at these places of the whole; gives what arrived.
fn carry<A: Role, B: Role>(
    mut from: Endpoint<A>,
    mut to: Endpoint<B>,
    messages: &[Fragments],
    cuts: &[prop::sample::Index],
    delivery: Delivery,
) -> Vec<Seen> {
    to.connection.set_delivery(delivery);
    for message in messages {
        write(&mut from, message);
    }
    let wire = from.flush();
    // The independent decoder agrees that these are frames, and how many.
    let frames = reference::frames(&wire, from.side());
    let fragments: usize = messages
        .iter()
        .map(|message| match message {
            Fragments::Text(parts) => parts.len(),
            Fragments::Binary(parts) => parts.len(),
        })
        .sum();
    assert_eq!(frames.len(), fragments);
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(wire.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(wire.len());
    let mut start = 0;
    let mut seen = Vec::new();
    for cut in cuts {
        seen.extend(to.receive_bytes(&wire[start..cut]));
        start = cut;
    }
    joined(seen)
}

proptest! {
    #[test]
    fn messages_arrive_as_they_were_written(
        messages in vec(message(), 0..5),
        cuts in vec(any::<prop::sample::Index>(), 0..10),
        is_upward in any::<bool>(),
        is_chunked in any::<bool>(),
    ) {
        let (client, server) = (Endpoint::client(Config::new()), Endpoint::server(Config::new()));
        let delivery = if is_chunked { Delivery::Chunks } else { Delivery::Messages };
        let arrived = if is_upward {
            carry(client, server, &messages, &cuts, delivery)
        } else {
            carry(server, client, &messages, &cuts, delivery)
        };
        let sent: Vec<_> = messages.iter().map(Fragments::whole).collect();
        prop_assert!(arrived == sent, "sent {messages:?}");
    }
}
