use std::pin::Pin;

use tidewire_common::{HandshakeError, Journey};
use tokio::time::Sleep;

use crate::clock::Clock;
use crate::connect::Connect;
use crate::http2::Http2;
use crate::socket::Socket;
use crate::traced::traced;
use crate::websocket::WebSocket;

/// HTTP/1.1 unless it is set.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Version {
    #[default]
    Http11,
    Http2,
}

impl Connect {
    /// Opens the connection over HTTP/2, by an extended `CONNECT` (RFC 8441), on an HTTP/2 connection of its own; for several
    /// on one there is [`Http2`].
    ///
    /// For `wss` it is agreed on in TLS, for `ws` the server must be known to speak it. An attempt that is dropped or fails
    /// leaves the HTTP/2 connection to a task, for as long as it takes to say so, 10 s at most.
    /// [`over`](Self::over) is over HTTP/1.1 all the same: for streams there is [`Http2::over`].
    pub fn http2(mut self) -> Self {
        self.version = Version::Http2;
        self
    }
}

impl Version {
    /// What TLS is to agree on (RFC 9113 §3.2); for HTTP/1.1, whatever the settings say.
    pub(crate) fn protocol(self) -> Option<&'static [u8]> {
        match self {
            Self::Http11 => None,
            Self::Http2 => Some(b"h2"),
        }
    }

    /// Opens the connection over a stream that leads to the target.
    pub(crate) async fn open(
        self,
        connect: &Connect,
        journey: &Journey<'_>,
        socket: Socket,
        clock: Clock,
        mut expiry: Pin<&mut Option<Sleep>>,
    ) -> Result<WebSocket, HandshakeError> {
        match self {
            Self::Http11 => {
                connect
                    .shake_hands(journey, traced(socket, journey.trace()), clock, expiry)
                    .await
            }
            Self::Http2 => {
                let http2 = Http2::begin(connect, socket, expiry.as_mut()).await?;
                http2.open_for(journey, &connect.config, clock, expiry).await
            }
        }
    }
}
