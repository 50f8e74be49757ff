use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::{Pin, pin};

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade as auto;
use tidewire_common::{Config, Handshake, HandshakeError, Negotiated, Session};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tracing::debug;

use super::portioned::Portioned;
use crate::clock::Clock;
use crate::guest::{self, HandlerError};
use crate::socket::Socket;
use crate::stages::{expiry, within};
use crate::websocket::WebSocket;

/// A connection that begins once hyper has sent the answer; to be awaited, or [served](Self::serve), in a task of its own.
///
/// Dropping it drops the connection.
pub struct Upgrading {
    pub(super) on_upgrade: OnUpgrade,
    pub(super) negotiated: Negotiated,
    pub(super) config: Config,
    pub(super) deadline: Option<Instant>,
}

impl Upgrading {
    /// What the opening handshake said: the request, the subprotocol, the user.
    pub fn handshake(&self) -> &Handshake {
        &self.negotiated.handshake
    }

    /// Waits for the connection and runs a handler with it as [`serve`](crate::serve()) does, in one task with what drives
    /// it: the connection is closed with 1000 when the handler returns, and when it fails or panics, that is logged, and the
    /// connection closed with 1011. Ends with the connection.
    ///
    /// # Cancel safety
    /// Dropping it drops the handler and aborts the connection.
    pub fn serve<H, Fut, E>(self, handler: H) -> impl Future<Output = ()>
    where
        H: FnOnce(WebSocket) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Into<HandlerError>,
    {
        // In a box, which leaves with the handshake, while the connection stays.
        let opening = self.into_future();
        async move {
            match opening.await {
                Ok(ws) => {
                    debug!(connection = %ws.id(), "served");
                    guest::drive(ws, handler).await;
                }
                Err(error) => debug!(%error, "no connection"),
            }
        }
    }

    async fn open(self) -> Result<WebSocket, HandshakeError> {
        let on_upgrade = self.on_upgrade;
        let upgraded = pin!(async { on_upgrade.await.map_err(io::Error::other) });
        let expiry = pin!(expiry(self.deadline));
        let (socket, rest) = socket(within(expiry, upgraded).await?);
        let clock = Clock::start();
        let negotiated = self.negotiated.with_rest(rest);
        let (session, rest) = Session::server(&self.config, negotiated, clock.now());
        Ok(WebSocket::new(socket, session, rest, clock))
    }
}

/// The stream below, and what hyper has read of it: TCP as it is, where hyper was given that.
fn socket(upgraded: Upgraded) -> (Socket, Vec<u8>) {
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => return (Socket::prompt(parts.io.into_inner()), parts.read_buf.into()),
        Err(upgraded) => upgraded,
    };
    match auto::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => (Socket::prompt(parts.io.into_inner()), parts.read_buf.into()),
        Err(upgraded) => (Socket::new(Portioned(TokioIo::new(upgraded))), Vec::new()),
    }
}

impl IntoFuture for Upgrading {
    type Output = Result<WebSocket, HandshakeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// Waits for the connection, which has no driver, as one from [`accept`](crate::accept()).
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl fmt::Debug for Upgrading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading")
            .field("handshake", &self.negotiated.handshake)
            .finish_non_exhaustive()
    }
}
