//! The state of one connection, which its handles, its thread and the keeper share.

mod calls;
mod keeping;
mod reading;
mod writing;

pub(crate) use calls::Then;
pub(crate) use keeping::KEEPER_BUFFER;
pub(crate) use reading::ReceiveError;

use std::io;
use std::mem;
use std::net::Shutdown;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidewire_common::proto::{Closed, Fate, Inbox, Instant, Phase};
use tidewire_common::{ConnectionId, Session};
use tracing::info;

use crate::keeper::Keeper;
use crate::transport::Transport;

use keeping::Keeping;

/// A connection: its stream, and its state under one lock, which is never held across a system call.
pub(crate) struct Link<S> {
    transport: S,
    state: Mutex<State>,
    /// Something happened that others may wait for.
    changed: Condvar,
    keeper: &'static Keeper,
}

pub(crate) type Guard<'a> = MutexGuard<'a, State>;

pub(crate) struct State {
    pub(crate) session: Session,
    /// Input that no turn has consumed; read from the transport only while it is empty.
    inbox: Inbox,
    reading: Reading,
    /// How much the receiver reads at once.
    read_size: usize,
    writing: WriteTurn,
    /// How many bytes have left.
    written: u64,
    /// How many threads wait for a change.
    waiting: usize,
    /// How many messages were received; tells the keeper whether the connection's thread comes back.
    received: u64,
    pub(crate) sending: Sending,
    pub(crate) owner: Owner,
    pub(crate) halves: Halves,
    /// Writing failed: the transport is shut down, and what had arrived is read to its end.
    cut: bool,
    /// Something happened that those who wait have not been told.
    news: bool,
    /// The end was logged.
    logged: bool,
    ending: Ending,
    keeping: Keeping,
}

/// Who reads from the transport.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Nobody,
    Receiver,
    Keeper,
}

/// Whether somebody writes to the transport.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WriteTurn {
    Free,
    Taken,
}

/// When output leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// Before `send` returns.
    AtOnce,
    /// When no more input waits for the application.
    Corked,
}

/// Whether receiving and sending may happen in different threads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halves {
    Together,
    Apart,
}

/// Whether the application has a handle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Handles,
    /// A handler: the connection is closed when that returns.
    Handler,
    Nobody,
}

/// What was done to the transport.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    Open,
    HalfClosed,
    Down,
}

impl<S: Transport> Link<S> {
    pub(crate) fn new(transport: S, session: Session, inbox: Inbox) -> io::Result<Arc<Self>> {
        info!(connection = %session.id(), "open");
        let link = Arc::new(Self {
            transport,
            state: Mutex::new(State {
                session,
                inbox,
                reading: Reading::Nobody,
                read_size: reading::BUFFER,
                writing: WriteTurn::Free,
                written: 0,
                waiting: 0,
                received: 0,
                sending: Sending::AtOnce,
                owner: Owner::Handles,
                halves: Halves::Together,
                cut: false,
                news: false,
                logged: false,
                ending: Ending::Open,
                keeping: Keeping::default(),
            }),
            changed: Condvar::new(),
            keeper: Keeper::get()?,
        });
        link.settle(link.lock());
        Ok(link)
    }

    pub(crate) fn transport(&self) -> &S {
        &self.transport
    }

    pub(crate) fn lock(&self) -> Guard<'_> {
        // The state is changed by whole steps of the session, none of which panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something may have changed, or the time is over; the caller looks again.
    pub(crate) fn wait<'a>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        timeout: Option<Duration>,
    ) -> Guard<'a> {
        state.waiting += 1;
        let mut state = match state.duties() {
            // The lock is given up for these, and the change may come meanwhile.
            Some(duties) => {
                drop(state);
                self.carry_out(duties);
                self.lock()
            }
            None => match timeout {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(timeout) => {
                    self.changed
                        .wait_timeout(state, timeout)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            },
        };
        state.waiting -= 1;
        state
    }

    /// Ends an operation: does to the transport what its fate asks for, wakes who waits, and tells the keeper
    /// when it is needed.
    pub(crate) fn settle(self: &Arc<Self>, mut state: Guard<'_>) {
        let duties = state.duties();
        drop(state);
        if let Some(duties) = duties {
            self.carry_out(duties);
        }
    }

    fn carry_out(self: &Arc<Self>, duties: Duties) {
        if let Some(look_at) = self.carry_out_here(duties) {
            self.keeper.look_at(self.clone(), look_at);
        }
    }

    /// Carries out all but the request for a look, which it gives back.
    fn carry_out_here(&self, duties: Duties) -> Option<Instant> {
        if let Some(how) = duties.shutdown {
            // Where it fails, the peer was faster.
            let _ = self.transport.shutdown(how);
        }
        if duties.notify {
            self.changed.notify_all();
        }
        if let Some((id, closed)) = duties.closed {
            info!(
                connection = %id,
                code = closed.code().as_u16(),
                reason = %closed.reason().escape_debug(),
                clean = closed.is_clean(),
                cause = closed.cause().map(tracing::field::display),
                "closed"
            );
        }
        duties.look_at
    }
}

/// What is to be done once the lock is given up.
struct Duties {
    shutdown: Option<Shutdown>,
    notify: bool,
    closed: Option<(ConnectionId, Closed)>,
    look_at: Option<Instant>,
}

impl State {
    /// Whether bytes wait that could be written.
    fn can_write(&self) -> bool {
        self.session.phase() != Phase::Ended && self.session.unsent_len() > 0
    }

    /// Whether bytes wait, and nobody writes them.
    fn needs_writer(&self) -> bool {
        self.writing == WriteTurn::Free && self.can_write()
    }

    /// What the present state asks for, each thing once.
    fn duties(&mut self) -> Option<Duties> {
        let mut duties = Duties {
            shutdown: None,
            notify: mem::take(&mut self.news) && self.waiting > 0,
            closed: None,
            look_at: self.needed_look(),
        };
        let ending = match self.session.fate() {
            Fate::Drop => Ending::Down,
            _ if self.cut => Ending::Down,
            Fate::HalfClose if !self.can_write() => Ending::HalfClosed,
            _ => Ending::Open,
        };
        if ending > self.ending {
            self.ending = ending;
            duties.shutdown = Some(match ending {
                Ending::Down => Shutdown::Both,
                Ending::Open | Ending::HalfClosed => Shutdown::Write,
            });
        }
        if self.session.phase() == Phase::Ended && !mem::replace(&mut self.logged, true) {
            duties.notify = self.waiting > 0;
            duties.closed = self
                .session
                .closed()
                .map(|closed| (self.session.id(), closed.clone()));
        }
        let is_some =
            duties.shutdown.is_some() || duties.notify || duties.closed.is_some() || duties.look_at.is_some();
        is_some.then_some(duties)
    }
}
