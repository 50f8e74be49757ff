//! The state of one connection, which its handles, its thread and the keeper share.

mod calls;
mod keeping;
mod reading;
mod state;
mod writing;

pub(crate) use calls::Then;
pub(crate) use keeping::KEEPER_BUFFER;
pub(crate) use reading::ReceiveError;
pub(crate) use state::{Halves, Owner, Sending, State};

use std::io;
use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use tidewire_common::Session;
use tidewire_common::proto::{Inbox, Instant};

use crate::clock;
use crate::keeper::Keeper;
use crate::transport::Transport;

use state::{Duties, Reading, WriteTurn};

/// How long, and how often, a thread sleeps that gives way to others.
const NAP: Duration = Duration::from_micros(50);
const MOST_NAPS: usize = 20;

/// A connection: its stream, and its state under one lock, which is never held across a system call.
pub(crate) struct Link<S> {
    transport: S,
    state: Mutex<State>,
    /// How many threads wait for the lock.
    locking: AtomicUsize,
    /// Something happened that others may wait for.
    changed: Condvar,
    keeper: &'static Keeper,
}

pub(crate) type Guard<'a> = MutexGuard<'a, State>;

impl<S: Transport> Link<S> {
    pub(crate) fn new(transport: S, session: Session, inbox: Inbox) -> io::Result<Arc<Self>> {
        let mut state = State::new(session, inbox);
        state.note_held(&transport);
        let link = Arc::new(Self {
            transport,
            state: Mutex::new(state),
            locking: AtomicUsize::new(0),
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
        match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                self.locking.fetch_add(1, Ordering::Relaxed);
                let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                self.locking.fetch_sub(1, Ordering::Relaxed);
                state
            }
        }
    }

    /// Lets those have the lock who wait for it: one that is given up and taken again is seldom theirs, since they have
    /// to wake up first.
    pub(crate) fn give_way<'a>(&'a self, state: Guard<'a>) -> Guard<'a> {
        drop(state);
        for _ in 0..MOST_NAPS {
            if self.locking.load(Ordering::Relaxed) == 0 {
                break;
            }
            thread::sleep(NAP);
        }
        self.lock()
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
                self.carry_out(&duties);
                self.lock()
            }
            None => clock::wait(&self.changed, state, timeout),
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
            self.carry_out(&duties);
        }
        clock::rest();
    }

    fn carry_out(self: &Arc<Self>, duties: &Duties) {
        if let Some(look_at) = self.carry_out_here(duties) {
            self.keeper.look_at(self.clone(), look_at);
        }
    }

    /// Carries out all but the request for a look, which it gives back.
    fn carry_out_here(&self, duties: &Duties) -> Option<Instant> {
        let mut look_at = duties.look_at;
        if let Some(how) = duties.shutdown {
            // Where it fails, the peer was faster.
            let _ = self.transport.shutdown(how);
            if how == Shutdown::Write && self.transport.holds_output() {
                let mut state = self.lock();
                state.note_held(&self.transport);
                look_at = state.needed_look().or(look_at);
            }
        }
        if duties.notify {
            self.changed.notify_all();
        }
        look_at
    }
}
