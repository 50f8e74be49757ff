//! Receiving on the application's own thread.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tidewire_common::proto::{self, Inbox, Instant};
use tidewire_common::{Error, Session};

use super::writing::Patience;
use super::{Guard, Link, Reading, Sending, State};
use crate::clock;
use crate::transport::{Transport, is_vain};

/// How much is read in one system call: first, and once that was filled.
pub(super) const BUFFER: usize = 16 * 1024;
const BULK: usize = 64 * 1024;

/// What was done since the last wait.
#[derive(Default)]
struct Tried {
    reading: bool,
    writing: bool,
}

/// When the clock was looked at.
#[derive(Clone, Copy)]
enum Latest {
    /// Perhaps long ago.
    Before,
    /// After what was just read.
    Read,
}

/// Why nothing was received.
#[derive(Debug)]
pub(crate) enum ReceiveError {
    Timeout,
    Failed(Error),
}

impl<S: Transport> Link<S> {
    /// Waits for what `take` finds in the session and its input; `None` after a clean end.
    pub(crate) fn receive<T>(
        self: &Arc<Self>,
        deadline: Option<Instant>,
        mut take: impl FnMut(&mut Session, Instant, &mut Inbox) -> Option<T>,
    ) -> Result<Option<T>, ReceiveError> {
        let mut state = self.lock();
        let mut tried = Tried::default();
        let mut latest = Latest::Before;
        let result = loop {
            let now = match latest {
                // Without input, it is not asked for.
                Latest::Before if state.inbox.is_empty() => state.latest,
                Latest::Before => state.now(),
                Latest::Read => state.latest,
            };
            latest = Latest::Before;
            let State { session, inbox, .. } = &mut *state;
            if let Some(item) = take(session, now, inbox) {
                state.received += 1;
                state.news = true;
                if state.sending == Sending::AtOnce {
                    // Pongs that stood before it.
                    state = self.drain(state, Patience::None);
                }
                break Ok(Some(item));
            }
            if let Some(end) = session.end() {
                // It may have stood in what was just taken.
                state.news = true;
                break end.map(|()| None).map_err(ReceiveError::Failed);
            }
            if state.needs_writer() && !tried.writing {
                // What is owed leaves before anybody waits. Then everything is looked at anew: the lock was given up.
                let written = state.written;
                state = self.drain(state, Patience::None);
                tried.writing = state.written == written;
                continue;
            }
            if !state.inbox.is_empty() {
                // Enough was done for one turn: others want the lock, the keeper perhaps, which has more to look after.
                // The keeper need not do it instead: we are coming back.
                state.reading = Reading::Receiver;
                state = self.give_way(state);
                state.reading = Reading::Nobody;
                continue;
            }
            let left = clock::left(deadline);
            if tried.reading && left.is_some_and(|left| left.is_zero()) {
                break Err(ReceiveError::Timeout);
            }
            tried = Tried {
                reading: true,
                writing: false,
            };
            state = match state.reading {
                Reading::Nobody => {
                    latest = Latest::Read;
                    self.read(state, left)
                }
                Reading::Receiver | Reading::Keeper => self.wait(state, left),
            };
        };
        self.settle(state);
        result
    }

    /// Reads once, with the lock given up.
    fn read<'a>(self: &'a Arc<Self>, mut state: Guard<'a>, timeout: Option<Duration>) -> Guard<'a> {
        state.set_active(proto::Reading::Active);
        state.reading = Reading::Receiver;
        let mut inbox = mem::take(&mut state.inbox);
        let size = state.read_size;
        let mut store = state.session.take_message_store();
        let duties = state.duties();
        clock::rise();
        drop(state);
        if let Some(duties) = duties {
            self.carry_out(&duties);
        }
        let result = match &mut store {
            Some(store) => self.transport.read(store.buffer(), timeout),
            None => {
                let space = inbox.buffer();
                if space.capacity() != size {
                    *space = Vec::with_capacity(size);
                }
                self.transport.read(space, timeout)
            }
        };
        let mut state = self.lock();
        state.note_held(&self.transport);
        let now = state.now();
        let is_direct = store.is_some();
        if let Some(store) = store {
            state.session.give_back_store(now, store, &mut inbox);
        }
        state.reading = Reading::Nobody;
        state.inbox = inbox;
        match result {
            Ok(0) => state.session.handle_end(None),
            Ok(_) if is_direct => {}
            Ok(read) if read >= size => state.read_size = BULK,
            Ok(read) if read < BUFFER / 4 => state.read_size = BUFFER,
            Ok(_) => {}
            Err(error) if is_vain(&error) => {}
            Err(error) => state.session.handle_end(Some(error)),
        }
        state.news = true;
        state
    }
}
