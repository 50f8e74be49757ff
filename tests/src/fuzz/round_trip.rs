use tidewire_proto::{Config, End, Role};

use super::Source;
use crate::endpoint::{Endpoint, Seen};

/// Lengths of fragments: around those where the form of the length changes.
const LENS: [usize; 8] = [0, 1, 2, 125, 126, 127, 65_535, 65_536];

/// Messages in any fragments, with pings between them, are read as they were written, in both directions.
///
/// # Panics
/// Where they are not.
pub fn round_trip(data: &[u8]) {
    let mut source = Source::new(data);
    let (client, server) = (Endpoint::client(Config::new()), Endpoint::server(Config::new()));
    if source.flag() {
        run(&mut source, client, server);
    } else {
        run(&mut source, server, client);
    }
}

fn run<A: Role, B: Role>(source: &mut Source<'_>, mut from: Endpoint<A>, mut to: Endpoint<B>) {
    let mut sent = Vec::new();
    for _ in 0..=source.byte() % 8 {
        let is_text = source.flag();
        let mut message = Vec::new();
        let last = source.byte() % 4;
        for fragment in 0..=last {
            if source.flag() {
                let payload = source.take(usize::from(fragment));
                from.send(|tx| tx.ping_with(payload))
                    .expect("fewer than 64 pings wait");
                sent.push(Seen::Ping(payload.to_vec()));
            }
            let end = if fragment == last { End::Last } else { End::More };
            let part = fragment_of(source, is_text);
            message.extend_from_slice(&part);
            let written = match String::from_utf8(part) {
                Ok(text) if is_text => from.send(|tx| tx.fragment(&*text, end)),
                Ok(text) => from.send(|tx| tx.fragment(text.as_bytes(), end)),
                Err(bytes) => from.send(|tx| tx.fragment(bytes.as_bytes(), end)),
            };
            assert_eq!(written, Ok(()));
        }
        sent.push(match String::from_utf8(message) {
            Ok(text) if is_text => Seen::Text(text),
            Ok(text) => Seen::Binary(text.into_bytes()),
            Err(bytes) => Seen::Binary(bytes.into_bytes()),
        });
    }
    let (wire, mut received) = (from.flush(), Vec::new());
    let mut rest = &wire[..];
    while !rest.is_empty() {
        // In pieces as long as the source has any.
        let len = if source.is_empty() {
            rest.len()
        } else {
            source.number().clamp(1, rest.len())
        };
        let (piece, after) = rest.split_at(len);
        received.extend(to.receive_bytes(piece));
        rest = after;
    }
    assert!(
        received == sent,
        "sent and received differ: {sent:.200?} {received:.200?}"
    );
}

/// A fragment that repeats a few bytes of the source; text where it has to be.
fn fragment_of(source: &mut Source<'_>, is_text: bool) -> Vec<u8> {
    let len = LENS[usize::from(source.byte() % 8)];
    let pattern = source.take(4);
    let bytes: Vec<u8> = pattern.iter().chain(b"-").copied().cycle().take(len).collect();
    if is_text {
        String::from_utf8_lossy(&bytes).into_owned().into_bytes()
    } else {
        bytes
    }
}
