use std::sync::Arc;
use std::time::Duration;

use tidewire_proto as proto;
use tidewire_proto::handshake::HeadLimits;
use tidewire_proto::{ConfigError, Keepalive, Limits};

use crate::masks::Masks;

/// How connections behave: limits, deadlines, queues. Cheap to clone; the default suits most servers and clients.
///
/// ```
/// use std::time::Duration;
/// # use tidewire_common::{Config, public::Keepalive};
///
/// let config = Config::builder()
///     .max_message_size(1 << 20)
///     .keepalive(Keepalive { interval: Duration::from_secs(60), ..Keepalive::default() })
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Timeouts
///
/// | what | by default | set by |
/// |---|---|---|
/// | opening: look-up, TCP, proxies, TLS, redirects and HTTP together | 10 s | [`open_timeout`](ConfigBuilder::open_timeout) |
/// | sending: no byte leaves of what waits | 30 s | [`write_timeout`](ConfigBuilder::write_timeout) |
/// | receiving: no sign of life, asked for by a Ping | 20 s, and 20 s | [`keepalive`](ConfigBuilder::keepalive) |
/// | closing, queued messages included | 10 s | [`close_timeout`](ConfigBuilder::close_timeout) |
///
/// How long a single message is waited for is for the call to say: on tokio, `timeout` around `recv`, which loses nothing;
/// on threads, `recv_timeout`.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) connection: Arc<proto::Config>,
    pub(crate) settings: Arc<Settings>,
}

/// What a connection's core does not ask for.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) head: HeadLimits,
    pub(crate) open_timeout: Option<Duration>,
    pub(crate) write_queue: usize,
    pub(crate) read_ahead_bytes: usize,
    pub(crate) read_ahead_messages: usize,
    pub(crate) masks: Masks,
}

impl Config {
    /// Starts from the defaults.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder {
            connection: proto::Config::new(),
            limits: Limits::default(),
            settings: Settings {
                head: HeadLimits::default(),
                open_timeout: Some(Duration::from_secs(10)),
                write_queue: 256 * 1024,
                read_ahead_bytes: 64 * 1024,
                read_ahead_messages: 16,
                masks: Masks::default(),
            },
        }
    }

    /// How much of the head of a request or a response is taken.
    pub fn head_limits(&self) -> HeadLimits {
        self.settings.head
    }

    /// How long the head of a request or a response may be, as HTTP libraries take it.
    pub fn head_bytes(&self) -> u32 {
        u32::try_from(self.settings.head.max_bytes()).unwrap_or(u32::MAX)
    }

    /// How long the opening handshake may take in all.
    pub fn open_timeout(&self) -> Option<Duration> {
        self.settings.open_timeout
    }
}

impl Default for Config {
    fn default() -> Self {
        let ConfigBuilder {
            connection,
            limits,
            settings,
        } = Self::builder();
        Self {
            connection: Arc::new(connection.limits(limits)),
            settings: Arc::new(settings),
        }
    }
}

/// Collects the settings of a [`Config`].
#[derive(Clone, Debug)]
pub struct ConfigBuilder {
    connection: proto::Config,
    limits: Limits,
    pub(crate) settings: Settings,
}

impl ConfigBuilder {
    /// Bounds a message in bytes, and a frame with it; 16 MiB by default. A longer one is failed with 1009.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.limits = self.limits.message(bytes);
        self
    }

    /// Sets all limits of messages at once, for example [`Limits::STRICT`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Bounds the head of a request or a response.
    pub fn head_limits(mut self, limits: HeadLimits) -> Self {
        self.settings.head = limits;
        self
    }

    /// Sets when a silent peer is pinged and given up; `None` never does. 20 s each by default.
    pub fn keepalive(mut self, keepalive: impl Into<Option<Keepalive>>) -> Self {
        self.connection = self.connection.keepalive(keepalive);
        self
    }

    /// Bounds the opening handshake, from the name look-up to the last header, proxies and redirects included; 10 s by
    /// default.
    pub fn open_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.settings.open_timeout = timeout.into();
        self
    }

    /// Bounds closing, queued messages and the end of TCP included; 10 s by default.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.connection = self.connection.close_timeout(timeout);
        self
    }

    /// Bounds the time in which no byte of waiting output leaves; 30 s by default.
    pub fn write_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.connection = self.connection.write_timeout(timeout);
        self
    }

    /// Sets the high-water mark of the write queue in bytes, 256 KiB by default: above it `send` waits. One message
    /// beyond it is taken at most.
    pub fn write_queue(mut self, bytes: usize) -> Self {
        self.settings.write_queue = bytes;
        self
    }

    /// Bounds what is read ahead while the application is not receiving, 64 KiB or 16 messages by default, and one
    /// message beyond at most. A close behind it is seen later.
    pub fn read_ahead(mut self, bytes: usize, messages: usize) -> Self {
        self.settings.read_ahead_bytes = bytes;
        self.settings.read_ahead_messages = messages;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`ConfigError`] names the first setting that contradicts another or has no meaning.
    pub fn build(self) -> Result<Config, ConfigError> {
        for (setting, is_zero) in [
            (
                "open timeout",
                self.settings
                    .open_timeout
                    .is_some_and(|timeout| timeout.is_zero()),
            ),
            ("write queue", self.settings.write_queue == 0),
            ("read-ahead bytes", self.settings.read_ahead_bytes == 0),
            ("read-ahead messages", self.settings.read_ahead_messages == 0),
        ] {
            if is_zero {
                return Err(ConfigError::Zero { setting });
            }
        }
        let connection = self.connection.limits(self.limits).check()?;
        Ok(Config {
            connection: Arc::new(connection),
            settings: Arc::new(self.settings),
        })
    }
}
