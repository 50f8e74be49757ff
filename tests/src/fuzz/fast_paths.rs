use std::time::Duration;

use tidewire_proto::{Client, Config, Delivery, Limits, Role, Server};

use super::Source;
use crate::corpus::Random;
use crate::deflate::{Pool, extension};
use crate::endpoint::{Endpoint, Keys};
use crate::reference::Sender;
use crate::ways::{Way, run};
use crate::wire::Frame;

/// More than it takes for a store to be lent, several times.
const MAX_STREAM: usize = 256 * 1024;

/// Whatever arrives, taken at hand or read into stores in any portions, has the same events, output and end as in turns.
///
/// # Panics
/// Where it has not.
pub fn fast_paths(data: &[u8]) {
    let mut source = Source::new(data);
    let setting = source.byte();
    let random = Random::new(u64::from(source.byte()));
    let pause = Duration::from_secs(u64::from(source.byte() % 32));
    let cuts = [source.number(), source.number(), source.number()];
    if setting & 1 == 0 {
        let stream = stream(&mut source, Sender::Server);
        compare(
            || Client::new(Keys::default()),
            setting,
            &random,
            &cuts,
            &stream,
            pause,
        );
    } else {
        let stream = stream(&mut source, Sender::Client);
        compare(|| Server, setting, &random, &cuts, &stream, pause);
    }
}

/// Bytes as they are, and frames whose payload repeats what the source gives: few inputs have long messages by themselves.
fn stream(source: &mut Source<'_>, sender: Sender) -> Vec<u8> {
    let mut stream = Vec::new();
    while !source.is_empty() && stream.len() < MAX_STREAM {
        let len = usize::from(source.byte());
        if len % 4 == 0 {
            stream.extend_from_slice(source.take(len / 4));
            continue;
        }
        let first = source.byte();
        let repeats = 1 + source.number();
        let payload = source.take(len / 4).repeat(repeats);
        let frame = Frame::new(first, &payload[..payload.len().min(MAX_STREAM)]);
        stream.extend(frame.sent_by(sender));
    }
    stream
}

fn compare<R: Role>(
    role: impl Fn() -> R,
    setting: u8,
    random: &Random,
    cuts: &[usize],
    stream: &[u8],
    pause: Duration,
) {
    let endpoint = || {
        let limits = match setting & 2 {
            0 => Limits::default(),
            _ => Limits::default().message(70_000).frame(40_000).fragments(3),
        };
        let config = Config::new().limits(limits);
        let mut endpoint = match setting & 4 {
            0 => Endpoint::new(role(), config),
            _ => Endpoint::with_deflate(role(), config, &extension(12, 12, &Pool::shared())),
        };
        if setting & 0x18 == 0x18 {
            endpoint.connection.set_delivery(Delivery::Chunks);
        }
        endpoint
    };
    let (mut pieces, mut rest) = (Vec::new(), stream);
    for cut in cuts {
        let (piece, later) = rest.split_at((*cut).min(rest.len()));
        pieces.push(piece);
        rest = later;
    }
    pieces.push(rest);
    let long = run(endpoint(), &pieces, Way::Turns, pause);
    for way in [Way::AtHand, Way::Stored(random.clone())] {
        let short = run(endpoint(), &pieces, way.clone(), pause);
        assert!(short == long, "{way:?}:\n{short:.400?}\n{long:.400?}");
    }
}
