use alloc::boxed::Box;

use super::codec::{Owner, Shape, Source};
use super::deflater::{Deflater, Place};
use super::density::is_dense;
use super::extension::{Choice, Compression, Extension};
use super::history::History;
use crate::deflate::context::{Context, Takeover, WindowBits};
use crate::event::{End, Message};
use crate::time::Instant;

/// What a connection remembers of the compressed messages it sends.
#[derive(Debug)]
pub(crate) struct Sending {
    context: Context,
    compression: Compression,
    codecs: Source,
    owner: Owner,
    history: History,
    /// How much text was compressed.
    position: u64,
    /// The compressor of a message that is sent in fragments.
    lent: Option<Box<Deflater>>,
    /// When something was compressed last, where a later message may refer to it; `None` while asleep.
    used: Option<Instant>,
}

impl Sending {
    pub(crate) fn new(context: Context, extension: &Extension) -> Self {
        Self {
            context,
            compression: extension.compression,
            codecs: extension.codecs.clone(),
            owner: Owner::next(),
            history: History::new(context.window_bits.size()),
            position: 0,
            lent: None,
            used: None,
        }
    }

    /// Compresses a message, where that is worth while; [`settle`](Self::settle) is to follow.
    ///
    /// Whether it is must be known before the compressor sees the text: once it has, the peer must see it, too, or the
    /// two disagree about what later messages refer to. Where there is nothing to refer to, the outcome decides.
    pub(crate) fn message(&mut self, message: Message<'_>) -> Option<Box<Deflater>> {
        let text = message.as_bytes();
        let is_chosen = match self.compression.choice {
            Choice::WorthWhile { threshold } => text.len() >= threshold && !is_dense(message),
            Choice::All => true,
        };
        if text.is_empty() || !is_chosen {
            return None;
        }
        let mut deflater = self.lend();
        deflater.deflate(text);
        let has_grown = deflater.last_part().len() >= text.len();
        if has_grown && !self.keeps_context() && self.compression.choice != Choice::All {
            self.give_back(deflater, None);
            return None;
        }
        Some(deflater)
    }

    /// Compresses a fragment of a compressed message; [`settle`](Self::settle) is to follow.
    pub(crate) fn fragment(&mut self, text: &[u8]) -> Box<Deflater> {
        let mut deflater = self.lent.take().unwrap_or_else(|| self.lend());
        deflater.deflate(text);
        deflater
    }

    /// Notes that what was compressed of this text is on its way.
    pub(crate) fn settle(&mut self, now: Instant, deflater: Box<Deflater>, text: &[u8], end: End) {
        if self.keeps_context() {
            self.used = Some(now);
            self.history.push(text);
            self.position += text.len() as u64;
        }
        match end {
            End::More => self.lent = Some(deflater),
            End::Last => {
                let place = self.keeps_context().then(|| self.place());
                self.give_back(deflater, place);
            }
        }
    }

    /// Compresses a message that any connection with this window can inflate, where that is worth while.
    pub(super) fn stand_alone(&mut self, message: Message<'_>) -> Option<Box<[u8]>> {
        let deflater = self.message(message)?;
        let payload = deflater.last_part().into();
        self.give_back(deflater, None);
        Some(payload)
    }

    pub(super) fn window_bits(&self) -> WindowBits {
        self.context.window_bits
    }

    /// Whether messages may refer to earlier ones.
    pub(super) fn keeps_context(&self) -> bool {
        self.context.takeover == Takeover::Allowed
    }

    /// When the connection may sleep, unless it compresses something before; `None` where that gains nothing.
    pub(crate) fn sleeps_at(&self) -> Option<Instant> {
        self.used.map(|used| used + self.compression.idle)
    }

    /// Gives up all but what later messages may refer to.
    pub(crate) fn sleep(&mut self) {
        self.used = None;
        self.history.rest();
        self.codecs.0.release(self.owner);
    }

    fn lend(&mut self) -> Box<Deflater> {
        let shape = self.shape();
        let mut deflater = self.codecs.0.take_deflater(shape, self.owner);
        if deflater.shape() != shape {
            deflater = Box::new(Deflater::new(shape));
        }
        deflater.seek(self.place(), self.history.window());
        deflater
    }

    /// Gives a compressor back, whose window holds this connection's stream up to `place`.
    fn give_back(&self, mut deflater: Box<Deflater>, place: Option<Place>) {
        deflater.mark(place);
        self.codecs.0.give_deflater(deflater);
    }

    fn place(&self) -> Place {
        Place {
            owner: self.owner,
            position: self.position,
        }
    }

    fn shape(&self) -> Shape {
        Shape {
            level: self.compression.level,
            window_bits: self.context.window_bits,
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(deflater) = self.lent.take() {
            self.give_back(deflater, None);
        }
        self.codecs.0.release(self.owner);
    }
}
