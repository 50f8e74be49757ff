use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::codec::Source;
use super::extension::Extension;
use super::history::History;
use super::inflater::Inflater;
use crate::deflate::context::{Context, Takeover};
use crate::error::ProtocolError;
use crate::event::End;
use crate::time::Instant;

/// How many compressed bytes of an unfinished message wait before an inflater is lent for it.
const WAITING: usize = 1024;

/// What a connection remembers of the compressed messages it receives.
#[derive(Debug)]
pub(crate) struct Receiving {
    context: Context,
    codecs: Source,
    history: History,
    /// The start of a message, which is not worth an inflater yet.
    waiting: Vec<u8>,
    /// The inflater of the message that is open.
    lent: Option<Box<Inflater>>,
    /// How much the message that is open has given.
    len: usize,
    /// When something was inflated last, where a later message may refer to it; `None` while asleep.
    used: Option<Instant>,
    idle: Duration,
}

impl Receiving {
    pub(crate) fn new(context: Context, extension: &Extension) -> Self {
        Self {
            context,
            codecs: extension.codecs.clone(),
            history: History::new(context.window_bits.size()),
            waiting: Vec::new(),
            lent: None,
            len: 0,
            used: None,
            idle: extension.compression.idle,
        }
    }

    /// How many bytes were taken that will be inflated together with the next piece.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Takes a piece of a compressed message, and hands over what it gives; fails beyond `limit` bytes a message.
    pub(crate) fn inflate(
        &mut self,
        now: Instant,
        piece: &[u8],
        end: End,
        limit: usize,
        mut take: impl FnMut(&[u8]) -> Result<(), ProtocolError>,
    ) -> Result<(), ProtocolError> {
        if end == End::More && self.lent.is_none() && self.waiting.len() + piece.len() <= WAITING {
            self.waiting.extend_from_slice(piece);
            return Ok(());
        }
        let inflater = self.lent.get_or_insert_with(|| {
            let mut inflater = self.codecs.0.take_inflater();
            inflater.begin(self.history.window());
            inflater
        });
        let len = &mut self.len;
        for input in [&*self.waiting, piece] {
            inflater.inflate(input, self.history.window(), limit, len, &mut take)?;
        }
        self.waiting = Vec::new();
        if end == End::Last {
            inflater.finish()?;
            self.settle(now);
        }
        Ok(())
    }

    /// When the connection may sleep, unless it inflates something before; `None` where that gains nothing.
    pub(crate) fn sleeps_at(&self) -> Option<Instant> {
        self.used.map(|used| used + self.idle)
    }

    /// Gives up all but what later messages may refer to.
    pub(crate) fn sleep(&mut self) {
        self.used = None;
        self.history.rest();
    }

    /// Ends a message.
    fn settle(&mut self, now: Instant) {
        self.len = 0;
        if let Some(inflater) = self.lent.take() {
            if self.context.takeover == Takeover::Allowed {
                self.history.push(inflater.text());
                self.used = Some(now);
            }
            self.codecs.0.give_inflater(inflater);
        }
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        if let Some(inflater) = self.lent.take() {
            self.codecs.0.give_inflater(inflater);
        }
    }
}
