use std::sync::Arc;

use tidewire_proto::deflate::NoPool;
use tidewire_proto::extension::ReservedBit;
use tidewire_proto::{Config, Delivery, Limits, Role, SendError};

use super::Source;
use crate::deflate::extension as deflate;
use crate::endpoint::{Endpoint, Seen, joined};
use crate::pair::Pair;

/// Messages that an extension has encoded are read as they were written, with and without permessage-deflate behind it,
/// and any frames at all mean the same in pieces as in one.
///
/// # Panics
/// Where they are not, or do not.
pub fn extension(data: &[u8]) {
    let mut source = Source::new(data);
    let (compressed, chunks) = (source.flag(), source.flag());
    let config = Config::new()
        .keepalive(None)
        .limits(Limits::default().message(1 << 16));
    let pair = || {
        let pair = if compressed {
            Pair::with_deflate(&config, &deflate(15, 15, &Arc::new(NoPool)))
        } else {
            Pair::new(&config)
        };
        pair.extended(ReservedBit::Rsv2)
    };
    let mut both = pair();
    let count = source.byte() % 8;
    for _ in 0..count {
        let len = source.number().min(1 << 16);
        let pattern_len = usize::from(source.byte() % 64);
        let pattern = source.take(pattern_len);
        let message: Vec<u8> = pattern.iter().chain(b"-").copied().cycle().take(len).collect();
        if source.flag() {
            carry(&mut source, &mut both.client, &mut both.server, message);
        } else {
            carry(&mut source, &mut both.server, &mut both.client, message);
        }
    }
    let pieces = source.pieces();
    let read = |pieces: &[&[u8]]| {
        let mut server = pair().server;
        if chunks {
            server.connection.set_delivery(Delivery::Chunks);
        }
        let mut seen = Vec::new();
        for piece in pieces {
            seen.extend(server.receive_bytes(piece));
            if matches!(seen.last(), Some(Seen::Failed(_))) {
                break;
            }
        }
        (joined(seen), server.flush())
    };
    assert_eq!(read(&pieces), read(&[&pieces.concat()]));
}

fn carry<A: Role, B: Role>(
    source: &mut Source<'_>,
    from: &mut Endpoint<A>,
    to: &mut Endpoint<B>,
    message: Vec<u8>,
) {
    if from.send(|tx| tx.message(&message[..])) == Err(SendError::NotEncoded) {
        assert_eq!(message, b"secret");
        return;
    }
    let wire = from.flush();
    let cut = source.number().min(wire.len());
    let mut seen = to.receive_bytes(&wire[..cut]);
    seen.extend(to.receive_bytes(&wire[cut..]));
    assert!(seen == [Seen::Binary(message)], "{seen:.200?}");
}
