use crate::time::Instant;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// No sign of life since the keepalive ping left.
    Pong,
    /// The next keepalive ping is due.
    Keepalive,
    /// Closing took too long.
    Close,
    /// No byte was written for too long.
    Write,
    /// Nothing was compressed or inflated for a while.
    Sleep,
}

impl Timer {
    /// In the order in which deadlines of one moment are handled: a lost peer is not pinged again.
    pub(crate) const ALL: [Self; 5] = [Self::Pong, Self::Keepalive, Self::Close, Self::Write, Self::Sleep];
}

/// The deadlines of a connection; arming one is a store.
#[derive(Clone, Debug)]
pub(crate) struct Timers([Instant; Timer::ALL.len()]);

impl Timers {
    pub(crate) const fn new() -> Self {
        Self([Instant::NEVER; Timer::ALL.len()])
    }

    pub(crate) fn arm(&mut self, timer: Timer, at: Instant) {
        self.0[timer as usize] = at;
    }

    pub(crate) fn disarm(&mut self, timer: Timer) {
        self.arm(timer, Instant::NEVER);
    }

    pub(crate) fn disarm_all(&mut self) {
        *self = Self::new();
    }

    pub(crate) fn deadline(&self, timer: Timer) -> Option<Instant> {
        self.0[timer as usize].reachable()
    }

    pub(crate) fn is_armed(&self, timer: Timer) -> bool {
        self.deadline(timer).is_some()
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.iter().min().and_then(|at| at.reachable())
    }

    /// Disarms a deadline if it has passed, and says whether it had.
    pub(crate) fn expire(&mut self, timer: Timer, now: Instant) -> bool {
        let expired = self.deadline(timer).is_some_and(|at| at <= now);
        if expired {
            self.disarm(timer);
        }
        expired
    }
}
