use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tidewire_common::proto::{Closed, Fate};
use tidewire_common::{Error, SLICES, Session};

use super::{Ending, State, Transport};
use crate::wakers::ToWake;

impl<S: Transport> State<S> {
    /// Keeps the deadlines, writes what waits, and treats the socket as the connection's fate asks.
    pub(crate) fn poll_output(&mut self) {
        self.handle_timeout();
        loop {
            if (self.ended.receiving || self.may_drop()) && self.is_flushed() {
                self.session.handle_end(None);
            }
            if self.session.fate() == Fate::Drop {
                // Once: whoever is woken by this may come back here.
                if self.io.is_some() {
                    self.release();
                }
                return;
            }
            let Some(io) = &mut self.io else { return };
            let (io, mut cx) = (Pin::new(io), self.progress.context());
            let done = if self.session.left_to_write() > 0 {
                match poll_write(io, &mut cx, &self.session) {
                    Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => written.map_ok(|written| self.note_written(written)),
                }
            } else if self.unflushed {
                io.poll_flush(&mut cx).map_ok(|()| self.unflushed = false)
            } else if self.session.fate() == Fate::HalfClose && !self.ended.sending {
                io.poll_shutdown(&mut cx).map_ok(|()| self.ended.sending = true)
            } else {
                break;
            };
            match done {
                Poll::Ready(Ok(())) => self.progress.to_wake |= ToWake::OTHERS,
                Poll::Ready(Err(error)) => {
                    // What arrived before is still there to be read; its end is the connection's.
                    let now = self.now();
                    self.session.handle_write_error(now, error);
                    self.unflushed = false;
                    self.ended.sending = true;
                    self.progress.to_wake |= ToWake::WAITERS;
                }
                Poll::Pending => {
                    let now = self.now();
                    self.session.handle_written(now, 0);
                    break;
                }
            }
        }
        self.arm_timer();
    }

    /// Waits until there is room in the queue, as `has_room` judges it.
    #[inline]
    pub(crate) fn poll_room(&mut self, has_room: impl Fn(&Session) -> bool) -> Poll<Result<(), Error>> {
        if !has_room(&self.session) {
            self.poll_output();
            if !has_room(&self.session) {
                return self.poll_end_error();
            }
        }
        if self.session.has_ended() {
            self.poll_end_error()
        } else {
            Poll::Ready(Ok(()))
        }
    }

    /// Waits until everything queued has been handed to the socket.
    pub(crate) fn poll_flushed(&mut self) -> Poll<Result<(), Error>> {
        self.poll_output();
        match self.session.end() {
            Some(end) if self.is_flushed() => Poll::Ready(end),
            None if self.is_flushed() => Poll::Ready(self.session.check_transport()),
            // What waited is dropped with the socket.
            Some(_) | None => self.poll_end_error(),
        }
    }
}

impl<S> State<S> {
    /// Whether the socket, everything written, may go before the peer's end of it has come.
    ///
    /// §5.5.1: after a Close frame an endpoint "MUST NOT send any more data frames", so once it was read and nothing
    /// is left in the socket there is nothing that a reset could answer. A peer that broke a rule may go on sending.
    fn may_drop(&self) -> bool {
        let is_last = |closed: &Closed| closed.received().is_some() && closed.cause().is_none();
        self.session.fate() == Fate::HalfClose
            && self.ending == Ending::Drop
            && self.input.is_drained()
            && self.session.closed().is_some_and(is_last)
    }

    fn note_written(&mut self, written: usize) {
        // A peer that takes only a part is watched from now on.
        let now = if written < self.session.left_to_write() {
            self.now()
        } else {
            self.latest
        };
        self.session.handle_written(now, written);
        self.unflushed = true;
    }

    /// Waits for something that will not come any more once the connection has ended.
    pub(crate) fn poll_end_error<T>(&self) -> Poll<Result<T, Error>> {
        match self.session.end_error() {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Pending,
        }
    }

    /// Whether everything queued has been handed to the socket.
    pub(crate) fn is_flushed(&self) -> bool {
        self.session.left_to_write() == 0 && !self.unflushed
    }
}

/// Writes what waits, with one system call where the transport takes several slices at once.
fn poll_write<S: Transport>(
    io: Pin<&mut S>,
    cx: &mut Context<'_>,
    session: &Session,
) -> Poll<io::Result<usize>> {
    let mut slices = [IoSlice::new(&[]); SLICES];
    match session.unsent(&mut slices) {
        [one] => io.poll_write(cx, one),
        several => io.poll_write_vectored(cx, several),
    }
}
