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
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidewire_common::Session;
use tidewire_common::proto::{Inbox, Instant};

use crate::keeper::Keeper;
use crate::transport::Transport;

use state::{Duties, Reading, WriteTurn};

/// A connection: its stream, and its state under one lock, which is never held across a system call.
pub(crate) struct Link<S> {
    transport: S,
    state: Mutex<State>,
    /// Something happened that others may wait for.
    changed: Condvar,
    keeper: &'static Keeper,
}

pub(crate) type Guard<'a> = MutexGuard<'a, State>;

impl<S: Transport> Link<S> {
    pub(crate) fn new(transport: S, session: Session, inbox: Inbox) -> io::Result<Arc<Self>> {
        let link = Arc::new(Self {
            transport,
            state: Mutex::new(State::new(session, inbox)),
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
                self.carry_out(&duties);
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
            self.carry_out(&duties);
        }
    }

    fn carry_out(self: &Arc<Self>, duties: &Duties) {
        if let Some(look_at) = self.carry_out_here(duties) {
            self.keeper.look_at(self.clone(), look_at);
        }
    }

    /// Carries out all but the request for a look, which it gives back.
    fn carry_out_here(&self, duties: &Duties) -> Option<Instant> {
        if let Some(how) = duties.shutdown {
            // Where it fails, the peer was faster.
            let _ = self.transport.shutdown(how);
        }
        if duties.notify {
            self.changed.notify_all();
        }
        duties.look_at
    }
}
