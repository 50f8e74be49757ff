use std::pin::Pin;
use std::task::{Context, Poll};

use tidewire_common::proto::Fate;
use tidewire_common::{Error, Session};

use super::{State, Transport};
use crate::wakers::ToWake;

impl<S: Transport> State<S> {
    /// Keeps the deadlines, writes what waits, and treats the socket as the connection's fate asks.
    pub(crate) fn poll_output(&mut self, cx: &mut Context<'_>) {
        self.handle_timeout(cx);
        loop {
            if self.ended.receiving && self.is_flushed() {
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
            let io = Pin::new(io);
            let unsent = self.session.unsent();
            let done = if !unsent.is_empty() {
                io.poll_write(cx, unsent).map(|written| match written {
                    Ok(0) => Err(std::io::ErrorKind::WriteZero.into()),
                    Ok(written) => {
                        let now = self.clock.now();
                        self.session.handle_written(now, written);
                        self.unflushed = true;
                        Ok(())
                    }
                    Err(error) => Err(error),
                })
            } else if self.unflushed {
                io.poll_flush(cx).map_ok(|()| self.unflushed = false)
            } else if self.session.fate() == Fate::HalfClose && !self.ended.sending {
                io.poll_shutdown(cx).map_ok(|()| self.ended.sending = true)
            } else {
                break;
            };
            match done {
                Poll::Ready(Ok(())) => self.to_wake.others = true,
                Poll::Ready(Err(error)) => {
                    // What arrived before is still there to be read; its end is the connection's.
                    let now = self.clock.now();
                    self.session.handle_write_error(now, error);
                    self.unflushed = false;
                    self.ended.sending = true;
                    self.to_wake = ToWake {
                        receiver: true,
                        others: true,
                        ..self.to_wake
                    };
                }
                Poll::Pending => {
                    let now = self.clock.now();
                    self.session.handle_written(now, 0);
                    break;
                }
            }
        }
        self.arm_timer(cx);
    }

    /// Waits until there is room in the queue, as `has_room` judges it.
    pub(crate) fn poll_room(
        &mut self,
        has_room: impl Fn(&Session) -> bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        if !has_room(&self.session) {
            self.poll_output(cx);
        }
        match self.session.end() {
            None if has_room(&self.session) => Poll::Ready(Ok(())),
            Some(_) | None => self.poll_end_error(),
        }
    }

    /// Waits until everything queued has been handed to the socket.
    pub(crate) fn poll_flushed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_output(cx);
        match self.session.end() {
            Some(end) if self.is_flushed() => Poll::Ready(end),
            None if self.is_flushed() => Poll::Ready(self.session.check_transport()),
            // What waited is dropped with the socket.
            Some(_) | None => self.poll_end_error(),
        }
    }
}

impl<S> State<S> {
    /// Waits for something that will not come any more once the connection has ended.
    pub(crate) fn poll_end_error<T>(&self) -> Poll<Result<T, Error>> {
        match self.session.end_error() {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Pending,
        }
    }

    /// Whether everything queued has been handed to the socket.
    pub(crate) fn is_flushed(&self) -> bool {
        self.session.unsent().is_empty() && !self.unflushed
    }
}
