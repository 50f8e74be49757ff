use std::time::Duration;

use tidewire_proto::{Client, Config, End, Role, Server};

use super::Source;
use crate::deflate::{Careless, compression, extension};
use crate::endpoint::{Endpoint, Keys, Seen};

/// Compressed messages are read as they were written, with any windows, levels, fragments, sleeps and pieces, from
/// whatever codecs.
///
/// # Panics
/// Where they are not.
pub fn deflate_round_trip(data: &[u8]) {
    let mut source = Source::new(data);
    let mut bits = || {
        let byte = source.byte();
        let bits = 8 + i8::try_from(byte % 8).expect("less than 8");
        if byte & 0x80 == 0 { bits } else { -bits }
    };
    let agreed = (bits(), bits());
    let settings = compression(1 + source.byte() % 9, usize::from(source.byte()));
    let codecs = Careless::shared(u64::from(source.byte()));
    let extension = extension(agreed.0, agreed.1, &codecs).compression(settings);
    let config = Config::new().keepalive(None);
    let mut client = Endpoint::with_deflate(Client::new(Keys::default()), config.clone(), &extension);
    let mut server = Endpoint::with_deflate(Server, config, &extension);
    while !source.is_empty() {
        if source.flag() {
            carry(&mut source, &mut client, &mut server);
        } else {
            carry(&mut source, &mut server, &mut client);
        }
    }
}

fn carry<A: Role, B: Role>(source: &mut Source<'_>, from: &mut Endpoint<A>, to: &mut Endpoint<B>) {
    let choice = source.byte();
    if choice & 0x80 != 0 {
        from.advance(Duration::from_millis(300));
        to.advance(Duration::from_millis(300));
    }
    let last = choice % 4;
    let mut message = Vec::new();
    for i in 0..=last {
        let end = if i == last { End::Last } else { End::More };
        let len = source.number();
        let pattern_len = usize::from(source.byte() % 64);
        let pattern = source.take(pattern_len);
        // The source's own bytes, and a repetition of them that may be longer than any window.
        let part: Vec<u8> = pattern.iter().chain(b"-").copied().cycle().take(len).collect();
        message.extend_from_slice(&part);
        from.send(|tx| match choice & 0x40 {
            0 => tx.fragment(&part[..], end),
            _ if last == 0 => tx.message_uncompressed(&part[..]),
            _ => tx.fragment(&part[..], end),
        })
        .expect("open");
    }
    let wire = from.flush();
    let cut = source.number().min(wire.len());
    let mut seen = to.receive_bytes(&wire[..cut]);
    seen.extend(to.receive_bytes(&wire[cut..]));
    assert!(seen == [Seen::Binary(message)], "{seen:.200?}");
}
