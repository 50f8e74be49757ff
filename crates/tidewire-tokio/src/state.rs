use std::fmt;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::BufMut;
use tidewire_common::proto::{Fate, Inbox, Instant, Phase, Reading, SendError};
use tidewire_common::{Chunk, Error, Message, Session};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop;
use tokio::time::Sleep;
use tokio_util::io::poll_read_buf;

use crate::clock::Clock;
use crate::pool::Input;
use crate::wakers::ToWake;

/// The most that one poll reads before it lets other tasks work.
const BYTES_A_POLL: usize = 256 * 1024;

/// A byte stream that can carry a connection: TCP, TLS, a Unix socket, a pipe in memory.
pub trait Transport: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport for S {}

/// A connection with its socket: everything that makes progress, whoever polls it.
pub(crate) struct State<S> {
    /// `None` once it was dropped, at the end.
    io: Option<S>,
    pub(crate) session: Session,
    input: Input,
    clock: Clock,
    timer: Option<Pin<Box<Sleep>>>,
    /// What was written has not been flushed by the socket itself.
    unflushed: bool,
    ended: Directions,
    /// Input is left in the socket, since the application has enough to do.
    reading: Reading,
    /// A driver polls this connection.
    pub(crate) driven: bool,
    /// Who has something to gain from what was done since the lock was taken.
    pub(crate) to_wake: ToWake,
}

/// What has ended of a socket that is still there.
#[derive(Clone, Copy, Debug, Default)]
struct Directions {
    /// Our side was shut down, or writing failed.
    sending: bool,
    /// The peer's side was shut down before all that the closing handshake owes had left.
    receiving: bool,
}

impl<S> State<S> {
    pub(crate) fn new(io: S, session: Session, rest: Inbox, clock: Clock) -> Self {
        Self {
            io: Some(io),
            session,
            input: Input::new(rest),
            clock,
            timer: None,
            unflushed: false,
            ended: Directions::default(),
            reading: Reading::Active,
            driven: false,
            to_wake: ToWake::default(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn io(&self) -> Option<&S> {
        self.io.as_ref()
    }

    /// Ends the connection where it stands, and gives the socket to drop once the lock is released.
    pub(crate) fn abort(&mut self) -> Option<S> {
        self.session.handle_end(None);
        self.input.release();
        self.timer = None;
        self.to_wake = ToWake {
            driver: true,
            receiver: true,
            others: true,
        };
        self.io.take()
    }

    /// Whether everything queued has been handed to the socket.
    pub(crate) fn is_flushed(&self) -> bool {
        self.session.unsent().is_empty() && !self.unflushed
    }

    /// Notes that the application took something: reading may go on.
    fn note_taken(&mut self) {
        if self.reading == Reading::Paused && self.session.wants_input() {
            self.to_wake.driver = true;
        }
    }
}

impl<S: Transport> State<S> {
    /// Gives the next message, from what was read ahead or from the socket; `None` after a good end.
    pub(crate) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.poll_received(cx, Session::next_message)
    }

    /// Gives the next part of a message.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Chunk>, Error>> {
        self.poll_received(cx, Session::next_chunk)
    }

    fn poll_received<T>(
        &mut self,
        cx: &mut Context<'_>,
        next: fn(&mut Session, Instant, &mut Inbox) -> Option<T>,
    ) -> Poll<Result<Option<T>, Error>> {
        let received = self.poll_next(cx, next);
        // What was found on the way may be what others wait for: a Pong, the end. And what is owed for it, by a
        // driver that may be in another task, does not wait for its next turn.
        let has_ended = self.session.phase() != Phase::Open;
        self.to_wake.others |= has_ended || self.session.has_pongs();
        self.to_wake.driver |= has_ended || !self.session.unsent().is_empty();
        received
    }

    fn poll_next<T>(
        &mut self,
        cx: &mut Context<'_>,
        next: fn(&mut Session, Instant, &mut Inbox) -> Option<T>,
    ) -> Poll<Result<Option<T>, Error>> {
        let mut budget = BYTES_A_POLL;
        loop {
            let now = self.now();
            if let Some(received) = next(&mut self.session, now, &mut self.input.inbox) {
                self.note_taken();
                if !self.driven {
                    // What is owed for it, a Pong perhaps, does not wait for the application's next call.
                    self.poll_output(cx);
                }
                return Poll::Ready(Ok(Some(received)));
            }
            if let Some(end) = self.session.end() {
                // The peer may wait for our end of the socket, and the application may keep its handle.
                self.poll_output(cx);
                return Poll::Ready(end.map(|()| None));
            }
            if budget == 0 || !self.input.inbox.is_empty() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.session.phase() != Phase::Open {
                // Our Close frame is not to wait for what the peer does next.
                self.poll_output(cx);
            }
            if let Poll::Ready(read) = self.poll_fill(cx) {
                budget = budget.saturating_sub(read);
                continue;
            }
            // A driver does the rest once the handler yields, and so writes once for a whole batch.
            if self.driven {
                return Poll::Pending;
            }
            self.poll_output(cx);
            if self.session.end().is_none() {
                return Poll::Pending;
            }
        }
    }

    /// Does everything that can be done without the application: deadlines, output, the socket's fate, and
    /// reading ahead up to the bound.
    pub(crate) fn poll_drive(&mut self, cx: &mut Context<'_>) {
        let mut budget = BYTES_A_POLL;
        loop {
            self.poll_output(cx);
            if !self.session.wants_input() {
                self.set_reading(Reading::Paused);
                break;
            }
            if self.input.inbox.is_empty() {
                match self.poll_fill(cx) {
                    Poll::Ready(read) => budget = budget.saturating_sub(read),
                    Poll::Pending => break,
                }
            }
            let now = self.now();
            let more = self.session.read_ahead(now, &mut self.input.inbox);
            self.to_wake = ToWake {
                receiver: true,
                others: true,
                ..self.to_wake
            };
            if more || budget == 0 {
                self.poll_output(cx);
                cx.waker().wake_by_ref();
                break;
            }
        }
        // The application is not receiving: what it left must not hold a buffer.
        self.input.release();
    }

    /// Keeps the deadlines, writes what waits, and treats the socket as the connection's fate asks.
    pub(crate) fn poll_output(&mut self, cx: &mut Context<'_>) {
        self.handle_timeout(cx);
        loop {
            if self.ended.receiving && self.is_flushed() {
                self.session.handle_end(None);
            }
            if self.session.fate() == Fate::Drop {
                // Once: whoever is woken by this may come back here.
                if self.io.take().is_some() {
                    self.timer = None;
                    self.input.release();
                    self.to_wake = ToWake {
                        driver: true,
                        receiver: true,
                        others: true,
                    };
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
                    self.session.handle_write_error(error);
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

    /// Reads once; gives how much came, nothing at the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        self.set_reading(Reading::Active);
        let Some(io) = &mut self.io else {
            self.session.handle_end(None);
            return Poll::Ready(0);
        };
        if self.ended.receiving {
            return Poll::Pending;
        }
        let buffer = self.input.buffer();
        let room = buffer.capacity();
        let read = poll_read_buf(Pin::new(io), cx, &mut buffer.limit(room));
        let read = match read {
            Poll::Ready(read) => read,
            Poll::Pending => {
                self.input.release();
                return Poll::Pending;
            }
        };
        match read {
            // A peer that has said its last word may still want to hear ours.
            Ok(0) if self.session.fate() != Fate::KeepOpen && !self.is_flushed() => {
                self.ended.receiving = true;
                self.input.release();
                return Poll::Pending;
            }
            Ok(0) => self.session.handle_end(None),
            Ok(read) => self.input.note_read(read),
            Err(ref error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.session.handle_end(Some(error));
                return Poll::Ready(0);
            }
        }
        Poll::Ready(self.input.inbox.unread().len())
    }

    fn set_reading(&mut self, reading: Reading) {
        if self.reading != reading {
            self.reading = reading;
            let now = self.now();
            self.session.handle_reading(now, reading);
        }
    }

    /// Does what the deadlines ask for that have passed.
    fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        let now = self.now();
        if self.session.poll_timeout().is_none_or(|at| at > now) {
            return;
        }
        // Where nobody polled for a while, the sign of life that a deadline asks for may have arrived long ago.
        if self.session.wants_input() && (!self.input.inbox.is_empty() || self.poll_fill(cx).is_ready()) {
            self.session.read_ahead(now, &mut self.input.inbox);
            self.input.release();
            self.to_wake.receiver = true;
            self.to_wake.others = true;
        }
        self.session.handle_timeout(now);
    }

    /// Makes the timer go off at the next deadline or before; a later one than it is armed for costs nothing.
    fn arm_timer(&mut self, cx: &mut Context<'_>) {
        let Some(at) = self.session.poll_timeout() else {
            return;
        };
        let at = self.clock.to_tokio(at);
        let timer = match &mut self.timer {
            Some(timer) if timer.deadline() <= at && !timer.is_elapsed() => return,
            Some(timer) => {
                timer.as_mut().reset(at);
                timer
            }
            None => self.timer.insert(Box::pin(tokio::time::sleep_until(at))),
        };
        // All polls show the timer the same waker, so once is enough; but a task that has used up its budget would be
        // turned away before the timer saw the waker.
        if pin!(coop::unconstrained(timer.as_mut())).poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }

    /// Waits until there is room in the queue, as `has_room` judges it.
    pub(crate) fn poll_room(
        &mut self,
        has_room: fn(&Session) -> bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        if !has_room(&self.session) {
            self.poll_output(cx);
        }
        match self.session.end() {
            Some(end) => Poll::Ready(end.and(Err(SendError::Closed.into()))),
            None if has_room(&self.session) => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    }

    /// Waits until everything queued has been handed to the socket.
    pub(crate) fn poll_flushed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_output(cx);
        match self.session.end() {
            Some(end) if self.is_flushed() => Poll::Ready(end),
            None if self.is_flushed() => Poll::Ready(self.session.check_transport()),
            // What waited is dropped with the socket.
            Some(end) => Poll::Ready(end.and(Err(SendError::Closed.into()))),
            None => Poll::Pending,
        }
    }
}

impl<S> fmt::Debug for State<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}
