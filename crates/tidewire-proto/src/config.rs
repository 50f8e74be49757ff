use core::time::Duration;

use crate::error::ConfigError;
use crate::limits::Limits;

/// How a [`Connection`](crate::Connection) behaves: limits and deadlines.
///
/// ```
/// use core::time::Duration;
/// use tidewire_proto::{Config, Limits};
///
/// let config = Config::new()
///     .limits(Limits::default().message(1 << 20))
///     .close_timeout(Duration::from_secs(2))
///     .check()?;
/// # Ok::<(), tidewire_proto::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub(crate) limits: Limits,
    pub(crate) keepalive: Option<Keepalive>,
    pub(crate) close_timeout: Duration,
    pub(crate) write_timeout: Option<Duration>,
}

/// When a silent peer is pinged, and when it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// The time between two pings.
    pub interval: Duration,
    /// How long after a ping has left a sign of life must come; `None` waits for ever.
    pub timeout: Option<Duration>,
}

impl Default for Keepalive {
    /// A ping every 20 s, and 20 s for its answer.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(20),
            timeout: Some(Duration::from_secs(20)),
        }
    }
}

impl Config {
    /// The default configuration: [`Limits::default`], [`Keepalive::default`], 10 s to close and 30 s to write.
    pub fn new() -> Self {
        Self {
            limits: Limits::default(),
            keepalive: Some(Keepalive::default()),
            close_timeout: Duration::from_secs(10),
            write_timeout: Some(Duration::from_secs(30)),
        }
    }

    /// Sets what a peer may send.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets when a silent peer is pinged; `None` never does.
    pub fn keepalive(mut self, keepalive: impl Into<Option<Keepalive>>) -> Self {
        self.keepalive = keepalive.into();
        self
    }

    /// Sets how long closing may take in all, queued messages and the end of TCP included.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// Sets how long output may wait without one byte leaving before the peer is given up as
    /// [not reading](crate::ProtocolError::PeerNotReading); `None` waits for ever.
    pub fn write_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.write_timeout = timeout.into();
        self
    }

    /// Checks the settings against each other.
    ///
    /// # Errors
    /// [`ConfigError`] names the first contradiction.
    pub fn check(self) -> Result<Self, ConfigError> {
        if self.limits.max_frame() > self.limits.max_message() {
            return Err(ConfigError::FrameOverMessage {
                frame: self.limits.max_frame(),
                message: self.limits.max_message(),
            });
        }
        if self.limits.max_fragments() == 0 {
            return Err(ConfigError::Zero { setting: "fragments" });
        }
        let zero = |duration: Duration| duration.is_zero();
        if self.keepalive.is_some_and(|keepalive| zero(keepalive.interval)) {
            return Err(ConfigError::Zero {
                setting: "keepalive interval",
            });
        }
        if self
            .keepalive
            .and_then(|keepalive| keepalive.timeout)
            .is_some_and(zero)
        {
            return Err(ConfigError::Zero {
                setting: "keepalive timeout",
            });
        }
        if zero(self.close_timeout) {
            return Err(ConfigError::Zero {
                setting: "close timeout",
            });
        }
        if self.write_timeout.is_some_and(zero) {
            return Err(ConfigError::Zero {
                setting: "write timeout",
            });
        }
        Ok(self)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
