use tidewire_proto::handshake::ResponseError;

use crate::error::HandshakeError;

impl HandshakeError {
    /// Whether another attempt may do better: the transport failed, time was over, the stream ended, or the server
    /// answered with 500, 502, 503 or 504. Everything else stays as it is, a certificate that is not trusted for example.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Dial(_) | Self::Io(_) | Self::Timeout | Self::UnexpectedEnd => true,
            Self::Response(error) => is_transient(error),
            Self::Url(_)
            | Self::Field(_)
            | Self::Proxy(_)
            | Self::NotTls { .. }
            | Self::Request(_)
            | Self::Declined { .. }
            | Self::Redirect(_)
            | Self::Tls(_) => false,
        }
    }
}

fn is_transient(error: &ResponseError) -> bool {
    match error {
        ResponseError::Refused(response) => matches!(response.status(), 500 | 502 | 503 | 504),
        ResponseError::UnexpectedEnd | ResponseError::Timeout => true,
        // Answers that break a rule; a server that speaks another language goes on speaking it.
        _ => false,
    }
}
