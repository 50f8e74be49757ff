//! permessage-deflate for tests: contexts in a word, lenders that count and lenders that cheat, and a peer on zlib.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use flate2::{Compress, Compression as Level, FlushCompress, Status};
use tidewire_proto::deflate::{
    Choice, Codecs, Compression, Context, Contexts, Deflater, Extension, Inflater, Owner, Shape, Takeover,
    WindowBits,
};

use tidewire_proto::{End, Server};

use crate::corpus::Random;
use crate::endpoint::Endpoint;
use crate::reference::{self, Sender};
use crate::wire::Frame;

/// A context: the window's logarithm, negative without takeover.
///
/// # Panics
/// Where there is no such window.
pub fn context(bits: i8) -> Context {
    Context {
        takeover: if bits < 0 {
            Takeover::Forbidden
        } else {
            Takeover::Allowed
        },
        window_bits: WindowBits::new(bits.unsigned_abs()).expect("8 to 15"),
    }
}

/// The contexts of both sides, each as [`context`] reads it.
pub fn contexts(server: i8, client: i8) -> Contexts {
    Contexts {
        server: context(server),
        client: context(client),
    }
}

/// These contexts both ways, with codecs from here.
pub fn extension(server: i8, client: i8, codecs: &Arc<impl Codecs + 'static>) -> Extension {
    Extension::new(contexts(server, client), codecs.clone())
}

/// What is compressed how.
pub fn compression(level: u8, threshold: usize) -> Compression {
    Compression {
        level,
        choice: Choice::WorthWhile { threshold },
        ..Compression::default()
    }
}

/// What happened to a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Compressors lent and not given back.
    pub deflaters_out: i64,
    /// Inflaters lent and not given back.
    pub inflaters_out: i64,
    /// Compressors lent in all.
    pub deflaters_taken: u64,
    /// Inflaters lent in all.
    pub inflaters_taken: u64,
    /// How often a connection gave up its compressor.
    pub releases: u64,
}

/// A pool without a bound, which finds the compressor again that a connection gave back, and counts.
#[derive(Debug, Default)]
pub struct Pool(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    deflaters: Vec<Deflater>,
    inflaters: Vec<Inflater>,
    counts: Counts,
}

impl Pool {
    /// An empty one, to be shared.
    pub fn shared() -> Arc<Self> {
        Arc::default()
    }

    /// What happened so far.
    pub fn counts(&self) -> Counts {
        self.kept().counts
    }

    /// How many compressors rest here that belong to a connection.
    pub fn owned(&self) -> usize {
        let kept = self.kept();
        kept.deflaters.iter().filter(|one| one.owner().is_some()).count()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("nobody panics with it")
    }
}

impl Codecs for Pool {
    fn take_deflater(&self, shape: Shape, owner: Owner) -> Deflater {
        let mut kept = self.kept();
        kept.counts.deflaters_out += 1;
        kept.counts.deflaters_taken += 1;
        let all = &kept.deflaters;
        let found = all.iter().position(|one| one.owner() == Some(owner)).or_else(|| {
            all.iter()
                .position(|one| one.owner().is_none() && one.shape() == shape)
        });
        match found {
            Some(found) => kept.deflaters.swap_remove(found),
            None => Deflater::new(shape),
        }
    }

    fn give_deflater(&self, deflater: Deflater) {
        let mut kept = self.kept();
        kept.counts.deflaters_out -= 1;
        kept.deflaters.push(deflater);
    }

    fn release(&self, owner: Owner) {
        let mut kept = self.kept();
        kept.counts.releases += 1;
        for deflater in &mut kept.deflaters {
            if deflater.owner() == Some(owner) {
                deflater.disown();
            }
        }
    }

    fn take_inflater(&self) -> Inflater {
        let mut kept = self.kept();
        kept.counts.inflaters_out += 1;
        kept.counts.inflaters_taken += 1;
        kept.inflaters.pop().unwrap_or_default()
    }

    fn give_inflater(&self, inflater: Inflater) {
        let mut kept = self.kept();
        kept.counts.inflaters_out -= 1;
        kept.inflaters.push(inflater);
    }
}

/// A lender that gives any codec to anybody: of other owners, of the wrong shape, long stale, new, or the right one.
#[derive(Debug)]
pub struct Careless(Mutex<Heap>);

#[derive(Debug)]
struct Heap {
    random: Random,
    deflaters: VecDeque<Deflater>,
    inflaters: Vec<Inflater>,
}

impl Careless {
    /// One whose whims this seed determines.
    pub fn shared(seed: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Heap {
            random: Random::new(seed),
            deflaters: VecDeque::new(),
            inflaters: Vec::new(),
        })))
    }
}

impl Codecs for Careless {
    fn take_deflater(&self, shape: Shape, owner: Owner) -> Deflater {
        let Heap {
            random, deflaters, ..
        } = &mut *self.0.lock().expect("nobody panics with it");
        let found = match random.below(5) {
            0 => None,
            1 => deflaters.pop_front(),
            2 => deflaters.pop_back(),
            3 => {
                let own = deflaters.iter().position(|one| one.owner() == Some(owner));
                own.and_then(|own| deflaters.remove(own))
            }
            _ => {
                let level = 1 + random.below(9).to_le_bytes()[0];
                let window_bits = random.one_of(&[WindowBits::MIN, shape.window_bits, WindowBits::MAX]);
                return Deflater::new(Shape { level, window_bits });
            }
        };
        found.unwrap_or_else(|| Deflater::new(shape))
    }

    fn give_deflater(&self, deflater: Deflater) {
        let Heap {
            random, deflaters, ..
        } = &mut *self.0.lock().expect("nobody panics with it");
        if deflaters.len() > 12 {
            let at = random.below(deflaters.len());
            deflaters.remove(at);
        }
        deflaters.push_back(deflater);
    }

    fn release(&self, _owner: Owner) {}

    fn take_inflater(&self) -> Inflater {
        let Heap {
            random, inflaters, ..
        } = &mut *self.0.lock().expect("nobody panics with it");
        if inflaters.is_empty() || random.one_in(3) {
            return Inflater::new();
        }
        let at = random.below(inflaters.len());
        inflaters.swap_remove(at)
    }

    fn give_inflater(&self, inflater: Inflater) {
        let Heap { inflaters, .. } = &mut *self.0.lock().expect("nobody panics with it");
        inflaters.truncate(4);
        inflaters.push(inflater);
    }
}

/// A peer's compressor, which lives as long as its connection.
#[derive(Debug)]
pub struct Compressor {
    compress: Compress,
    takeover: bool,
}

impl Compressor {
    /// One of this level (0 stores) and [`context`].
    pub fn new(level: u32, bits: i8) -> Self {
        let window = bits.unsigned_abs().max(9);
        Self {
            compress: Compress::new_with_window_bits(Level::new(level), false, window),
            takeover: bits > 0,
        }
    }

    /// One whose stream may refer to `history`.
    ///
    /// # Panics
    /// Never, with a raw stream that is new.
    pub fn with_history(level: u32, bits: i8, history: &[u8]) -> Self {
        let mut new = Self::new(level, bits);
        new.compress
            .set_dictionary(history)
            .expect("a raw stream that has not begun");
        new
    }

    /// Compresses a message as RFC 7692 §7.2.1 has it.
    ///
    /// # Panics
    /// Where zlib does not end its flush as it has to.
    pub fn message(&mut self, text: &[u8]) -> Vec<u8> {
        let mut payload = self.flush(text, FlushCompress::Sync);
        if payload.is_empty() {
            return vec![0];
        }
        assert!(payload.ends_with(&[0, 0, 0xff, 0xff]), "a flush");
        payload.truncate(payload.len() - 4);
        if !self.takeover {
            self.compress.reset();
        }
        payload
    }

    /// Compresses a part of a message that can be inflated as soon as it arrives.
    pub fn part(&mut self, text: &[u8]) -> Vec<u8> {
        self.flush(text, FlushCompress::Sync)
    }

    /// Compresses a text that ends with a final block, and forgets all.
    pub fn finish(&mut self, text: &[u8]) -> Vec<u8> {
        let stream = self.flush(text, FlushCompress::Finish);
        self.compress.reset();
        stream
    }

    fn flush(&mut self, mut text: &[u8], flush: FlushCompress) -> Vec<u8> {
        let mut out = Vec::new();
        let mut buffer = vec![0; 64 + text.len() + text.len() / 100];
        loop {
            let before = (self.compress.total_in(), self.compress.total_out());
            let status = self
                .compress
                .compress(text, &mut buffer, flush)
                .expect("a stream in order");
            let count = |before: u64, after: u64| usize::try_from(after - before).expect("within the slices");
            text = &text[count(before.0, self.compress.total_in())..];
            let written = count(before.1, self.compress.total_out());
            out.extend_from_slice(&buffer[..written]);
            let is_done = status == Status::StreamEnd || status == Status::BufError;
            if is_done || (text.is_empty() && flush != FlushCompress::Finish && written < buffer.len()) {
                return out;
            }
        }
    }
}

/// A message that repeats the three bytes which stand `distance` back from its start, in a block made by hand
/// (RFC 1951 §3.2.5 and §3.2.6).
pub fn reference_back(distance: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    // Huffman codes begin with their highest bit, all other numbers with their lowest.
    let high = |bits: &mut Vec<bool>, value: usize, count: u32| {
        bits.extend((0..count).rev().map(|i| value >> i & 1 == 1));
    };
    let low = |bits: &mut Vec<bool>, value: usize, count: u32| {
        bits.extend((0..count).map(|i| value >> i & 1 == 1));
    };
    low(&mut bits, 0, 1);
    low(&mut bits, 1, 2);
    high(&mut bits, 257 - 256, 7);
    let back = distance - 1;
    if back < 4 {
        high(&mut bits, back, 5);
    } else {
        let extra = back.ilog2() - 1;
        high(&mut bits, 2 * extra as usize + (back >> extra), 5);
        low(&mut bits, back & ((1 << extra) - 1), extra);
    }
    high(&mut bits, 0, 7);
    low(&mut bits, 0, 3);
    bits.chunks(8)
        .map(|bits| bits.iter().enumerate().map(|(i, bit)| u8::from(*bit) << i).sum())
        .collect()
}

/// A frame, and whether its RSV1 was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// RSV1, of a control frame, too.
    pub compressed: bool,
    /// The rest of it.
    pub frame: reference::Frame,
}

/// Reads a stream of whole frames, on which RSV1 has a meaning.
///
/// # Panics
/// Where it is none.
pub fn frames(bytes: &[u8], sender: Sender) -> Vec<Sent> {
    let mut bytes = bytes.to_vec();
    let mut rest = &mut bytes[..];
    let mut frames = Vec::new();
    while let [first, ..] = rest {
        let compressed = *first & 0x40 != 0;
        *first &= 0xbf;
        match reference::frame(rest, sender) {
            reference::Start::Whole(frame, len) => {
                frames.push(Sent { compressed, frame });
                rest = &mut rest[len..];
            }
            other => panic!("no whole frame: {other:?}"),
        }
    }
    frames
}

/// Puts a server in the middle of a compressed message in both directions, for which it borrows one codec of each kind.
///
/// # Panics
/// Where it borrows anything else.
pub fn begin_both_ways(server: &mut Endpoint<Server>, pool: &Pool, noise: &[u8]) {
    let part = Compressor::new(6, 15).part(noise);
    assert_eq!(server.receive(&[Frame::new(0x42, part)]), []);
    server.send(|tx| tx.fragment(noise, End::More)).expect("open");
    let counts = pool.counts();
    assert_eq!(
        (counts.inflaters_out, counts.deflaters_out),
        (1, 1),
        "one of each is lent"
    );
}
