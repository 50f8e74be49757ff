use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use bytes::BufMut;
use tidewire_common::proto::{Fate, Inbox, Instant, Phase, Reading};
use tidewire_common::{Chunk, Error, Message, Session};
use tokio_util::io::poll_read_buf;

use super::{Application, BYTES_A_POLL, State, Transport};
use crate::wakers::ToWake;

impl<S: Transport> State<S> {
    /// Gives the next message, from what was read ahead or from the socket; `None` after a good end.
    #[inline]
    pub(crate) fn poll_message(&mut self) -> Poll<Result<Option<Message>, Error>> {
        match self.message_at_hand() {
            Some(message) => {
                self.application = Application::Elsewhere;
                Poll::Ready(Ok(Some(message)))
            }
            None => self.poll_received(Session::next_message),
        }
    }

    /// Gives the next message where that takes nothing else.
    #[inline]
    pub(crate) fn message_at_hand(&mut self) -> Option<Message> {
        self.session.message_at_hand(self.input.inbox(&mut Inbox::new()))
    }

    /// Gives the next part of a message.
    pub(crate) fn poll_chunk(&mut self) -> Poll<Result<Option<Chunk>, Error>> {
        self.poll_received(Session::next_chunk)
    }

    fn poll_received<T>(
        &mut self,
        next: impl Fn(&mut Session, Instant, &mut Inbox) -> Option<T>,
    ) -> Poll<Result<Option<T>, Error>> {
        self.application = Application::Receiving;
        // A task may take message after message in one poll, each of them little to read and much to inflate.
        let received = if self.has_worked() {
            self.poll_enough()
        } else {
            self.poll_next(next)
        };
        match received {
            Poll::Pending => self.session.forget_work(),
            Poll::Ready(_) => self.application = Application::Elsewhere,
        }
        // What was found on the way may be what others wait for: a Pong, the end. And what is owed for it, by a
        // driver that may be in another task, does not wait for its next turn.
        let has_ended = self.session.phase() != Phase::Open;
        self.progress
            .to_wake
            .add_if(has_ended || self.session.has_pongs(), ToWake::OTHERS);
        self.progress
            .to_wake
            .add_if(has_ended || self.session.left_to_write() > 0, ToWake::DRIVER);
        received
    }

    fn poll_next<T>(
        &mut self,
        next: impl Fn(&mut Session, Instant, &mut Inbox) -> Option<T>,
    ) -> Poll<Result<Option<T>, Error>> {
        let mut budget = BYTES_A_POLL;
        if !self.input.is_empty() {
            // It may have waited long for the application: deadlines that it sets begin now.
            self.now();
        }
        loop {
            let now = self.latest;
            if let Some(received) = next(&mut self.session, now, self.input.inbox(&mut Inbox::new())) {
                self.note_taken();
                if !self.is_driven() {
                    // What is owed for it, a Pong perhaps, does not wait for the application's next call.
                    self.poll_output();
                }
                return Poll::Ready(Ok(Some(received)));
            }
            if let Some(end) = self.session.end() {
                // The peer may wait for our end of the socket, and the application may keep its handle.
                self.poll_output();
                return Poll::Ready(end.map(|()| None));
            }
            if budget == 0 || self.has_worked() || !self.input.is_empty() {
                return self.poll_enough();
            }
            if self.session.phase() != Phase::Open {
                // Our Close frame is not to wait for what the peer does next.
                self.poll_output();
            }
            if let Poll::Ready(read) = self.poll_fill() {
                budget = budget.saturating_sub(read);
                continue;
            }
            // A driver does the rest once the handler yields, and so writes once for a whole batch.
            if self.is_driven() {
                return Poll::Pending;
            }
            self.poll_output();
            if self.session.end().is_none() {
                return Poll::Pending;
            }
        }
    }

    /// Leaves the rest for when others had their turn.
    fn poll_enough<T>(&mut self) -> Poll<T> {
        self.application = Application::GivingWay;
        Poll::Pending
    }

    /// Reads once; gives how much came, nothing at the end.
    pub(super) fn poll_fill(&mut self) -> Poll<usize> {
        self.set_reading(Reading::Active);
        let Some(io) = &mut self.io else {
            self.session.handle_end(None);
            return Poll::Ready(0);
        };
        if self.ended.receiving {
            return Poll::Pending;
        }
        let (io, mut cx) = (Pin::new(io), self.progress.context());
        let store = if self.input.is_empty() {
            self.session.message_store()
        } else {
            None
        };
        let is_direct = store.is_some();
        let read = match store {
            Some((store, most)) => poll_read_buf(io, &mut cx, &mut store.limit(most.min(BYTES_A_POLL))),
            None => {
                let buffer = self.input.buffer();
                let room = buffer.capacity();
                poll_read_buf(io, &mut cx, &mut buffer.limit(room))
            }
        };
        match ready!(self.release_if_pending(read)).or_else(unspoken_end) {
            // A peer that has said its last word may still want to hear ours.
            Ok(0) if self.session.fate() != Fate::KeepOpen && !self.is_flushed() => {
                self.ended.receiving = true;
                self.input.release();
                return Poll::Pending;
            }
            Ok(0) => self.session.handle_end(None),
            Ok(read) => {
                let now = self.now();
                if is_direct {
                    self.session.handle_stored(now, read);
                    self.input.note_read_past();
                } else {
                    self.input.note_read(read);
                }
                return Poll::Ready(read);
            }
            Err(ref error) if error.kind() == io::ErrorKind::Interrupted => {
                self.input.release();
                self.progress.context().waker().wake_by_ref();
                return Poll::Pending;
            }
            Err(error) => self.session.handle_end(Some(error)),
        }
        Poll::Ready(0)
    }

    /// Who waits for the socket owns no buffer.
    fn release_if_pending<T>(&mut self, read: Poll<T>) -> Poll<T> {
        if read.is_pending() {
            self.input.release();
        }
        read
    }

    pub(super) fn set_reading(&mut self, reading: Reading) {
        if self.reading != reading {
            self.reading = reading;
            let now = self.now();
            self.session.handle_reading(now, reading);
        }
    }
}

/// Takes for an end what TLS has as an error: a stream that ends without `close_notify`. Whether anything is missing is
/// what Close frames say.
pub(crate) fn unspoken_end<T: Default>(error: io::Error) -> io::Result<T> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Ok(T::default()),
        _ => Err(error),
    }
}

impl<S> State<S> {
    /// Whether as much was inflated since the application last had to wait as one poll may.
    fn has_worked(&self) -> bool {
        self.session.work() >= BYTES_A_POLL as u64
    }

    /// Notes that the application took something: reading may go on.
    pub(crate) fn note_taken(&mut self) {
        if self.reading == Reading::Paused && self.session.wants_input() {
            self.progress.to_wake |= ToWake::DRIVER;
        }
    }
}
