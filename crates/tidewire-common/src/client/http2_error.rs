use std::error::Error as StdError;

/// Why HTTP/2 does not lead to a connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Http2Error {
    /// The server speaks no HTTP/2, as ALPN says.
    #[error("server speaks no HTTP/2")]
    NotSpoken,
    /// The server has not sent `SETTINGS_ENABLE_CONNECT_PROTOCOL` with 1 (RFC 8441 §3), so nothing was asked of it.
    #[error("server does not take WebSocket over HTTP/2: it has not sent ENABLE_CONNECT_PROTOCOL")]
    NotEnabled,
    /// The stream was reset.
    #[error("server reset the stream with code {code:#x}")]
    Reset {
        /// The error code of RFC 9113 §7; 0x7 says that the request was not looked at.
        code: u32,
    },
    /// The server takes no more streams on this connection, or fails it.
    #[error("connection of HTTP/2 was ended with code {code:#x}")]
    GoAway {
        /// The error code of RFC 9113 §7.
        code: u32,
    },
    /// HTTP/2 went wrong in another way; it holds the library's error.
    #[error("HTTP/2: {0}")]
    Other(Box<dyn StdError + Send + Sync>),
}
