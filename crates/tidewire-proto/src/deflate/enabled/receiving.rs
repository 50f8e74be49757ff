use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use super::extension::{Extension, Shared};
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
    shared: Arc<Shared>,
    /// What later messages may refer to; none without context takeover.
    history: Option<Box<History>>,
    /// Boxed, since a message is open now and then, and most arrive whole.
    open: Option<Box<Open>>,
}

/// A message that has begun.
#[derive(Debug, Default)]
struct Open {
    /// Its start, which is not worth an inflater yet.
    waiting: Vec<u8>,
    lent: Option<Inflater>,
    /// How much it has given.
    len: usize,
}

impl Receiving {
    pub(crate) fn new(context: Context, extension: &Extension) -> Self {
        let history = || Box::new(History::new(context.window_bits.size()));
        Self {
            shared: extension.shared.clone(),
            history: (context.takeover == Takeover::Allowed).then(history),
            open: None,
        }
    }

    /// How many bytes were taken that will be inflated together with the next piece.
    pub(crate) fn waiting(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.waiting.len())
    }

    /// Takes a piece of a compressed message, and hands over what it gives; fails beyond `limit` bytes a message.
    ///
    /// Gives the work of it, in bytes inflated.
    pub(crate) fn inflate(
        &mut self,
        now: Instant,
        piece: &[u8],
        end: End,
        limit: usize,
        take: impl FnMut(&[u8]) -> Result<(), ProtocolError>,
    ) -> Result<usize, ProtocolError> {
        let mut begun = self.open.take();
        let mut begins = Open::default();
        let open = begun.as_deref_mut().unwrap_or(&mut begins);
        let work = self.go_on(open, piece, end, limit, take);
        if work.is_ok() && end == End::Last {
            let open = mem::take(open);
            self.settle(now, open);
        } else {
            self.open = Some(begun.unwrap_or_else(|| Box::new(begins)));
        }
        work
    }

    /// Takes a piece of the open message; gives the work of it.
    fn go_on(
        &self,
        open: &mut Open,
        piece: &[u8],
        end: End,
        limit: usize,
        mut take: impl FnMut(&[u8]) -> Result<(), ProtocolError>,
    ) -> Result<usize, ProtocolError> {
        if end == End::More && open.lent.is_none() && open.waiting.len() + piece.len() <= WAITING {
            open.waiting.extend_from_slice(piece);
            return Ok(0);
        }
        let mut work = 0;
        let history = self.history.as_ref().map(|history| history.window());
        let history = history.unwrap_or_default();
        let inflater = open.lent.get_or_insert_with(|| {
            let mut inflater = self.shared.codecs.take_inflater();
            work += inflater.begin(history);
            inflater
        });
        for input in [&*open.waiting, piece] {
            work += inflater.inflate(input, history, limit, &mut open.len, &mut take)?;
        }
        open.waiting = Vec::new();
        if end == End::Last {
            inflater.finish()?;
        }
        Ok(work)
    }

    /// When the connection may sleep, unless it inflates something before; `None` where that gains nothing.
    pub(crate) fn sleeps_at(&self) -> Option<Instant> {
        self.history.as_ref()?.sleeps_at(self.shared.compression.idle)
    }

    /// Gives up all but what later messages may refer to.
    pub(crate) fn sleep(&mut self) {
        if let Some(history) = &mut self.history {
            history.sleep();
        }
    }

    /// Ends a message.
    fn settle(&mut self, now: Instant, open: Open) {
        if let Some(inflater) = open.lent {
            if let Some(history) = &mut self.history {
                history.push(now, inflater.text());
            }
            self.shared.codecs.give_inflater(inflater);
        }
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        if let Some(inflater) = self.open.take().and_then(|open| open.lent) {
            self.shared.codecs.give_inflater(inflater);
        }
    }
}
