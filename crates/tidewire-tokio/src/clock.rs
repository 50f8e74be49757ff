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
        self.start + at.elapsed_since_start()
    }
}
