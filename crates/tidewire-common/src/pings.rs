use std::time::Duration;

use tidewire_proto::{Answer, Instant, PingId};

/// The pings that somebody waits for, and the answers that nobody has taken yet.
#[derive(Debug, Default)]
pub(crate) struct PingWaiters {
    /// Boxed, since hardly a connection has any.
    #[expect(
        clippy::box_collection,
        reason = "an idle connection has room for the pointer alone"
    )]
    waiters: Option<Box<Vec<Waiter>>>,
}

#[derive(Debug)]
struct Waiter {
    id: PingId,
    sent: Instant,
    round_trip: Option<Duration>,
}

impl PingWaiters {
    pub(crate) fn add(&mut self, id: PingId, sent: Instant) {
        self.waiters.get_or_insert_default().push(Waiter {
            id,
            sent,
            round_trip: None,
        });
    }

    /// Notes an answer; earlier pings are answered with it (§5.5.3).
    pub(crate) fn answer(&mut self, now: Instant, answer: Answer) {
        for waiter in self
            .waiters
            .iter_mut()
            .flat_map(|waiters| waiters.iter_mut())
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
        self.waiters
            .iter()
            .flat_map(|waiters| waiters.iter())
            .any(|waiter| waiter.round_trip.is_some())
    }

    /// Takes the answer to a ping, once there is one.
    pub(crate) fn take(&mut self, id: PingId) -> Option<Duration> {
        let waiters = self.waiters.as_mut()?;
        let at = waiters
            .iter()
            .position(|waiter| waiter.id == id && waiter.round_trip.is_some())?;
        let round_trip = waiters.swap_remove(at).round_trip;
        if waiters.is_empty() {
            self.waiters = None;
        }
        round_trip
    }

    /// Forgets a ping that nobody waits for any more.
    pub(crate) fn forget(&mut self, id: PingId) {
        if let Some(waiters) = &mut self.waiters {
            waiters.retain(|waiter| waiter.id != id);
            if waiters.is_empty() {
                self.waiters = None;
            }
        }
    }
}
