use std::pin::Pin;

use tidewire_common::{HandshakeError, Journey};
use tokio::time::Sleep;

use crate::clock::Clock;
use crate::connect::Connect;
use crate::socket::Socket;
use crate::traced::traced;
use crate::websocket::WebSocket;

/// HTTP/1.1.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Version(());

impl Version {
    /// What TLS is to agree on: whatever the settings say.
    pub(crate) fn protocol(self) -> Option<&'static [u8]> {
        let Self(()) = self;
        None
    }

    /// Opens the connection over a stream that leads to the target.
    pub(crate) async fn open(
        self,
        connect: &Connect,
        journey: &Journey<'_>,
        socket: Socket,
        clock: Clock,
        expiry: Pin<&mut Option<Sleep>>,
    ) -> Result<WebSocket, HandshakeError> {
        connect
            .shake_hands(journey, traced(socket, journey.trace()), clock, expiry)
            .await
    }
}
