use std::sync::Arc;
use std::time::Duration;

use tidewire_proto::ConfigError;
use tidewire_proto::deflate::{Choice, Compression, Context, Contexts, Extension, Takeover, WindowBits};

use crate::codec_pool::CodecPool;

/// The window of either side, unless it is set: 4 KiB.
const WINDOW_BITS: u8 = 12;
/// What codecs at rest may take together: 8 MiB.
const BUDGET: usize = 8 << 20;

/// permessage-deflate (RFC 7692): how messages are compressed. Cheap to clone; clones share their codecs.
///
/// The same settings serve a server, as what it grants at most, and a client, as what it asks for. Once switched on, the
/// default is: context takeover, windows of at most 4 KiB, level 1, messages from 64 bytes on, 8 MiB of codecs that
/// wait for their next message, and sleep after 250 ms without one.
///
/// ```
/// use tidewire_common::Deflate;
///
/// let small = Deflate::builder().level(6).build()?;
/// let cheap = Deflate::builder().server_no_context_takeover().client_no_context_takeover().build()?;
/// # Ok::<(), tidewire_common::public::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Deflate {
    server: Takeover,
    client: Takeover,
    server_window: Option<WindowBits>,
    client_window: WindowBits,
    compression: Compression,
    pool: Arc<CodecPool>,
}

impl Deflate {
    /// Starts from the defaults.
    pub fn builder() -> DeflateBuilder {
        DeflateBuilder {
            server: Takeover::Allowed,
            client: Takeover::Allowed,
            server_window_bits: None,
            client_window_bits: WINDOW_BITS,
            compression: Compression::default(),
            budget: BUDGET,
        }
    }

    /// What a server grants.
    pub(crate) fn granted(&self) -> Contexts {
        self.contexts(self.server_window.unwrap_or(default_window()))
    }

    /// What a client asks for.
    ///
    /// Not for a smaller window of the server's, unless that is set: there are servers that know no window but the
    /// largest, and would have to decline.
    pub(crate) fn asked(&self) -> Contexts {
        self.contexts(self.server_window.unwrap_or(WindowBits::MAX))
    }

    /// The extension of one connection.
    pub(crate) fn extension(&self, agreed: Contexts) -> Extension {
        Extension::new(agreed, self.pool.clone()).compression(self.compression)
    }

    fn contexts(&self, server_window: WindowBits) -> Contexts {
        Contexts {
            server: Context {
                takeover: self.server,
                window_bits: server_window,
            },
            client: Context {
                takeover: self.client,
                window_bits: self.client_window,
            },
        }
    }
}

impl Default for Deflate {
    fn default() -> Self {
        Self {
            server: Takeover::Allowed,
            client: Takeover::Allowed,
            server_window: None,
            client_window: default_window(),
            compression: Compression::default(),
            pool: Arc::new(CodecPool::new(BUDGET)),
        }
    }
}

const fn default_window() -> WindowBits {
    match WindowBits::new(WINDOW_BITS) {
        Some(window) => window,
        None => WindowBits::MAX,
    }
}

/// Collects the settings of a [`Deflate`].
#[derive(Clone, Debug)]
pub struct DeflateBuilder {
    server: Takeover,
    client: Takeover,
    server_window_bits: Option<u8>,
    client_window_bits: u8,
    compression: Compression,
    budget: usize,
}

impl DeflateBuilder {
    /// Has each message of the server stand alone: it remembers nothing between two, and neither has the client to.
    pub fn server_no_context_takeover(mut self) -> Self {
        self.server = Takeover::Forbidden;
        self
    }

    /// Has each message of the client stand alone.
    pub fn client_no_context_takeover(mut self) -> Self {
        self.client = Takeover::Forbidden;
        self
    }

    /// Bounds the window of what the server sends to `2^bits` bytes, 8 to 15; 12 by default on a server. A client asks
    /// for nothing by default, since a server that does not know the parameter has to decline.
    pub fn server_max_window_bits(mut self, bits: u8) -> Self {
        self.server_window_bits = Some(bits);
        self
    }

    /// Bounds the window of what the client sends to `2^bits` bytes, 8 to 15; 12 by default. A server can ask that of
    /// those clients only that offer it.
    pub fn client_max_window_bits(mut self, bits: u8) -> Self {
        self.client_window_bits = bits;
        self
    }

    /// Sets the level of what is sent, 1 (fast, the default) to 9 (small).
    pub fn level(mut self, level: u8) -> Self {
        self.compression.level = level;
        self
    }

    /// Sends messages that are shorter as they are; 64 bytes by default.
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.compression.choice = Choice::WorthWhile { threshold: bytes };
        self
    }

    /// Compresses all messages but empty ones, even where that makes them longer; by default those are left alone that
    /// are short, and binary ones that look like pictures, archives or ciphertext.
    pub fn everything(mut self) -> Self {
        self.compression.choice = Choice::All;
        self
    }

    /// Bounds the memory of codecs that wait for their next message, of all connections together; 8 MiB by default,
    /// room for some thirty. Without room, each message has to have its codec made.
    pub fn codec_budget(mut self, bytes: usize) -> Self {
        self.budget = bytes;
        self
    }

    /// Sets after what time without a compressed message a connection sleeps, which then keeps only the text that
    /// later messages may refer to; 250 ms by default.
    pub fn idle_after(mut self, idle: Duration) -> Self {
        self.compression.idle = idle;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`ConfigError`] names the first that has no meaning.
    pub fn build(self) -> Result<Deflate, ConfigError> {
        let window = |bits| WindowBits::new(bits).ok_or(ConfigError::WindowBits { bits });
        Ok(Deflate {
            server: self.server,
            client: self.client,
            server_window: self.server_window_bits.map(window).transpose()?,
            client_window: window(self.client_window_bits)?,
            compression: self.compression.check()?,
            pool: Arc::new(CodecPool::new(self.budget)),
        })
    }
}
