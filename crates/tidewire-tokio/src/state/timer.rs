//! When a connection is next called for the sake of its deadlines.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use tidewire_common::proto::Instant;
use tokio::runtime::Handle;
use tokio::task::coop;
use tokio::time::Sleep;

use super::State;
use crate::keeper::Keeper;
use crate::wakers::ToWake;

/// What calls a connection at a deadline.
pub(super) enum Timer {
    /// A timer of its own, once there was a deadline.
    Own(Option<Pin<Box<Sleep>>>),
    /// That of its server, which knows it by this number.
    Kept(Arc<Keeper>, u32),
}

impl<S> State<S> {
    /// Leaves the deadlines to the keeper of a server, by whose clock they are; that has to [call](Self::note_due).
    pub(crate) fn leave_to_keeper(&mut self, keeper: Arc<Keeper>, number: u32) {
        self.timer = Timer::Kept(keeper, number);
        self.armed = Instant::NEVER;
    }

    /// Takes the keeper's call for a deadline.
    pub(crate) fn note_due(&mut self, at: Instant) {
        // It may have been moved while the keeper was on its way.
        if self.armed == at {
            self.armed = Instant::NEVER;
        }
        self.progress.to_wake |= ToWake::DRIVER;
    }

    /// Whether the timer will go off by then.
    pub(super) fn is_armed_for(&self, at: Instant) -> bool {
        let is_armed = match &self.timer {
            Timer::Own(timer) => timer.as_ref().is_some_and(|timer| !timer.is_elapsed()),
            Timer::Kept(..) => true,
        };
        self.armed <= at && is_armed
    }

    /// Makes the timer go off at the next deadline or before; a later one than it is armed for costs nothing.
    pub(super) fn arm_timer(&mut self) {
        let Some(at) = self.session.poll_timeout() else {
            return;
        };
        if self.is_armed_for(at) {
            return;
        }
        match &mut self.timer {
            Timer::Own(timer) => {
                let deadline = self.clock.to_tokio(at);
                let timer = match timer {
                    Some(timer) => {
                        timer.as_mut().reset(deadline);
                        timer
                    }
                    // `try_send` may be called in no runtime, where no timer can be made; whoever polls makes it.
                    None if Handle::try_current().is_err() => return,
                    None => timer.insert(Box::pin(tokio::time::sleep_until(deadline))),
                };
                // All polls show the timer the same waker, so once is enough; but a task that has used up its budget
                // would be turned away before the timer saw the waker.
                let mut cx = self.progress.context();
                if pin!(coop::unconstrained(timer.as_mut())).poll(&mut cx).is_ready() {
                    cx.waker().wake_by_ref();
                }
            }
            Timer::Kept(keeper, number) => keeper.rearm(*number, self.armed, at),
        }
        self.armed = at;
    }

    /// Has the timer armed anew, which has not seen the waker of the driver that has come.
    pub(super) fn note_driver(&mut self) {
        if matches!(self.timer, Timer::Own(_)) {
            self.armed = Instant::NEVER;
        }
    }

    /// Gives the timer up.
    pub(super) fn release_timer(&mut self) {
        match &mut self.timer {
            Timer::Own(timer) => *timer = None,
            Timer::Kept(keeper, number) => keeper.rearm(*number, self.armed, Instant::NEVER),
        }
        self.armed = Instant::NEVER;
    }
}
