use std::sync::LazyLock;
use std::time::Duration;

use tidewire_common::proto;
use tokio::time::Instant;

/// A moment that all clocks know, so that each remembers no more than how far from it it started.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The core's time on tokio's clock, which tests may pause.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Nanoseconds after the origin, or before it: the clock of another runtime may have been paused then.
    start: i64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        Self {
            start: nanos(now.duration_since(*ORIGIN)) - nanos(ORIGIN.duration_since(now)),
        }
    }

    pub(crate) fn now(self) -> proto::Instant {
        proto::Instant::from_elapsed(self.started().elapsed())
    }

    /// The moment on tokio's clock.
    pub(crate) fn to_tokio(self, at: proto::Instant) -> Instant {
        let since = at.elapsed_since_start();
        self.started().checked_add(since).unwrap_or_else(|| after(since))
    }

    fn started(self) -> Instant {
        let distance = Duration::from_nanos(self.start.unsigned_abs());
        if self.start < 0 {
            *ORIGIN - distance
        } else {
            *ORIGIN + distance
        }
    }
}

/// The moment after `timeout`; one too far to be named is thirty years away.
pub(crate) fn after(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout)
        .unwrap_or(now + Duration::from_secs(30 * 365 * 24 * 60 * 60))
}
