use std::sync::LazyLock;
use std::time::{Duration, Instant as SystemInstant};

use tidewire_common::proto::Instant;

static START: LazyLock<SystemInstant> = LazyLock::new(SystemInstant::now);

/// The present on the process's one clock: the keeper compares deadlines of all connections.
pub(crate) fn now() -> Instant {
    Instant::from_elapsed(START.elapsed())
}

/// What is left until `deadline`; `None` where there is no deadline.
pub(crate) fn left(deadline: Option<Instant>) -> Option<Duration> {
    deadline.map(|deadline| deadline - now())
}
