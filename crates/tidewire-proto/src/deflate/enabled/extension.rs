use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use super::codec::Codecs;
use super::receiving::Receiving;
use super::sending::Sending;
use crate::coding::Coding;
use crate::config::Config;
use crate::connection::Connection;
use crate::deflate::context::Contexts;
use crate::error::ConfigError;
use crate::frame::{ReservedBits, Sender};
use crate::role::Role;
use crate::time::Instant;

/// permessage-deflate on one connection, as it was agreed on, for
/// [`Connection::with_deflate`](crate::Connection::with_deflate).
///
/// ```
/// use std::sync::Arc;
/// use tidewire_proto::deflate::{Context, Contexts, Extension, NoPool};
/// use tidewire_proto::{Config, Connection, Inbox, Instant, Server};
///
/// let agreed = Contexts { server: Context::UNLIMITED, client: Context::UNLIMITED };
/// let extension = Extension::new(agreed, Arc::new(NoPool));
/// let mut connection = Connection::with_deflate(Server, Config::new(), &extension, Instant::START);
///
/// let (mut inbox, mut out) = (Inbox::new(), Vec::new());
/// let (_, mut tx) = connection.turn(Instant::START, &mut inbox, &mut out);
/// tx.message("again and again ".repeat(100).as_str())?;
/// assert!(out.len() < 50);
/// # Ok::<(), tidewire_proto::SendError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Extension {
    contexts: Contexts,
    pub(super) shared: Arc<Shared>,
}

/// What connections with the same settings share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) compression: Compression,
    pub(super) codecs: Arc<dyn Codecs>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.compression.fmt(f)
    }
}

impl Extension {
    /// The extension as the handshake agreed on it, with codecs to borrow.
    pub fn new(contexts: Contexts, codecs: Arc<dyn Codecs>) -> Self {
        Self {
            contexts,
            shared: Arc::new(Shared {
                compression: Compression::default(),
                codecs,
            }),
        }
    }

    /// Sets what is compressed, and how.
    pub fn compression(mut self, compression: Compression) -> Self {
        Arc::make_mut(&mut self.shared).compression = compression;
        self
    }

    /// The same for another connection, on which something else was agreed on; the two share their settings.
    pub fn with_contexts(&self, contexts: Contexts) -> Self {
        Self {
            contexts,
            shared: self.shared.clone(),
        }
    }
}

impl<R: Role> Connection<R> {
    /// A connection that was opened at `now`, and on which permessage-deflate was agreed.
    pub fn with_deflate(
        role: R,
        config: impl Into<Arc<Config>>,
        extension: &Extension,
        now: Instant,
    ) -> Self {
        let mut connection = Self::new(role, config, now);
        let Contexts { server, client } = extension.contexts;
        let (ours, theirs) = match R::PEER {
            Sender::Client => (server, client),
            Sender::Server => (client, server),
        };
        connection.send.coding = Some(Box::new(Coding::Deflate(Sending::new(ours, extension))));
        connection.receive.inflate = Some(Box::new(Receiving::new(theirs, extension)));
        connection.receive.claimed = ReservedBits::RSV1;
        connection
    }
}

/// What a side compresses, and how; the peer need not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// The level, 1 (fast) to 9 (small).
    pub level: u8,
    /// Which messages.
    pub choice: Choice,
    /// After this time without a compressed message, a connection with context takeover keeps nothing but the text
    /// that it may have to refer to.
    pub idle: Duration,
}

/// Which messages are compressed; empty ones never are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Those that may well become smaller: of some length, and, where they are binary, not of bytes that are all about
    /// equally frequent, as in pictures, archives and ciphertext.
    WorthWhile {
        /// Shorter messages are sent as they are, in bytes.
        threshold: usize,
    },
    /// All, even if that makes them longer.
    All,
}

impl Default for Compression {
    /// Level 1, from 64 bytes on, asleep after 250 ms.
    fn default() -> Self {
        Self {
            level: 1,
            choice: Choice::WorthWhile { threshold: 64 },
            idle: Duration::from_millis(250),
        }
    }
}

impl Compression {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`ConfigError`] for a level outside of 1 to 9, and for an idle time of zero.
    pub fn check(self) -> Result<Self, ConfigError> {
        if !(1..=9).contains(&self.level) {
            return Err(ConfigError::CompressionLevel { level: self.level });
        }
        if self.idle.is_zero() {
            return Err(ConfigError::Zero {
                setting: "idle time of compression",
            });
        }
        Ok(self)
    }
}
