//! Who waits for a connection, and who is to be woken.
//!
//! A tokio stream remembers one waker per direction, the last it was polled with. Were it given the waker of whichever
//! future polls, that of another would be lost. So with a driver, the socket and the timer only ever see the waker of the
//! driver's task; without one they see an [`Alarm`], which wakes everybody.

use std::mem;
use std::num::NonZeroU64;
use std::ops::BitOrAssign;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// Everyone who waits for a connection, but for its driver.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
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
    /// All but the driver.
    pub(crate) const WAITERS: Self = Self(6);
    pub(crate) const EVERYONE: Self = Self(7);

    /// Whether all of these are among them.
    #[inline]
    pub(crate) fn has(self, these: Self) -> bool {
        self.0 & these.0 == these.0
    }

    /// Adds these where `gain` says that they have something to gain.
    #[inline]
    pub(crate) fn add_if(&mut self, gain: bool, these: Self) {
        if gain {
            *self |= these;
        }
    }
}

impl BitOrAssign for ToWake {
    #[inline]
    fn bitor_assign(&mut self, these: Self) {
        self.0 |= these.0;
    }
}

impl Waiters {
    pub(crate) fn register_receiver(&mut self, waker: &Waker) {
        match &mut self.receiver {
            Some(registered) => registered.clone_from(waker),
            None => self.receiver = Some(waker.clone()),
        }
    }

    /// Registers one of the others under its ticket, which it gets the first time.
    pub(crate) fn register_other(&mut self, ticket: &mut Option<Ticket>, waker: &Waker) {
        let ticket = *ticket.get_or_insert_with(Ticket::next);
        let others = self.others.get_or_insert_default();
        match others.iter_mut().find(|(other, _)| *other == ticket) {
            Some((_, registered)) => registered.clone_from(waker),
            None => others.push((ticket, waker.clone())),
        }
    }

    /// Forgets one of the others, who got what it waited for or gave up; gives the waker to drop once no lock is held,
    /// since it may own a future that uses this connection.
    pub(crate) fn forget(&mut self, ticket: Ticket) -> Option<Waker> {
        let others = self.others.as_mut()?;
        let at = others.iter().position(|(other, _)| *other == ticket)?;
        let (_, forgotten) = others.swap_remove(at);
        if others.is_empty() {
            self.others = None;
        }
        Some(forgotten)
    }

    /// Whether somebody waits of those who are to be woken.
    #[inline]
    pub(crate) fn are_among(&self, who: ToWake) -> bool {
        (self.receiver.is_some() && who.has(ToWake::RECEIVER))
            || (self.others.is_some() && who.has(ToWake::OTHERS))
    }

    /// Takes out those who are to be woken.
    pub(crate) fn take(&mut self, who: ToWake) -> Self {
        Self {
            receiver: self.receiver.take_if(|_| who.has(ToWake::RECEIVER)),
            others: self.others.take_if(|_| who.has(ToWake::OTHERS)),
        }
    }

    /// Wakes all of them; no lock is to be held.
    pub(crate) fn wake(self) {
        let others = self.others.into_iter().flat_map(|others| *others);
        for waker in self.receiver.into_iter().chain(others.map(|(_, waker)| waker)) {
            waker.wake();
        }
    }
}

/// What the socket and the timer of a connection see that has no driver: it wakes everybody who waits.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    waiters: Mutex<Waiters>,
}

impl Alarm {
    pub(crate) fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        let waiters = mem::take(&mut *self.waiters());
        waiters.wake();
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}
