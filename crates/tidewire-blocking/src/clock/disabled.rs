//! Time passes, and nobody else moves it.

use std::sync::{Condvar, MutexGuard, PoisonError};
use std::time::Duration;

use tidewire_common::proto::Instant;

use super::{START, left};

/// The present on the process's one clock: the keeper compares deadlines of all connections.
pub(crate) fn now() -> Instant {
    Instant::from_elapsed(START.elapsed())
}

/// Waits until something changed, or the time is over; the caller looks again.
pub(crate) fn wait<'a, T>(
    changed: &Condvar,
    guard: MutexGuard<'a, T>,
    timeout: Option<Duration>,
) -> MutexGuard<'a, T> {
    match timeout {
        None => changed.wait(guard).unwrap_or_else(PoisonError::into_inner),
        Some(timeout) => {
            changed
                .wait_timeout(guard, timeout)
                .unwrap_or_else(PoisonError::into_inner)
                .0
        }
    }
}

/// How long the keeper may sleep that wants to wake at a moment.
pub(crate) fn keeper_timeout(wake_at: Option<Instant>) -> Option<Duration> {
    left(wake_at)
}

/// Notes that this thread is about to read or to write, or to wait for either.
#[inline]
pub(crate) fn rise() {}

/// Notes that this thread has done what it was woken for.
#[inline]
pub(crate) fn rest() {}
