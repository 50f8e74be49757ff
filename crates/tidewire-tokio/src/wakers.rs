use std::mem;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// Everyone who waits for a connection.
///
/// A tokio stream remembers one waker per direction, the last it was polled with. Were it given the waker of
/// whichever future polls, that of another would be lost; so the socket and the timer only ever see this one,
/// which wakes the connection's driver, or everybody where there is none.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    driver: Option<Waker>,
    receiver: Option<Waker>,
    /// Those who wait to send, to flush, for a pong or for the end.
    others: Vec<(Ticket, Waker)>,
    /// The last ticket that was given out.
    tickets: Option<NonZeroU64>,
}

/// Names a waiter among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(NonZeroU64);

/// Who is to be woken.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ToWake {
    pub(crate) driver: bool,
    pub(crate) receiver: bool,
    pub(crate) others: bool,
}

impl ToWake {
    pub(crate) const EVERYONE: Self = Self {
        driver: true,
        receiver: true,
        others: true,
    };
}

impl Wakers {
    pub(crate) fn register_driver(&self, waker: &Waker) {
        remember(&mut self.slots().driver, waker);
    }

    pub(crate) fn register_receiver(&self, waker: &Waker) {
        remember(&mut self.slots().receiver, waker);
    }

    /// Registers one of the others under its ticket, which it gets the first time.
    pub(crate) fn register_other(&self, ticket: &mut Option<Ticket>, waker: &Waker) {
        let mut slots = self.slots();
        let ticket = *ticket.get_or_insert_with(|| {
            let number = slots
                .tickets
                .map_or(NonZeroU64::MIN, |last| last.saturating_add(1));
            slots.tickets = Some(number);
            Ticket(number)
        });
        match slots.others.iter_mut().find(|(other, _)| *other == ticket) {
            Some((_, registered)) => registered.clone_from(waker),
            None => slots.others.push((ticket, waker.clone())),
        }
    }

    /// Forgets one of the others, who got what it waited for or gave up.
    pub(crate) fn forget(&self, ticket: Ticket) {
        // The waker is dropped after the lock is: it may own a future that uses this connection.
        let _forgotten = {
            let mut slots = self.slots();
            let at = slots.others.iter().position(|(other, _)| *other == ticket);
            at.map(|at| slots.others.swap_remove(at))
        };
    }

    pub(crate) fn wake(&self, who: ToWake) {
        if !(who.driver || who.receiver || who.others) {
            return;
        }
        let mut slots = self.slots();
        let driver = if who.driver { slots.driver.take() } else { None };
        let receiver = if who.receiver { slots.receiver.take() } else { None };
        let others = if who.others {
            mem::take(&mut slots.others)
        } else {
            Vec::new()
        };
        drop(slots);
        for waker in driver
            .into_iter()
            .chain(receiver)
            .chain(others.into_iter().map(|(_, waker)| waker))
        {
            waker.wake();
        }
    }

    /// Wakes whoever makes the connection go on: its driver, or all others where there is none.
    fn wake_progress(&self) {
        let driver = self.slots().driver.take();
        match driver {
            Some(driver) => driver.wake(),
            None => self.wake(ToWake::EVERYONE),
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remember(slot: &mut Option<Waker>, waker: &Waker) {
    match slot {
        Some(registered) => registered.clone_from(waker),
        None => *slot = Some(waker.clone()),
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_progress();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_progress();
    }
}
