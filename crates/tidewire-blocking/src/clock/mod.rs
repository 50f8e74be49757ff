//! The process's one clock, and waiting by it.

#[cfg(not(feature = "test-util"))]
mod disabled;
#[cfg(feature = "test-util")]
mod enabled;

use std::sync::LazyLock;
use std::time::{Duration, Instant as SystemInstant};

use rustix::event::Timespec;
use tidewire_common::proto::Instant;

#[cfg(not(feature = "test-util"))]
pub(crate) use disabled::{keeper_timeout, now, rest, rise, wait};
#[cfg(feature = "test-util")]
pub(crate) use enabled::{Stopped, call, come, keeper_timeout, now, rest, rise, wait};

const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

static START: LazyLock<SystemInstant> = LazyLock::new(SystemInstant::now);

/// The moment `timeout` after `start`; `None` where that is later than the clock can tell.
pub(crate) fn after(start: Instant, timeout: Duration) -> Option<Instant> {
    let at = start + timeout;
    (at.as_nanos() < u64::MAX).then_some(at)
}

/// A timeout for one wait of the system's, which need not take a longer one than a day; who waits looks again.
pub(crate) fn to_system(timeout: Duration) -> Option<Timespec> {
    Timespec::try_from(timeout.min(A_DAY)).ok()
}

/// What is left until `deadline`; `None` where there is no deadline.
pub(crate) fn left(deadline: Option<Instant>) -> Option<Duration> {
    deadline.map(|deadline| deadline - now())
}
