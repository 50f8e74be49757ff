use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use tidewire_common::proto::{CloseCode, CloseFrame, Closed, Kind, Phase, SendError};
use tidewire_common::{ConnectionId, Error, Handshake, Message, Metrics, Outgoing, TrySendError};

use crate::calls;
use crate::driver;
use crate::pieces::{PieceWriter, Pieces};
use crate::shared::{Handle, Waiter};
use crate::socket::Socket;
use crate::state::{State, Transport};
use crate::wakers::ToWake;
use crate::websocket::WebSocket;

impl<S: Transport + Send + 'static> WebSocket<S> {
    /// Splits the connection into a half that sends and one that receives, for two tasks or more.
    ///
    /// A connection without a driver gets one in a task of its own, so this is to be called inside a runtime. When
    /// every half is dropped, the connection is closed with 1000.
    pub fn split(self) -> (Sender<S>, Receiver<S>) {
        if !self.handle.with(|state| state.is_driven()) {
            driver::spawn(self.handle.shared().clone());
        }
        let sender = Sender {
            handle: self.handle.clone(),
        };
        (sender, Receiver { handle: self.handle })
    }
}

/// The half of a connection that sends; a clone sends on the same connection.
///
/// Messages are queued, and the driver writes them.
pub struct Sender<S = Socket> {
    pub(crate) handle: Handle<S>,
}

impl<S: Transport> Sender<S> {
    sending!();
    looking!();
}

impl Sender {
    addresses!();
}

impl<S> Clone for Sender<S> {
    fn clone(&self) -> Self {
        Self {
            handle: self.handle.clone(),
        }
    }
}

impl<S> fmt::Debug for Sender<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&self.handle).finish()
    }
}

/// The half of a connection that receives. Without it, what arrives is dropped.
pub struct Receiver<S = Socket> {
    pub(crate) handle: Handle<S>,
}

impl<S: Transport> Receiver<S> {
    receiving!();
    looking!();
}

impl Receiver {
    addresses!();
}

/// Who cannot receive any more wants nothing to be kept: later messages are dropped, so that pings and the peer's
/// Close behind them are seen, for the sake of the half that sends.
impl<S> Drop for Receiver<S> {
    fn drop(&mut self) {
        self.handle.with(|state| {
            state.session.stop_receiving();
            state.progress.to_wake |= ToWake::DRIVER;
        });
    }
}

impl<S> fmt::Debug for Receiver<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&self.handle).finish()
    }
}
