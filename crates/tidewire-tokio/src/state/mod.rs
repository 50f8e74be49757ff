//! A connection with its socket: what makes it go on, whoever polls it.

mod progress;
mod receiving;
mod sending;
mod timer;

use std::fmt;
use std::mem;
use std::pin::pin;
use std::task::{Context, Poll};

use tidewire_common::Session;
use tidewire_common::proto::{CloseFrame, Inbox, Instant, Reading};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::clock::Clock;
use crate::pool::Input;
use crate::wakers::ToWake;

use progress::Progress;
pub(crate) use receiving::unspoken_end;
use timer::Timer;

/// The most that one poll reads, and that it inflates, before it lets other tasks work.
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
    /// What the clock said when it was last looked at.
    latest: Instant,
    timer: Timer,
    /// When the timer goes off.
    armed: Instant,
    /// What was written has not been flushed by the socket itself.
    unflushed: bool,
    ended: Directions,
    pub(crate) ending: Ending,
    /// Input is left in the socket, since the application has enough to do.
    reading: Reading,
    pub(crate) progress: Progress,
    application: Application,
    /// The connection has ended as a `Stream`.
    pub(crate) stream_ended: bool,
}

/// What the application did when it was last asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Application {
    /// It waited to receive.
    Receiving,
    /// It waits to receive, and found the socket empty in the turn of the driver that goes on.
    FoundNothing,
    /// It received as much as one turn may, and comes back when others had theirs.
    GivingWay,
    /// Something else; a future that waited to receive may have been dropped since.
    Elsewhere,
}

/// Has the waker called when all other tasks that are ready had their turn and the runtime has looked for events: who
/// wakes himself at once is polled dozens of times before that.
pub(crate) fn give_way(cx: &mut Context<'_>) {
    // Its first poll registers the waker, which is all of it that is wanted.
    let _ = pin!(tokio::task::yield_now()).poll(cx);
}

/// How a socket is ended behind the closing handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Our side is shut down and the peer's awaited: TLS has something to say at its end.
    ShutDown,
    /// The same, but a socket that has nothing left to read may be dropped: TCP itself.
    Drop,
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
            latest: clock.now(),
            clock,
            timer: Timer::Own(None),
            armed: Instant::NEVER,
            unflushed: false,
            ended: Directions::default(),
            ending: Ending::ShutDown,
            reading: Reading::Active,
            progress: Progress::new(),
            application: Application::Elsewhere,
            stream_ended: false,
        }
    }

    /// Whether the application waits for others rather than for the peer, and is to be woken all the same.
    pub(crate) fn gives_way(&self) -> bool {
        self.application == Application::GivingWay
    }

    /// Notes that the driver, whose turn it is, need not ask the socket again if the application waits for it.
    pub(crate) fn note_found_nothing(&mut self) {
        if self.application == Application::Receiving && self.input.is_empty() {
            self.application = Application::FoundNothing;
        }
    }

    /// The time.
    pub(crate) fn now(&mut self) -> Instant {
        self.latest = self.clock.now();
        self.latest
    }

    /// The time as of the last read, or of the driver's last turn: for what nobody measures, since to look at the clock
    /// takes as long as to receive a short message.
    pub(crate) fn recently(&mut self) -> Instant {
        if self.is_driven() { self.latest } else { self.now() }
    }

    pub(crate) fn io(&self) -> Option<&S> {
        self.io.as_ref()
    }

    /// Begins to close; where closing has begun already, nothing is left to do.
    pub(crate) fn close(&mut self, frame: CloseFrame<'_>) {
        let now = self.now();
        let _ = self.session.close(now, Some(frame));
    }

    /// Ends the connection where it stands, and gives the socket to drop once the lock is released.
    pub(crate) fn abort(&mut self) -> Option<S> {
        self.session.handle_end(None);
        self.release()
    }

    /// Gives up everything but the session, which has ended, and tells everybody.
    fn release(&mut self) -> Option<S> {
        self.input.release();
        self.release_timer();
        self.progress.to_wake = ToWake::EVERYONE;
        self.io.take()
    }
}

impl<S: Transport> State<S> {
    /// Does everything that can be done without the application: deadlines, output, the socket's fate, and
    /// reading ahead up to the bound.
    pub(crate) fn poll_drive(&mut self) {
        let mut budget = BYTES_A_POLL;
        let enough = self.session.work() + BYTES_A_POLL as u64;
        let is_dry = self.application == Application::FoundNothing;
        if is_dry {
            self.application = Application::Receiving;
        }
        loop {
            self.poll_output();
            if !self.session.wants_input() {
                self.set_reading(Reading::Paused);
                break;
            }
            if self.input.is_empty() {
                if is_dry {
                    break;
                }
                match self.poll_fill() {
                    Poll::Ready(read) => budget = budget.saturating_sub(read),
                    Poll::Pending => break,
                }
            }
            // What came is for the one who receives: to read ahead would put the answer to a fault, or to a Close,
            // before the application's answers to what stands in front of it. Who gave up receiving has its turn.
            let application = mem::replace(&mut self.application, Application::Elsewhere);
            match application {
                Application::Receiving if !self.input.is_empty() => {
                    self.progress.to_wake |= ToWake::RECEIVER;
                    self.progress.context().waker().wake_by_ref();
                    return;
                }
                Application::GivingWay => return,
                Application::Receiving | Application::FoundNothing | Application::Elsewhere => {}
            }
            let now = self.now();
            let more = self.session.read_ahead(now, self.input.inbox(&mut Inbox::new()));
            self.progress.to_wake |= ToWake::WAITERS;
            if more || budget == 0 || self.session.work() >= enough {
                self.poll_output();
                give_way(&mut self.progress.context());
                break;
            }
        }
        // The application is not receiving: what it left must not hold a buffer.
        self.input.release();
    }

    /// Does what the deadlines ask for that have passed.
    fn handle_timeout(&mut self) {
        let Some(at) = self.session.poll_timeout() else {
            return;
        };
        // The clock is looked at only where it may be time: that takes longer than all else here.
        if self.is_armed_for(at) || self.now() < at {
            return;
        }
        let now = self.latest;
        // Where nobody polled for a while, the sign of life that a deadline asks for may have arrived long ago.
        if self.session.may_end(now) && self.session.wants_input() && self.input.is_empty() {
            let _ = self.poll_fill();
        }
        if !self.input.is_empty() {
            self.progress.to_wake |= ToWake::WAITERS;
        }
        self.session
            .handle_timeout(now, self.input.inbox(&mut Inbox::new()));
        self.input.release();
    }
}

impl<S> fmt::Debug for State<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}
