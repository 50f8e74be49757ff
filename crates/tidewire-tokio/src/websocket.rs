use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Poll;
use std::time::Duration;

use tidewire_common::proto::{CloseCode, CloseFrame, Closed, Inbox, Kind, Phase, SendError};
use tidewire_common::{ConnectionId, Error, Handshake, Message, Metrics, Outgoing, Session, TrySendError};

use crate::calls;
use crate::clock::Clock;
use crate::driver::{self, Ended};
use crate::pieces::{PieceWriter, Pieces};
use crate::shared::{Handle, Shared, Waiter};
use crate::socket::Socket;
use crate::state::{State, Transport};

/// A WebSocket connection.
///
/// The same type serves both roles and any byte stream: a [`Socket`], unless it was opened over a stream of one's own. It
/// makes progress whenever any of its futures is polled: each of them reads, answers pings, keeps the deadlines and
/// writes.
///
/// A connection in [`serve`](crate::serve), in [`run`](Self::run) or after [`split`](Self::split) has a *driver*,
/// which does all this while the application is busy elsewhere. There, [`send`](Self::send) queues, and what a batch
/// of input produced leaves in one write as soon as the application waits for anything. Without a driver, as
/// [`connect`](crate::connect) and [`accept`](crate::accept) give it, `send` writes at once, and pings are answered
/// and deadlines kept only while one of its futures is polled.
///
/// Dropping it ends the connection: with a driver, in a closing handshake with 1000 in the background; without, at
/// once, and the peer sees 1006.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut ws = tidewire_tokio::connect("ws://localhost:9001").await?;
/// ws.send("hello").await?;
/// while let Some(message) = ws.recv().await? {
///     println!("{message:?}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct WebSocket<S = Socket> {
    pub(crate) handle: Handle<S>,
}

impl<S: Transport> WebSocket<S> {
    pub(crate) fn new(io: S, session: Session, rest: Inbox, clock: Clock) -> Self {
        Self {
            handle: Handle::new(Shared::new(State::new(io, session, rest, clock))),
        }
    }

    receiving!();
    sending!();
    looking!();

    /// Runs a handler with this connection and drives it in the same task: corking, keepalive and reading ahead work
    /// as in a server. Ends with the connection, which is closed with 1000 when the handler returns, and with 1011 when
    /// it fails or panics; a panic goes on from here.
    ///
    /// A connection that has a driver already keeps it, and only the handler is run.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use tidewire_tokio::{Error, WebSocket, connect};
    ///
    /// let ws = connect("ws://localhost:9001").await?;
    /// ws.run(|mut ws: WebSocket| async move {
    ///     while let Some(message) = ws.recv().await? {
    ///         ws.send(message).await?;
    ///     }
    ///     Ok::<(), Error>(())
    /// })
    /// .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The handler's.
    pub async fn run<F, Fut, T, E>(self, handler: F) -> Result<T, E>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let shared = self.handle.shared().clone();
        if shared.with(|state| state.is_driven()) {
            return handler(self).await;
        }
        let close = |ended: &Ended<Fut::Output>| match ended {
            Ok(Ok(_)) => CloseFrame::new(CloseCode::NORMAL, ""),
            Ok(Err(_)) | Err(_) => CloseFrame::new(CloseCode::INTERNAL_ERROR, "handler failed"),
        };
        // Before the handler is called, which may work with its connection before it gives a future.
        shared.with(State::hand_to_driver);
        let running = catch_unwind(AssertUnwindSafe(|| Box::pin(handler(self))));
        match driver::drive(shared, running, close).await {
            Ok(output) => output,
            Err(panic) => resume_unwind(panic),
        }
    }
}

impl WebSocket {
    addresses!();
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebSocket").field(&self.handle).finish()
    }
}
