use std::time::Duration;

/// How long a client waits before it connects again: a random time between nothing and a bound that grows with each
/// failure (exponential backoff with full jitter).
///
/// ```
/// use std::time::Duration;
/// # use tidewire_common::{Backoff, Retry};
///
/// // At most 1 s before the second attempt, 3 s before the third, and 30 s before those that come later.
/// let backoff = Backoff::default()
///     .first(Duration::from_secs(1))
///     .factor(3.0)
///     .cap(Duration::from_secs(30));
/// let retry = Retry::default().backoff(backoff);
/// # let _ = retry;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    first: Duration,
    factor: f64,
    cap: Duration,
    reset_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            // 10,000 clients that lose their server in one moment come back within 10 s, about a tenth of them in each.
            first: Duration::from_secs(10),
            factor: 2.0,
            cap: Duration::from_secs(60),
            reset_after: Duration::from_secs(10),
        }
    }
}

impl Backoff {
    /// Sets the first bound; 10 s by default. A client that is one of few may well wait less. With zero there is never a
    /// delay, however often it fails.
    pub fn first(mut self, first: Duration) -> Self {
        self.first = first;
        self
    }

    /// Sets what the bound is multiplied by after each failure; 2 by default. It never shrinks: less than 1 is as good as 1.
    pub fn factor(mut self, factor: f64) -> Self {
        // Not a number is as good as 1, too.
        self.factor = factor.max(1.0);
        self
    }

    /// Sets the largest bound; 60 s by default.
    pub fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Sets how long a connection must have lasted for the bound to begin anew; 10 s by default. A shorter one counts as a
    /// failure, so that a server which accepts and drops is not beset.
    pub fn reset_after(mut self, lasted: Duration) -> Self {
        self.reset_after = lasted;
        self
    }

    pub(super) fn is_reset_by(&self, lasted: Duration) -> bool {
        lasted >= self.reset_after
    }

    /// The delay after so many failures before this one, for 64 random bits.
    pub(super) fn delay(&self, failures: u32, random: u64) -> Duration {
        let bound = u64::try_from(self.bound(failures).as_nanos()).unwrap_or(u64::MAX);
        let delay = (u128::from(bound) * u128::from(random)) >> 64;
        Duration::from_nanos(u64::try_from(delay).unwrap_or(bound))
    }

    fn bound(&self, failures: u32) -> Duration {
        if self.first.is_zero() {
            return Duration::ZERO;
        }
        let growth = self.factor.powi(i32::try_from(failures).unwrap_or(i32::MAX));
        let bound = Duration::try_from_secs_f64(self.first.as_secs_f64() * growth);
        // What no duration can say is more than the cap.
        bound.map_or(self.cap, |bound| bound.min(self.cap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest delay, in whole seconds: bounds are made of floats.
    fn most(backoff: Backoff, failures: u32) -> Duration {
        Duration::from_secs_f64(backoff.delay(failures, u64::MAX).as_secs_f64().round())
    }

    #[test]
    fn the_bound_doubles_up_to_the_cap() {
        let table = [(0, 10), (1, 20), (2, 40), (3, 60), (4, 60), (u32::MAX, 60)];
        for (failures, seconds) in table {
            let delay = most(Backoff::default(), failures);
            assert_eq!(delay, Duration::from_secs(seconds), "{failures}");
        }
    }

    #[test]
    fn the_delay_is_as_random_as_its_source() {
        let backoff = Backoff::default();
        assert_eq!(backoff.delay(0, 0), Duration::ZERO);
        assert_eq!(backoff.delay(0, 1 << 63), Duration::from_secs(5));
        assert_eq!(backoff.delay(1, 1 << 62), Duration::from_secs(5));
    }

    #[test]
    fn odd_settings_are_bounded_all_the_same() {
        let backoff = Backoff::default();
        let table = [
            (backoff.first(Duration::ZERO), u32::MAX, Duration::ZERO),
            (backoff.factor(f64::NAN), 5, Duration::from_secs(10)),
            (backoff.factor(-3.0), 5, Duration::from_secs(10)),
            (backoff.factor(f64::INFINITY), 1, Duration::from_secs(60)),
            (backoff.cap(Duration::from_secs(1)), 0, Duration::from_secs(1)),
        ];
        for (backoff, failures, expected) in table {
            assert_eq!(most(backoff, failures), expected, "{backoff:?}");
        }
        let endless = backoff.first(Duration::MAX).cap(Duration::MAX);
        assert!(endless.delay(1, u64::MAX) > Duration::from_secs(1 << 33));
    }
}
