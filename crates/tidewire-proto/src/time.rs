use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

/// A moment on the embedder's own monotonic clock, in nanoseconds since a start of its choice.
///
/// The core never asks for the time: each call that needs it takes it as an argument, so a test can run an hour
/// of keepalive in a microsecond. Arithmetic saturates, and the last representable moment (584 years) stands for
/// "never".
///
/// ```
/// use core::time::Duration;
/// use tidewire_proto::Instant;
///
/// let start = Instant::from_millis(5);
/// assert_eq!(start + Duration::from_millis(7) - start, Duration::from_millis(7));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The start of the clock.
    pub const START: Self = Self(0);
    /// Later than every moment that comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// The moment `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The moment `millis` milliseconds after the start.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// The moment `elapsed` after the start.
    pub fn from_elapsed(elapsed: Duration) -> Self {
        Self::START + elapsed
    }

    /// The nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time since the start.
    pub const fn elapsed_since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// `Some` of this moment, or `None` where it stands for "never".
    pub(crate) fn reachable(self) -> Option<Self> {
        (self != Self::NEVER).then_some(self)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        let nanos = u64::try_from(later.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// The time between the two, zero where `earlier` is the later one.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Instant({:?})", self.elapsed_since_start())
    }
}
