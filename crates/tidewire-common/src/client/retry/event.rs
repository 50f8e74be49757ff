use std::time::Duration;

use tidewire_proto::Closed;

use crate::error::HandshakeError;

/// What happens to a client that connects again and again.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ReconnectEvent<'a> {
    /// An attempt begins.
    Connecting {
        /// Which one since the last connection, or since the beginning: the first is 1.
        attempt: u32,
    },
    /// An attempt failed.
    Failed {
        /// Why.
        error: &'a HandshakeError,
        /// How long from now the next one begins; `None` where there is none.
        next_in: Option<Duration>,
    },
    /// There is a connection.
    Open,
    /// The connection is over.
    Closed {
        /// How it was closed; `None` where it is still open, and the application wants another one.
        closed: Option<&'a Closed>,
        /// How long from now the next attempt begins; `None` where there is none.
        next_in: Option<Duration>,
    },
}
