//! The deadlines of all connections of a server, with one timer between them.
//!
//! A timer of tokio's for each would be an allocation of 96 bytes, which most of the time waits for a keepalive ping.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidewire_common::proto::Instant;
use tokio::sync::Notify;

use crate::clock::Clock;

/// Tells whose deadlines pass.
pub(crate) struct Keeper {
    clock: Clock,
    deadlines: Mutex<Deadlines>,
    /// A deadline has come that is not to be slept through.
    sooner: Notify,
}

struct Deadlines {
    /// Each with the number of whose it is.
    armed: BTreeSet<(Instant, u32)>,
    /// When the timer goes off. It may be for a deadline that was given up: a later one has it armed when it does.
    timer: Instant,
}

impl Keeper {
    pub(crate) fn new() -> Self {
        Self {
            clock: Clock::start(),
            deadlines: Mutex::new(Deadlines {
                armed: BTreeSet::new(),
                timer: Instant::NEVER,
            }),
            sooner: Notify::new(),
        }
    }

    /// The clock that the deadlines are read off.
    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// Moves a deadline; either moment may be never.
    pub(crate) fn rearm(&self, number: u32, from: Instant, to: Instant) {
        let mut deadlines = self.deadlines();
        deadlines.armed.remove(&(from, number));
        if to == Instant::NEVER {
            return;
        }
        deadlines.armed.insert((to, number));
        let is_sooner = to < deadlines.timer;
        drop(deadlines);
        if is_sooner {
            self.sooner.notify_one();
        }
    }

    /// Waits until deadlines have passed, and gives those, which are forgotten.
    pub(crate) async fn due(&self) -> BTreeSet<(Instant, u32)> {
        loop {
            let due = self.deadlines().take_due(self.clock.now());
            if !due.is_empty() {
                return due;
            }
            let timer = self.deadlines().arm();
            match timer {
                Instant::NEVER => self.sooner.notified().await,
                at => tokio::select! {
                    () = tokio::time::sleep_until(self.clock.to_tokio(at)) => {}
                    () = self.sooner.notified() => {}
                },
            }
        }
    }

    fn deadlines(&self) -> MutexGuard<'_, Deadlines> {
        self.deadlines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deadlines {
    fn take_due(&mut self, now: Instant) -> BTreeSet<(Instant, u32)> {
        let later = self.armed.split_off(&(now, u32::MAX));
        mem::replace(&mut self.armed, later)
    }

    /// Sets the timer to the first deadline.
    fn arm(&mut self) -> Instant {
        self.timer = self.armed.first().map_or(Instant::NEVER, |(at, _)| *at);
        self.timer
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The next deadlines that pass, each as its second and its number.
    async fn due(keeper: &Keeper) -> Vec<(u64, u32)> {
        let second = |at: Instant| at.elapsed_since_start().as_secs();
        keeper
            .due()
            .await
            .into_iter()
            .map(|(at, number)| (second(at), number))
            .collect()
    }

    fn second(at: u64) -> Instant {
        Instant::START + Duration::from_secs(at)
    }

    #[tokio::test(start_paused = true)]
    async fn deadlines_are_told_when_they_pass() {
        let keeper = Keeper::new();
        for (number, at) in [(1, 20), (2, 10), (3, 20)] {
            keeper.rearm(number, Instant::NEVER, second(at));
        }
        assert_eq!(due(&keeper).await, [(10, 2)]);
        assert_eq!(due(&keeper).await, [(20, 1), (20, 3)]);
        assert_eq!(keeper.clock.now().elapsed_since_start().as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_moves_passes_once() {
        let keeper = Keeper::new();
        keeper.rearm(1, Instant::NEVER, second(10));
        keeper.rearm(2, Instant::NEVER, second(20));
        keeper.rearm(3, Instant::NEVER, second(5));
        keeper.rearm(1, second(10), second(30));
        keeper.rearm(3, second(5), Instant::NEVER);
        assert_eq!(due(&keeper).await, [(20, 2)]);
        assert_eq!(due(&keeper).await, [(30, 1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_comes_first_is_not_told_late() {
        let keeper = Keeper::new();
        keeper.rearm(1, Instant::NEVER, second(60));
        let sooner = async {
            tokio::task::yield_now().await;
            keeper.rearm(2, Instant::NEVER, second(1));
        };
        let (first, ()) = tokio::join!(due(&keeper), sooner);
        assert_eq!(first, [(1, 2)]);
        assert_eq!(keeper.clock.now().elapsed_since_start().as_secs(), 1);
    }
}
