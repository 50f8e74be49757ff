use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use tidewire_proto::{Answer, Instant, PingId};

/// A Ping or a Pong that was received, with its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// A Ping, which is answered whoever hears of it.
    Ping(Bytes),
    /// A Pong, whether it answers a Ping or not.
    Pong(Bytes),
}

/// Who wants to hear of pings and pongs: the ones that wait for an answer, which nobody may have taken yet, and at most
/// one for all.
#[derive(Debug, Default)]
pub(crate) struct PingWaiters {
    /// Boxed, since hardly a connection has any: an idle one has room for the pointer alone.
    listeners: Option<Box<Listeners>>,
}

#[derive(Default)]
struct Listeners {
    waiters: Vec<Waiter>,
    watch: Option<Box<dyn FnMut(Control) + Send>>,
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners")
            .field("waiters", &self.waiters)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Waiter {
    id: PingId,
    sent: Instant,
    round_trip: Option<Duration>,
}

impl PingWaiters {
    pub(crate) fn add(&mut self, id: PingId, sent: Instant) {
        self.listeners.get_or_insert_default().waiters.push(Waiter {
            id,
            sent,
            round_trip: None,
        });
    }

    /// Notes an answer; earlier pings are answered with it (§5.5.3).
    pub(crate) fn answer(&mut self, now: Instant, answer: Answer) {
        for waiter in self
            .listeners
            .iter_mut()
            .flat_map(|listeners| &mut listeners.waiters)
            .filter(|waiter| waiter.id <= answer.ping && waiter.round_trip.is_none())
        {
            waiter.round_trip = Some(if waiter.id == answer.ping {
                answer.round_trip
            } else {
                now - waiter.sent
            });
        }
    }

    /// Whether somebody's answer is there to be taken.
    pub(crate) fn has_answers(&self) -> bool {
        self.listeners
            .iter()
            .flat_map(|listeners| &listeners.waiters)
            .any(|waiter| waiter.round_trip.is_some())
    }

    /// Takes the answer to a ping, once there is one.
    pub(crate) fn take(&mut self, id: PingId) -> Option<Duration> {
        let waiters = &mut self.listeners.as_mut()?.waiters;
        let at = waiters
            .iter()
            .position(|waiter| waiter.id == id && waiter.round_trip.is_some())?;
        let round_trip = waiters.swap_remove(at).round_trip;
        self.let_go();
        round_trip
    }

    /// Forgets a ping that nobody waits for any more.
    pub(crate) fn forget(&mut self, id: PingId) {
        if let Some(listeners) = &mut self.listeners {
            listeners.waiters.retain(|waiter| waiter.id != id);
            self.let_go();
        }
    }

    /// Has `watch` told of all pings and pongs from here on.
    pub(crate) fn watch(&mut self, watch: Box<dyn FnMut(Control) + Send>) {
        self.listeners.get_or_insert_default().watch = Some(watch);
    }

    /// Tells whoever watches.
    pub(crate) fn tell(&mut self, control: impl FnOnce(Bytes) -> Control, payload: &[u8]) {
        if let Some(watch) = self
            .listeners
            .as_mut()
            .and_then(|listeners| listeners.watch.as_mut())
        {
            watch(control(Bytes::copy_from_slice(payload)));
        }
    }

    /// Gives the memory back where nobody listens any more.
    fn let_go(&mut self) {
        let is_used = |listeners: &Listeners| !listeners.waiters.is_empty() || listeners.watch.is_some();
        if !self.listeners.as_deref().is_some_and(is_used) {
            self.listeners = None;
        }
    }
}
