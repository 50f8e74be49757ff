//! Very many messages, compressed: each must arrive as it was sent, whatever was agreed on and whenever one sleeps.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tidewire_proto::deflate::{Codecs, Compression, Prepared};
use tidewire_proto::{Client, Config, End, Message, OwnedMessage, Role, Server};

use crate::corpus::{Random, Text};
use crate::deflate::{Careless, Pool, compression, extension, frames};
use crate::endpoint::{Endpoint, Keys, Seen};
use crate::pair::Pair;
use crate::python::Zlib;
use crate::wire::Frame;

/// The longest message as a logarithm.
const MAX_BITS: usize = 18;
/// Longer than any connection here stays awake in idleness.
const SLEEP: Duration = Duration::from_millis(300);

/// How many messages, and which.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many.
    pub messages: u64,
    /// Determines everything.
    pub seed: u64,
}

/// What has been carried.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Messages that arrived.
    pub messages: u64,
    /// How many of them were compressed.
    pub compressed: u64,
    /// Their text in bytes.
    pub plain: u64,
    /// Their frames in bytes.
    pub wire: u64,
    /// How often both sides were put to sleep.
    pub sleeps: u64,
    /// How many connections they went over.
    pub connections: u64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} messages ({} compressed) of {} MiB in {} MiB on the wire, {} connections, {} sleeps",
            self.messages,
            self.compressed,
            self.plain >> 20,
            self.wire >> 20,
            self.connections,
            self.sleeps
        )
    }
}

/// What a connection agreed on, at random.
fn agreed(random: &mut Random) -> (i8, i8, Compression, Compression) {
    let mut bits = || {
        let bits = random.one_of(&[8, 9, 10, 11, 12, 13, 14, 15, 15, 15]);
        if random.one_in(4) { -bits } else { bits }
    };
    let (server, client) = (bits(), bits());
    let mut how = || {
        let level = random.one_of(&[1, 1, 1, 2, 3, 4, 5, 6, 6, 7, 8, 9]);
        compression(level, random.one_of(&[0, 0, 16, 64, 64, 300]))
    };
    (server, client, how(), how())
}

/// Carries messages between a client and a server of ours.
///
/// # Panics
/// Where a message does not arrive as it was sent.
pub fn pair(settings: Settings, mut progress: impl FnMut(&Totals)) -> Totals {
    let mut random = Random::new(settings.seed);
    let mut totals = Totals::default();
    let pool: Arc<dyn Codecs> = Pool::shared();
    let careless: Arc<dyn Codecs> = Careless::shared(settings.seed);
    while totals.messages < settings.messages {
        totals.connections += 1;
        let (server, client, down, up) = agreed(&mut random);
        let codecs = if random.one_in(4) { &careless } else { &pool };
        let agreed =
            tidewire_proto::deflate::Extension::new(crate::deflate::contexts(server, client), codecs.clone());
        let config = Config::new().keepalive(None);
        let mut pair = Pair {
            client: Endpoint::with_deflate(
                Client::new(Keys::default()),
                config.clone(),
                &agreed.clone().compression(up),
            ),
            server: Endpoint::with_deflate(Server, config, &agreed.compression(down)),
        };
        let messages = 1 + random.below(2000) as u64;
        for _ in 0..messages.min(settings.messages - totals.messages) {
            if random.one_in(12) {
                totals.sleeps += 1;
                pair.advance(SLEEP);
            }
            if random.one_in(2) {
                carry(&mut random, &mut pair.client, &mut pair.server, &mut totals);
            } else {
                carry(&mut random, &mut pair.server, &mut pair.client, &mut totals);
            }
            progress(&totals);
        }
    }
    totals
}

/// Sends a message in any of the ways there are.
fn send<R: Role>(random: &mut Random, from: &mut Endpoint<R>, text: &Text) {
    let way = random.below(10);
    let written = from.send(|tx| match text {
        Text::Text(text) => match way {
            0 => tx.message_uncompressed(text.as_str()),
            1 => tx.prepared(&Prepared::new(OwnedMessage::Text(text.clone()))),
            2 => {
                let mut cut = random.below(text.len() + 1);
                while !text.is_char_boundary(cut) {
                    cut -= 1;
                }
                tx.fragment(&text[..cut], End::More)?;
                tx.fragment("", End::More)?;
                tx.fragment(&text[cut..], End::Last)
            }
            _ => tx.message(text.as_str()),
        },
        Text::Binary(bytes) => match way {
            0 => tx.message_uncompressed(&bytes[..]),
            1 => tx.prepared(&Prepared::new(OwnedMessage::Binary(bytes.clone()))),
            2 | 3 => {
                let mut rest = &bytes[..];
                for _ in 0..random.below(4) {
                    let (part, after) = rest.split_at(random.below(rest.len() + 1));
                    tx.fragment(part, End::More)?;
                    rest = after;
                }
                tx.fragment(rest, End::Last)
            }
            _ => tx.message(&bytes[..]),
        },
    });
    assert_eq!(written, Ok(()), "the connection is open");
}

fn carry<A: Role, B: Role>(
    random: &mut Random,
    from: &mut Endpoint<A>,
    to: &mut Endpoint<B>,
    totals: &mut Totals,
) {
    let text = Text::any(random, MAX_BITS);
    send(random, from, &text);
    let wire = from.flush();
    totals.compressed += u64::from(wire.first().is_some_and(|first| first & 0x40 != 0));
    receive(random, to, &wire, &text, totals);
}

/// Has bytes arrive in pieces, which must make this message.
fn receive<R: Role>(
    random: &mut Random,
    to: &mut Endpoint<R>,
    wire: &[u8],
    text: &Text,
    totals: &mut Totals,
) {
    let (mut rest, mut seen) = (wire, Vec::new());
    while random.one_in(2) && rest.len() > 1 {
        let (piece, after) = rest.split_at(random.below(rest.len()));
        seen.extend(to.receive_bytes(piece));
        rest = after;
    }
    seen.extend(to.receive_bytes(rest));
    let arrived = match (&seen[..], text) {
        ([Seen::Text(seen)], Text::Text(text)) => seen == text,
        ([Seen::Binary(seen)], Text::Binary(bytes)) => seen == bytes,
        _ => false,
    };
    assert!(
        arrived,
        "message {}, connection {}: {:.300?} arrived as {:.300?}",
        totals.messages, totals.connections, text, seen
    );
    totals.messages += 1;
    totals.plain += text.as_bytes().len() as u64;
    totals.wire += wire.len() as u64;
}

/// Carries messages between an endpoint of ours, in either role, and Python's zlib.
///
/// # Errors
/// Where the process ends.
///
/// # Panics
/// Where a message does not arrive as it was sent.
pub fn python(settings: Settings, zlib: &mut Zlib, mut progress: impl FnMut(&Totals)) -> io::Result<Totals> {
    let mut random = Random::new(settings.seed);
    let mut totals = Totals::default();
    let pool = Pool::shared();
    let config = Config::new().keepalive(None);
    while totals.messages < settings.messages {
        totals.connections += 1;
        let (server, client, ours, _) = agreed(&mut random);
        let messages = (1 + random.below(2000) as u64).min(settings.messages - totals.messages);
        let level = 1 + random.below(9).to_le_bytes()[0];
        let agreed = extension(server, client, &pool).compression(ours);
        if random.one_in(2) {
            zlib.begin(server, client, level)?;
            let endpoint = Endpoint::with_deflate(Server, config.clone(), &agreed);
            with_python(
                &mut random,
                endpoint,
                zlib,
                client < 0,
                messages,
                &mut totals,
                &mut progress,
            )?;
        } else {
            zlib.begin(client, server, level)?;
            let endpoint = Endpoint::with_deflate(Client::new(Keys::default()), config.clone(), &agreed);
            with_python(
                &mut random,
                endpoint,
                zlib,
                server < 0,
                messages,
                &mut totals,
                &mut progress,
            )?;
        }
    }
    Ok(totals)
}

fn with_python<R: Role>(
    random: &mut Random,
    mut endpoint: Endpoint<R>,
    zlib: &mut Zlib,
    may_finish: bool,
    messages: u64,
    totals: &mut Totals,
    progress: &mut impl FnMut(&Totals),
) -> io::Result<()> {
    for _ in 0..messages {
        if random.one_in(12) {
            totals.sleeps += 1;
            endpoint.advance(SLEEP);
        }
        let text = Text::any(random, MAX_BITS);
        if random.one_in(2) {
            send(random, &mut endpoint, &text);
            let wire = endpoint.flush();
            let frames = frames(&wire, endpoint.side());
            let payload: Vec<u8> = frames
                .iter()
                .flat_map(|sent| sent.frame.payload.iter().copied())
                .collect();
            let compressed = frames.first().is_some_and(|sent| sent.compressed);
            let arrived = if compressed {
                zlib.inflate(&payload)?
            } else {
                payload
            };
            assert!(
                arrived == text.as_bytes(),
                "message {} to Python, connection {}: {text:.300?}",
                totals.messages,
                totals.connections
            );
            totals.messages += 1;
            totals.compressed += u64::from(compressed);
            totals.plain += arrived.len() as u64;
            totals.wire += wire.len() as u64;
        } else {
            let opcode = match text {
                Text::Text(_) => 1,
                Text::Binary(_) => 2,
            };
            let frame = if random.one_in(10) {
                Frame::new(0x80 | opcode, text.as_bytes())
            } else if may_finish && random.one_in(3) {
                totals.compressed += 1;
                Frame::new(0xc0 | opcode, zlib.finish(text.as_bytes())?)
            } else {
                totals.compressed += 1;
                Frame::new(0xc0 | opcode, zlib.compress(text.as_bytes())?)
            };
            let wire = frame.sent_by(endpoint.peer());
            receive(random, &mut endpoint, &wire, &text, totals);
        }
        progress(totals);
    }
    Ok(())
}

/// A message of the corpus, to be sent.
impl<'m> From<&'m Text> for Message<'m> {
    fn from(text: &'m Text) -> Self {
        match text {
            Text::Text(text) => Message::Text(text),
            Text::Binary(bytes) => Message::Binary(bytes),
        }
    }
}
