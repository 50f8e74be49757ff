use std::sync::Arc;
use std::time::Duration;

use tidewire_proto::ConfigError;
use tidewire_proto::deflate::{Choice, Compression, Context, Contexts, Extension, Takeover, WindowBits};

use crate::codec_pool::CodecPool;

/// The window of either side, unless it is set: 4 KiB.
const WINDOW: WindowBits = WindowBits::new(12).expect("8 to 15");
/// What codecs at rest may take together: 8 MiB.
const BUDGET: usize = 8 << 20;

/// permessage-deflate (RFC 7692): how messages are compressed. Cheap to clone; clones share their codecs.
///
/// The same settings serve a server, as what it grants at most, and a client, as what it asks for. Once switched on, the
/// default is: context takeover, windows of at most 4 KiB, level 1, messages from 64 bytes on, 8 MiB of codecs that
/// wait for their next message, and sleep after 250 ms without one.
///
/// ```
/// # use tidewire_common::Deflate;
/// let small = Deflate::builder().level(6).build()?;
/// let cheap = Deflate::builder().server_no_context_takeover().client_no_context_takeover().build()?;
/// # Ok::<(), tidewire_common::public::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Deflate {
    granted: Contexts,
    asked: Contexts,
    extension: Extension,
}

impl Deflate {
    /// Starts from the defaults.
    pub fn builder() -> DeflateBuilder {
        DeflateBuilder {
            server: Takeover::Allowed,
            client: Takeover::Allowed,
            server_window_bits: None,
            client_window_bits: WINDOW.get(),
            compression: Compression::default(),
            threshold: None,
            budget: BUDGET,
        }
    }

    /// What a server grants at most.
    pub(crate) fn granted(&self) -> Contexts {
        self.granted
    }

    /// What a client asks for.
    pub(crate) fn asked(&self) -> Contexts {
        self.asked
    }

    /// The extension of one connection.
    pub(crate) fn extension(&self, agreed: Contexts) -> Extension {
        self.extension.with_contexts(agreed)
    }
}

impl Default for Deflate {
    fn default() -> Self {
        Self::builder().with_windows(None, WINDOW)
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
    threshold: Option<usize>,
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
        self.threshold = Some(bytes);
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
    pub fn sleep_after(mut self, idle: Duration) -> Self {
        self.compression.idle = idle;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`ConfigError`] names the first that has no meaning, or the two that exclude each other.
    pub fn build(mut self) -> Result<Deflate, ConfigError> {
        match (self.threshold, self.compression.choice) {
            (Some(_), Choice::All) => {
                return Err(ConfigError::Excluding {
                    settings: ["compressing everything", "a threshold"],
                });
            }
            (Some(threshold), Choice::WorthWhile { .. }) => {
                self.compression.choice = Choice::WorthWhile { threshold };
            }
            (None, _) => {}
        }
        let window = |bits| WindowBits::new(bits).ok_or(ConfigError::WindowBits { bits });
        self.compression.check()?;
        let server = self.server_window_bits.map(window).transpose()?;
        let client = window(self.client_window_bits)?;
        Ok(self.with_windows(server, client))
    }

    fn with_windows(self, server: Option<WindowBits>, client: WindowBits) -> Deflate {
        let contexts = |server| Contexts {
            server: Context {
                takeover: self.server,
                window_bits: server,
            },
            client: Context {
                takeover: self.client,
                window_bits: client,
            },
        };
        let granted = contexts(server.unwrap_or(WINDOW));
        let pool = Arc::new(CodecPool::new(self.budget));
        Deflate {
            granted,
            asked: contexts(server.unwrap_or(WindowBits::MAX)),
            extension: Extension::new(granted, pool).compression(self.compression),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_without_meaning_is_named() {
        let table = [
            (Deflate::builder().level(0), "compression level 0 is not 1 to 9"),
            (Deflate::builder().level(10), "compression level 10 is not 1 to 9"),
            (
                Deflate::builder().server_max_window_bits(7),
                "window bits of 7 are not 8 to 15",
            ),
            (
                Deflate::builder().client_max_window_bits(16),
                "window bits of 16 are not 8 to 15",
            ),
            (
                Deflate::builder().sleep_after(Duration::ZERO),
                "idle time of compression of zero",
            ),
            (
                Deflate::builder().threshold(0).everything(),
                "compressing everything excludes a threshold",
            ),
        ];
        for (builder, error) in table {
            let built = builder.build().map(|_| ()).map_err(|error| error.to_string());
            assert_eq!(built, Err(error.to_owned()));
        }
    }

    #[test]
    fn a_server_grants_4_kib_both_ways_and_a_client_asks_for_it_one_way() {
        let bits = |contexts: Contexts| {
            (
                contexts.server.window_bits.get(),
                contexts.client.window_bits.get(),
            )
        };
        assert_eq!(bits(Deflate::default().granted()), (12, 12));
        assert_eq!(bits(Deflate::default().asked()), (15, 12));
    }
}
