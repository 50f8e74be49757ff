use std::fmt;
use std::future::poll_fn;
use std::time::Duration;

use tidewire_common::proto::{CloseCode, CloseFrame, Closed, Kind, SendError};
use tidewire_common::{Error, Message, TrySendError};
use tokio::net::TcpStream;

use crate::calls::{self, Then};
use crate::driver;
use crate::pieces::{PieceWriter, Pieces};
use crate::shared::{Handle, Waiter};
use crate::state::{State, Transport};
use crate::stream::SinkTicket;
use crate::websocket::WebSocket;

impl<S: Transport + Send + 'static> WebSocket<S> {
    /// Splits the connection into a half that sends and one that receives, for two tasks or more.
    ///
    /// A connection without a driver gets one in a task of its own, so this is to be called inside a runtime. When
    /// every half is dropped, the connection is closed with 1000.
    pub fn split(self) -> (Sender<S>, Receiver<S>) {
        if !self.handle.with(|state, _| state.driven) {
            driver::spawn(self.handle.shared().clone());
        }
        let receiver = Receiver {
            handle: self.handle.clone(),
            ended: self.ended,
        };
        (
            Sender {
                handle: self.handle,
                ticket: self.ticket,
            },
            receiver,
        )
    }
}

/// The half of a connection that sends; a clone sends on the same connection.
///
/// Its methods are those of [`WebSocket`]: messages are queued, and the driver writes them.
pub struct Sender<S = TcpStream> {
    pub(crate) handle: Handle<S>,
    pub(crate) ticket: SinkTicket,
}

impl<S: Transport> Sender<S> {
    /// Sends a message: as [`WebSocket::send`].
    ///
    /// # Errors
    /// As for [`WebSocket::send`].
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
        calls::send(&self.handle, message.into(), Then::Return).await
    }

    /// Queues a message if there is room for it at once: as [`WebSocket::try_send`].
    ///
    /// # Errors
    /// As for [`WebSocket::try_send`].
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        calls::try_send(&self.handle, message.into())
    }

    /// Waits until everything queued was written: as [`WebSocket::flush`].
    ///
    /// # Errors
    /// As for [`WebSocket::flush`].
    pub async fn flush(&self) -> Result<(), Error> {
        Waiter::new(&self.handle).wait(State::poll_flushed).await
    }

    /// Opens a message that is sent in pieces: as [`WebSocket::send_pieces`].
    ///
    /// # Errors
    /// As for [`WebSocket::send_pieces`].
    pub async fn send_pieces(&self, kind: Kind) -> Result<PieceWriter<'_, S>, Error> {
        PieceWriter::open(&self.handle, kind).await
    }

    /// Sends a Ping and waits for the answer: as [`WebSocket::ping`].
    ///
    /// # Errors
    /// As for [`WebSocket::ping`].
    pub async fn ping(&self) -> Result<Duration, Error> {
        calls::ping(&self.handle, None).await
    }

    /// Sends a Pong that nobody asked for: as [`WebSocket::pong`].
    ///
    /// # Errors
    /// As for [`WebSocket::pong`].
    pub async fn pong(&self, payload: &[u8]) -> Result<(), Error> {
        calls::pong(&self.handle, payload).await
    }

    /// Closes the connection and waits until it has ended: as [`WebSocket::close`].
    ///
    /// # Errors
    /// As for [`WebSocket::close`].
    pub async fn close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), SendError> {
        calls::close(&self.handle, CloseFrame::new(code, reason)).await
    }

    /// Waits until the connection has ended, and tells how.
    pub async fn wait_closed(&self) -> Closed {
        calls::wait_closed(&self.handle).await
    }
}

impl<S> Clone for Sender<S> {
    fn clone(&self) -> Self {
        Self {
            handle: self.handle.clone(),
            ticket: SinkTicket::default(),
        }
    }
}

impl<S> fmt::Debug for Sender<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&self.handle).finish()
    }
}

/// The half of a connection that receives.
pub struct Receiver<S = TcpStream> {
    pub(crate) handle: Handle<S>,
    pub(crate) ended: bool,
}

impl<S: Transport> Receiver<S> {
    /// Waits for the next message: as [`WebSocket::recv`].
    ///
    /// # Errors
    /// As for [`WebSocket::recv`].
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.handle.poll_received(cx, State::poll_message)).await
    }

    /// Waits for the start of the next message, to receive it in pieces: as [`WebSocket::recv_pieces`].
    ///
    /// # Errors
    /// As for [`WebSocket::recv_pieces`].
    pub async fn recv_pieces(&mut self) -> Result<Option<Pieces<'_, S>>, Error> {
        let first = poll_fn(|cx| self.handle.poll_received(cx, State::poll_chunk)).await?;
        Ok(first.map(|first| Pieces::new(&self.handle, first)))
    }
}

impl<S> fmt::Debug for Receiver<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&self.handle).finish()
    }
}
