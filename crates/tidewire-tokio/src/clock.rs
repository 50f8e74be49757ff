use std::time::Duration;

use tidewire_common::proto;
use tokio::time::Instant;

/// The core's time on tokio's clock, which tests may pause.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    pub(crate) fn now(self) -> proto::Instant {
        proto::Instant::from_elapsed(self.start.elapsed())
    }

    /// The moment on tokio's clock.
    pub(crate) fn to_tokio(self, at: proto::Instant) -> Instant {
        let since = at.elapsed_since_start();
        self.start.checked_add(since).unwrap_or_else(|| after(since))
    }
}

/// The moment after `timeout`; one too far to be named is thirty years away.
pub(crate) fn after(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout)
        .unwrap_or(now + Duration::from_secs(30 * 365 * 24 * 60 * 60))
}
