use alloc::boxed::Box;
use alloc::sync::Arc;

use super::codec::{Owner, Shape};
use super::deflater::{Deflater, Place};
use super::density::is_dense;
use super::extension::{Choice, Extension, Shared};
use super::history::History;
use crate::deflate::context::{Context, Takeover, WindowBits};
use crate::event::{End, Message};
use crate::time::Instant;

/// What a connection remembers of the compressed messages it sends.
#[derive(Debug)]
pub(crate) struct Sending {
    window_bits: WindowBits,
    shared: Arc<Shared>,
    owner: Owner,
    /// What later messages may refer to; none without context takeover.
    stream: Option<Box<Stream>>,
    /// The compressor of a message that is sent in fragments.
    lent: Option<Deflater>,
}

#[derive(Debug)]
struct Stream {
    history: History,
    /// How much text was compressed.
    position: u64,
}

impl Sending {
    pub(crate) fn new(context: Context, extension: &Extension) -> Self {
        let stream = || Stream {
            history: History::new(context.window_bits.size()),
            position: 0,
        };
        Self {
            window_bits: context.window_bits,
            shared: extension.shared.clone(),
            owner: Owner::next(),
            stream: (context.takeover == Takeover::Allowed).then(|| Box::new(stream())),
            lent: None,
        }
    }

    /// Compresses a message, where that is worth while; [`settle`](Self::settle) is to follow.
    ///
    /// Whether it is must be known before the compressor sees the text: once it has, the peer must see it, too, or the
    /// two disagree about what later messages refer to. Where there is nothing to refer to, the outcome decides.
    pub(crate) fn message(&mut self, message: Message<'_>) -> Option<Deflater> {
        let text = message.as_bytes();
        let is_chosen = match self.shared.compression.choice {
            Choice::WorthWhile { threshold } => text.len() >= threshold && !is_dense(message),
            Choice::All => true,
        };
        if text.is_empty() || !is_chosen {
            return None;
        }
        let mut deflater = self.lend();
        if self.keeps_context() {
            self.seek(&mut deflater);
            deflater.deflate(text);
        } else {
            deflater.deflate_alone(text);
        }
        let has_grown = deflater.last_part().len() >= text.len();
        if has_grown && !self.keeps_context() && self.shared.compression.choice != Choice::All {
            self.give_back(deflater, None);
            return None;
        }
        Some(deflater)
    }

    /// Compresses a fragment of a compressed message; [`settle`](Self::settle) is to follow.
    pub(crate) fn fragment(&mut self, text: &[u8]) -> Deflater {
        let mut deflater = self.lent.take().unwrap_or_else(|| {
            let mut deflater = self.lend();
            self.seek(&mut deflater);
            deflater
        });
        deflater.deflate(text);
        deflater
    }

    /// Notes that what was compressed of this text is on its way.
    pub(crate) fn settle(&mut self, now: Instant, deflater: Deflater, text: &[u8], end: End) {
        if let Some(stream) = &mut self.stream {
            stream.history.push(now, text);
            stream.position += text.len() as u64;
        }
        match end {
            End::More => self.lent = Some(deflater),
            End::Last => {
                let place = self.place();
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
        self.window_bits
    }

    /// Whether messages may refer to earlier ones.
    pub(super) fn keeps_context(&self) -> bool {
        self.stream.is_some()
    }

    /// When the connection may sleep, unless it compresses something before; `None` where that gains nothing.
    pub(crate) fn sleeps_at(&self) -> Option<Instant> {
        self.stream
            .as_ref()?
            .history
            .sleeps_at(self.shared.compression.idle)
    }

    /// Gives up all but what later messages may refer to.
    pub(crate) fn sleep(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.history.sleep();
            self.shared.codecs.release(self.owner);
        }
    }

    /// Borrows a compressor that stands anywhere.
    fn lend(&self) -> Deflater {
        let shape = self.shape();
        let deflater = self.shared.codecs.take_deflater(shape, self.owner);
        if deflater.shape() == shape {
            deflater
        } else {
            Deflater::new(shape)
        }
    }

    /// Has a compressor go on with the stream.
    fn seek(&self, deflater: &mut Deflater) {
        let history = self.stream.as_ref().map(|stream| stream.history.window());
        deflater.seek(self.place(), history.unwrap_or_default());
    }

    /// Gives a compressor back, whose window holds this connection's stream up to `place`.
    fn give_back(&self, mut deflater: Deflater, place: Option<Place>) {
        deflater.mark(place);
        self.shared.codecs.give_deflater(deflater);
    }

    /// Where the stream stands that the next message goes on with.
    fn place(&self) -> Option<Place> {
        Some(Place {
            owner: self.owner,
            position: self.stream.as_ref()?.position,
        })
    }

    fn shape(&self) -> Shape {
        Shape {
            level: self.shared.compression.level,
            window_bits: self.window_bits,
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(deflater) = self.lent.take() {
            self.give_back(deflater, None);
        }
        if self.keeps_context() {
            self.shared.codecs.release(self.owner);
        }
    }
}
