//! The write turn: one thread at a time writes, in the order in which bytes were queued.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use tidewire_common::proto::Phase;
use tidewire_common::{SLICES, Unsent};

use super::keeping::Hurry;
use super::{Guard, Link, State, WriteTurn};
use crate::clock;
use crate::transport::{Transport, is_vain};

/// How much one thread writes for others after its own bytes have left.
const FOR_OTHERS: u64 = 1 << 20;

/// Whether a write may wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    None,
    Endless,
}

/// What the transport made of what it was to send.
#[derive(Clone, Copy)]
enum Left {
    All,
    /// Or nothing.
    Some,
}

impl<S: Transport> Link<S> {
    /// Writes what is queued, unless another thread does so already.
    ///
    /// Without patience, what the transport does not take at once is left for the keeper.
    pub(crate) fn drain<'a>(self: &'a Arc<Self>, mut state: Guard<'a>, patience: Patience) -> Guard<'a> {
        if !state.needs_writer() {
            return state;
        }
        state.writing = WriteTurn::Taken;
        clock::rise();
        let enough = state.queued() + FOR_OTHERS;
        let mut timeout = Some(Duration::ZERO);
        while state.can_write() && state.written < enough {
            let left;
            (state, left) = if state.unflushed {
                self.flush_once(state, timeout)
            } else {
                self.write_once(state, timeout)
            };
            // Others may wait for room.
            state.news = true;
            match left {
                Left::All => timeout = Some(Duration::ZERO),
                Left::Some if patience == Patience::None => break,
                // The transport has all, and no deadline runs for what it keeps: nobody waits for that.
                Left::Some if state.session.unsent_len() == 0 => break,
                Left::Some => timeout = None,
            }
        }
        state.writing = WriteTurn::Free;
        state.news = true;
        state.keeping.hurry = Hurry::Now;
        state
    }

    /// Hands the transport what is queued.
    #[inline]
    fn write_once<'a>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        timeout: Option<Duration>,
    ) -> (Guard<'a>, Left) {
        let unsent = state.session.take_unsent();
        let duties = state.duties();
        drop(state);
        if let Some(duties) = duties {
            self.carry_out(&duties);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let result = match unsent.slices(&mut slices) {
            [one] => self.transport.write(one, timeout),
            several => self.transport.write_vectored(several, timeout),
        };
        let mut state = self.lock();
        if timeout.is_none() {
            state.now();
        }
        let len = unsent.len();
        let left = if state.note_written(unsent, result) == len {
            Left::All
        } else {
            Left::Some
        };
        state.note_held(&self.transport);
        (state, left)
    }

    /// Lets the transport send what it kept.
    #[cold]
    fn flush_once<'a>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        timeout: Option<Duration>,
    ) -> (Guard<'a>, Left) {
        let duties = state.duties();
        drop(state);
        if let Some(duties) = duties {
            self.carry_out(&duties);
        }
        let result = self.transport.flush(timeout);
        let mut state = self.lock();
        let left = match result {
            Ok(()) => Left::All,
            Err(error) if is_vain(&error) => Left::Some,
            Err(error) => {
                state.note_failure(error);
                Left::All
            }
        };
        state.note_held(&self.transport);
        (state, left)
    }
}

impl State {
    /// Where in the order of all bytes the last queued one stands.
    pub(super) fn queued(&self) -> u64 {
        self.written + self.session.unsent_len() as u64
    }

    /// Notes an attempt to write; gives the number of bytes that left.
    fn note_written(&mut self, unsent: Unsent, result: io::Result<usize>) -> usize {
        let written = match result {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Err(error) if is_vain(&error) => Ok(0),
            result => result,
        };
        match written {
            Ok(written) => {
                self.written += written as u64;
                // What waits has a deadline, while nobody measures when the rest left to the microsecond.
                let now = if written == unsent.len() {
                    self.latest
                } else {
                    self.now()
                };
                self.session.give_back(now, unsent, written);
                written
            }
            Err(error) => {
                let now = self.now();
                self.session.give_back(now, unsent, 0);
                self.note_failure(error);
                0
            }
        }
    }

    /// Notes that nothing can be written any more.
    fn note_failure(&mut self, error: io::Error) {
        if self.session.phase() != Phase::Ended {
            let now = self.now();
            self.session.handle_write_error(now, error);
            self.cut = true;
        }
    }
}
