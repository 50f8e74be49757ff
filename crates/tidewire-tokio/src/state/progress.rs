//! Who makes a connection go on: its driver, or whoever waits for it.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Waker};

use super::State;
use crate::wakers::{Alarm, Ticket, ToWake, Waiters};

/// Who makes the connection go on.
pub(crate) struct Progress {
    /// What the socket and the timer see; nobody's after a driver's last turn.
    waker: Waker,
    waiting: Waiting,
    /// Who has something to gain from what was done since the lock was taken.
    pub(crate) to_wake: ToWake,
}

enum Waiting {
    /// Nobody drives: the socket wakes those who wait.
    Alarmed(Arc<Alarm>),
    /// A driver does.
    Driven(Turn, Waiters),
}

/// Whether the driver is at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Over,
    /// It polls its handler and looks at the state afterwards, so it need not be woken.
    Begun,
}

/// Those who are to be woken once the lock is released.
pub(crate) struct Woken {
    driver: Option<Waker>,
    waiters: Waiters,
}

impl Woken {
    pub(crate) fn wake(self) {
        if let Some(driver) = self.driver {
            driver.wake();
        }
        self.waiters.wake();
    }
}

impl Progress {
    pub(super) fn new() -> Self {
        let alarm = Arc::new(Alarm::default());
        Self {
            waker: Waker::from(alarm.clone()),
            waiting: Waiting::Alarmed(alarm),
            to_wake: ToWake::NOBODY,
        }
    }

    /// What the socket and the timer are polled with.
    pub(super) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    #[cold]
    fn take_woken(&mut self, to_wake: ToWake) -> Woken {
        let driver_waits = matches!(self.waiting, Waiting::Driven(Turn::Over, _));
        let driver = if driver_waits && to_wake.has(ToWake::DRIVER) {
            Some(self.waker.clone())
        } else {
            None
        };
        Woken {
            driver,
            waiters: self.with_waiters(|waiters| waiters.take(to_wake)),
        }
    }

    fn with_waiters<T>(&mut self, work: impl FnOnce(&mut Waiters) -> T) -> T {
        match &mut self.waiting {
            Waiting::Alarmed(alarm) => work(&mut alarm.waiters()),
            Waiting::Driven(_, waiters) => work(waiters),
        }
    }
}

impl<S> State<S> {
    /// Whether a driver polls this connection.
    #[inline]
    pub(crate) fn is_driven(&self) -> bool {
        matches!(self.progress.waiting, Waiting::Driven(..))
    }

    /// Leaves the connection to a driver, whose first turn is to come.
    pub(crate) fn hand_to_driver(&mut self) {
        if let Waiting::Alarmed(alarm) = &self.progress.waiting {
            let waiters = mem::take(&mut *alarm.waiters());
            self.progress.waiting = Waiting::Driven(Turn::Over, waiters);
        }
    }

    /// Begins a turn of the driver, of the task that `waker` wakes; gives another waker to drop once the lock is released.
    pub(crate) fn begin_turn(&mut self, waker: &Waker) -> Option<Waker> {
        if let Waiting::Driven(turn, _) = &mut self.progress.waiting {
            *turn = Turn::Begun;
        }
        if self.progress.waker.will_wake(waker) {
            return None;
        }
        self.note_driver();
        Some(mem::replace(&mut self.progress.waker, waker.clone()))
    }

    /// Ends the turn: who queues something from now on wakes the driver.
    pub(crate) fn end_turn(&mut self) {
        if let Waiting::Driven(turn, _) = &mut self.progress.waiting {
            *turn = Turn::Over;
        }
    }

    /// Whether the driver polls its handler.
    pub(crate) fn is_drivers_turn(&self) -> bool {
        matches!(self.progress.waiting, Waiting::Driven(Turn::Begun, _))
    }

    /// Forgets the task of a driver that goes; gives its waker to drop once the lock is released.
    pub(crate) fn forget_driver(&mut self) -> Waker {
        mem::replace(&mut self.progress.waker, Waker::noop().clone())
    }

    /// Takes those who are to be woken once the lock is released.
    #[inline]
    pub(crate) fn take_woken(&mut self) -> Option<Woken> {
        let to_wake = mem::replace(&mut self.progress.to_wake, ToWake::NOBODY);
        // Mostly nobody waits who could gain.
        let waits = match &self.progress.waiting {
            Waiting::Alarmed(_) => to_wake != ToWake::NOBODY,
            Waiting::Driven(turn, waiters) => {
                (*turn == Turn::Over && to_wake.has(ToWake::DRIVER)) || waiters.are_among(to_wake)
            }
        };
        waits.then(|| self.progress.take_woken(to_wake))
    }

    pub(crate) fn register_receiver(&mut self, waker: &Waker) {
        self.progress
            .with_waiters(|waiters| waiters.register_receiver(waker));
    }

    /// Registers one of the others under its ticket, which it gets the first time.
    pub(crate) fn register_other(&mut self, ticket: &mut Option<Ticket>, waker: &Waker) {
        self.progress
            .with_waiters(|waiters| waiters.register_other(ticket, waker));
    }

    /// Forgets one of the others; gives its waker to drop once the lock is released.
    pub(crate) fn forget(&mut self, ticket: Ticket) -> Option<Waker> {
        self.progress.with_waiters(|waiters| waiters.forget(ticket))
    }
}
