use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tidewire_proto::{CloseCode, Closed, Side};

use super::backoff::Backoff;
use crate::error::HandshakeError;

/// How long a server's `Retry-After` is waited for at most.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// When a client connects again, and how often it tries.
///
/// ```
/// use std::time::Duration;
/// # use tidewire_common::{HandshakeError, Retry};
///
/// let retry = Retry::default()
///     .attempts(10)
///     .retry_if(|error: &HandshakeError| error.is_transient() || error.status() == Some(429))
///     .reconnect_if(|_| true);
/// # let _ = retry;
/// ```
#[derive(Clone)]
pub struct Retry {
    pub(super) backoff: Backoff,
    pub(super) attempts: Option<u32>,
    pub(super) give_up_after: Option<Duration>,
    /// How much of a `Retry-After` is waited for.
    pub(super) patience: Duration,
    repeats: Arc<dyn Fn(&HandshakeError) -> bool + Send + Sync>,
    follows: Arc<dyn Fn(&Closed) -> bool + Send + Sync>,
    random: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            attempts: None,
            give_up_after: None,
            patience: PATIENCE,
            repeats: Arc::new(HandshakeError::is_transient),
            follows: Arc::new(|closed| !is_normal(closed)),
            random: Arc::new(rand::random),
        }
    }
}

impl Retry {
    /// One attempt, and no connection after the first [where a loop of ours has to know](Self::reconnect_if).
    pub fn never() -> Self {
        Self::default().attempts(1).reconnect_if(|_| false)
    }

    /// Sets the delays between attempts.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets how many attempts in a row may fail, at least one; the error of the last is the end. Without limit by default.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// Sets how long after the first failure in a row the last attempt may begin. Without limit by default.
    pub fn give_up_after(mut self, limit: Duration) -> Self {
        self.give_up_after = Some(limit);
        self
    }

    /// Sets how much of a server's `Retry-After` is waited for; 1 h by default. The delay of the [`Backoff`] is added, since
    /// others were told the same.
    pub fn retry_after_max(mut self, most: Duration) -> Self {
        self.patience = most;
        self
    }

    /// Decides after which errors an attempt is repeated, in place of [`HandshakeError::is_transient`]. All others are
    /// final.
    pub fn retry_if(mut self, rule: impl Fn(&HandshakeError) -> bool + Send + Sync + 'static) -> Self {
        self.repeats = Arc::new(rule);
        self
    }

    /// Decides after which ends of a connection there is to be another one, where a loop of ours has to know: `run` of a
    /// `Reconnect`, and an `Application`. By default after all but those that began with a Close of 1000, by whichever side.
    pub fn reconnect_if(mut self, rule: impl Fn(&Closed) -> bool + Send + Sync + 'static) -> Self {
        self.follows = Arc::new(rule);
        self
    }

    /// Sets where 64 random bits come from, for each delay anew: in tests, to know what it will be. By default a generator
    /// that is seeded by the system.
    pub fn random(mut self, source: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.random = Arc::new(source);
        self
    }

    pub(super) fn is_retried(&self, error: &HandshakeError) -> bool {
        (self.repeats)(error)
    }

    pub(super) fn is_reconnected(&self, closed: &Closed) -> bool {
        (self.follows)(closed)
    }

    pub(super) fn delay(&self, failures: u32) -> Duration {
        self.backoff.delay(failures, (self.random)())
    }
}

/// Whether the first Close was one of 1000: whoever sent it was done. An answer to it may be missing.
fn is_normal(closed: &Closed) -> bool {
    let first = match closed.first() {
        Some(Side::Local) => closed.sent(),
        Some(Side::Remote) => closed.received(),
        None => None,
    };
    first.is_some_and(|note| note.code == Some(CloseCode::NORMAL))
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("backoff", &self.backoff)
            .field("attempts", &self.attempts)
            .field("give_up_after", &self.give_up_after)
            .field("retry_after_max", &self.patience)
            .finish_non_exhaustive()
    }
}
