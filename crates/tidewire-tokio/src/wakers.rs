use std::num::NonZeroU64;
use std::ops::BitOrAssign;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// Those who wait to send, to flush, for a pong or for the end; boxed, since mostly nobody does.
    #[expect(
        clippy::box_collection,
        reason = "an idle connection has room for the pointer alone"
    )]
    others: Option<Box<Vec<(Ticket, Waker)>>>,
}

/// Names a waiter among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(NonZeroU64);

impl Ticket {
    /// One that nobody had before; counted over all connections, so that none keeps a count.
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NonZeroU64::MIN.saturating_add(NEXT.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Who is to be woken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ToWake(u8);

impl ToWake {
    pub(crate) const NOBODY: Self = Self(0);
    pub(crate) const DRIVER: Self = Self(1);
    pub(crate) const RECEIVER: Self = Self(2);
    pub(crate) const OTHERS: Self = Self(4);
    pub(crate) const EVERYONE: Self = Self(7);

    /// Whether all of these are among them.
    #[inline]
    fn has(self, these: Self) -> bool {
        self.0 & these.0 == these.0
    }

    /// Adds these where `gain` says that they have something to gain.
    #[inline]
    pub(crate) fn add_if(&mut self, gain: bool, these: Self) {
        if gain {
            *self |= these;
        }
    }

    /// Takes these out.
    #[inline]
    pub(crate) fn without(self, these: Self) -> Self {
        Self(self.0 & !these.0)
    }
}

impl BitOrAssign for ToWake {
    #[inline]
    fn bitor_assign(&mut self, these: Self) {
        self.0 |= these.0;
    }
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
        let ticket = *ticket.get_or_insert_with(Ticket::next);
        let mut slots = self.slots();
        let others = slots.others.get_or_insert_default();
        match others.iter_mut().find(|(other, _)| *other == ticket) {
            Some((_, registered)) => registered.clone_from(waker),
            None => others.push((ticket, waker.clone())),
        }
    }

    /// Forgets one of the others, who got what it waited for or gave up.
    pub(crate) fn forget(&self, ticket: Ticket) {
        // The waker is dropped after the lock is: it may own a future that uses this connection.
        let _forgotten = {
            let mut slots = self.slots();
            let forgotten = slots.others.as_mut().and_then(|others| {
                let at = others.iter().position(|(other, _)| *other == ticket)?;
                Some(others.swap_remove(at))
            });
            if slots.others.as_ref().is_some_and(|others| others.is_empty()) {
                slots.others = None;
            }
            forgotten
        };
    }

    #[inline]
    pub(crate) fn wake(&self, who: ToWake) {
        if who != ToWake::NOBODY {
            self.wake_some(who);
        }
    }

    fn wake_some(&self, who: ToWake) {
        let mut slots = self.slots();
        let driver = slots.driver.take_if(|_| who.has(ToWake::DRIVER));
        let receiver = slots.receiver.take_if(|_| who.has(ToWake::RECEIVER));
        let others = slots.others.take_if(|_| who.has(ToWake::OTHERS));
        drop(slots);
        for waker in driver.into_iter().chain(receiver).chain(
            others
                .into_iter()
                .flat_map(|others| *others)
                .map(|(_, waker)| waker),
        ) {
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
