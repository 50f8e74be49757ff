use std::io::{self, IoSlice};
use std::sync::Arc;

use tidewire_proto::{Fate, Inbox, Instant};

use super::frames::Frames;
use super::{Core, Session};
use crate::stores;

/// Output on its way, outside of its session; see [`Session::take_unsent`].
#[derive(Debug)]
pub struct Unsent(Frames);

impl Unsent {
    /// How many bytes it has.
    #[expect(clippy::len_without_is_empty, reason = "taken only where there is some")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Lists it, or the start of it, in as many slices as there is room for.
    pub fn slices<'s, 'f>(&'f self, slices: &'s mut [IoSlice<'f>]) -> &'s [IoSlice<'f>] {
        self.0.slices(slices)
    }
}

impl Session {
    /// The length of the output that has not left, taken or not.
    #[inline]
    pub fn unsent_len(&self) -> usize {
        self.output.taken() + self.left_to_write()
    }

    /// How much output is there to be written: none any more once writing has failed.
    #[inline]
    pub fn left_to_write(&self) -> usize {
        match self.broken {
            None => self.output.len(),
            Some(_) => 0,
        }
    }

    /// Lists what is [left to write](Self::left_to_write), or the start of it, in as many slices as there is room for.
    pub fn unsent<'s, 'f>(&'f self, slices: &'s mut [IoSlice<'f>]) -> &'s [IoSlice<'f>] {
        match self.broken {
            None => self.output.slices(slices),
            Some(_) => &[],
        }
    }

    /// Takes the output that has not left, to write it while the session is used otherwise; it counts as unsent until
    /// it is [given back](Self::give_back), and what is queued meanwhile comes behind it.
    pub fn take_unsent(&mut self) -> Unsent {
        Unsent(self.output.take())
    }

    /// Gives output back, of which the first `written` bytes have left; to be done after each attempt, a vain one
    /// too, and before the next is taken.
    pub fn give_back(&mut self, now: Instant, unsent: Unsent, written: usize) {
        self.output.note_given_back();
        if self.broken.is_some() {
            return;
        }
        let Unsent(mut frames) = unsent;
        frames.advance(written);
        self.output.put_back(frames);
        self.note_written(now, written);
        self.note_end();
    }

    /// Tells that the first `written` of the unsent bytes have left; to be told after each attempt, a vain one too.
    pub fn handle_written(&mut self, now: Instant, written: usize) {
        self.output.note_sent(written);
        self.note_written(now, written);
    }

    fn note_written(&mut self, now: Instant, written: usize) {
        self.traffic.bytes_sent += written as u64;
        self.output.pass(self.traffic.bytes_sent);
        let unsent = self.left_to_write();
        self.output.append(
            |out| either!(&mut self.core, connection => connection.handle_written(now, written, unsent, out)),
        );
        self.send_waiting(now);
    }

    /// Tells that writing failed: what waits is dropped, and what was received before can still be read, for the
    /// close timeout at most.
    pub fn handle_write_error(&mut self, now: Instant, error: io::Error) {
        self.broken.get_or_insert(Arc::new(error));
        self.output.drop_bytes();
        either!(&mut self.core, connection => connection.handle_write_error(now));
    }

    /// Tells that the transport ended, or that reading failed.
    pub fn handle_end(&mut self, error: Option<io::Error>) {
        if let Some(error) = error {
            self.broken.get_or_insert(Arc::new(error));
        }
        either!(&mut self.core, connection => connection.handle_end());
        self.note_end();
    }

    /// What to do with the socket, once all output has left.
    pub fn fate(&self) -> Fate {
        either!(&self.core, connection => connection.fate())
    }

    /// The moment at which [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        either!(&self.core, connection => connection.poll_timeout())
    }

    /// Whether one of the deadlines up to `now` may end the connection, unless a sign of life has arrived.
    pub fn may_end(&self, now: Instant) -> bool {
        either!(&self.core, connection => connection.poll_end()).is_some_and(|at| at <= now)
    }

    /// Does what the deadlines up to `now` ask for.
    ///
    /// Where one may end the connection, the input is taken first, beyond the bound of what is read ahead: what was
    /// received before the end is still the application's.
    pub fn handle_timeout(&mut self, now: Instant, inbox: &mut Inbox) {
        stores::trim();
        if self.may_end(now) {
            self.take_input(now, inbox);
        }
        self.output
            .append(|out| either!(&mut self.core, connection => connection.handle_timeout(now, out)));
        self.note_end();
    }
}
