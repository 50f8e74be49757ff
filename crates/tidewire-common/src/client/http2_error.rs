use std::error::Error as StdError;
use std::fmt;

/// Why HTTP/2 does not lead to a connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Http2Error {
    /// The server speaks no HTTP/2, as ALPN says.
    NotSpoken,
    /// The server has not sent `SETTINGS_ENABLE_CONNECT_PROTOCOL` with 1 (RFC 8441 §3), so nothing was asked of it.
    NotEnabled,
    /// The stream was reset.
    Reset {
        /// The error code of RFC 9113 §7; 0x7 says that the request was not looked at.
        code: u32,
    },
    /// The server takes no more streams on this connection, or fails it.
    GoAway {
        /// The error code of RFC 9113 §7.
        code: u32,
    },
    /// HTTP/2 went wrong in another way; it holds the library's error.
    Other(Box<dyn StdError + Send + Sync>),
}

impl fmt::Display for Http2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSpoken => f.write_str("server speaks no HTTP/2"),
            Self::NotEnabled => f.write_str(
                "server does not take WebSocket over HTTP/2: it has not sent ENABLE_CONNECT_PROTOCOL",
            ),
            Self::Reset { code } => write!(f, "server reset the stream with code {code:#x}"),
            Self::GoAway { code } => write!(f, "connection of HTTP/2 was ended with code {code:#x}"),
            Self::Other(error) => write!(f, "HTTP/2: {error}"),
        }
    }
}

impl StdError for Http2Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Other(error) => Some(&**error),
            Self::NotSpoken | Self::NotEnabled | Self::Reset { .. } | Self::GoAway { .. } => None,
        }
    }
}
