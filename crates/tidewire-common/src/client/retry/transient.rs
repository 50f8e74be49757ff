use tidewire_proto::handshake::{Response, ResponseError};

use crate::client::Http2Error;
use crate::error::HandshakeError;

impl HandshakeError {
    /// Whether another attempt may do better: the transport failed, time was over, the stream ended, the server or a proxy
    /// answered with 500, 502, 503 or 504, or a proxy could not connect. Everything else stays as it is, a certificate that
    /// is not trusted for example.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Dial(_) | Self::Io(_) | Self::Timeout(_) | Self::UnexpectedEnd => true,
            Self::Response(error) => is_transient(error),
            Self::Tunnel(error) => error.is_transient(),
            Self::Http2(error) => is_unasked(error),
            Self::Url(_)
            | Self::Field(_)
            | Self::Proxy(_)
            | Self::NotTls { .. }
            | Self::Request(_)
            | Self::Declined { .. }
            | Self::Redirect(_)
            | Self::Variable(_)
            | Self::Tls(_) => false,
        }
    }
}

fn is_transient(error: &ResponseError) -> bool {
    match error {
        ResponseError::Refused(response) => is_busy(response),
        ResponseError::UnexpectedEnd | ResponseError::Timeout => true,
        // Answers that break a rule; a server that speaks another language goes on speaking it.
        _ => false,
    }
}

/// RFC 9113 §8.7: a stream that was refused, or that came too late for a connection that ends well, was not processed.
fn is_unasked(error: &Http2Error) -> bool {
    match error {
        Http2Error::Reset { code } => *code == 0x7,
        Http2Error::GoAway { code } => *code == 0,
        Http2Error::NotSpoken | Http2Error::NotEnabled | Http2Error::Other(_) => false,
    }
}

/// Whether a server, or a proxy on the way there, may answer otherwise later.
pub(crate) fn is_busy(response: &Response) -> bool {
    matches!(response.status(), 500 | 502 | 503 | 504)
}
