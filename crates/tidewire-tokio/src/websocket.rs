use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use tidewire_common::proto::{CloseCode, CloseFrame, Closed, End, Inbox, Kind, Phase, PingId, SendError};
use tidewire_common::{ConnectionId, Error, Handshake, Message, Metrics, Session, TrySendError};
use tokio::net::TcpStream;

use crate::clock::Clock;
use crate::driver;
use crate::pieces::{PieceWriter, Pieces};
use crate::shared::{Handle, Shared, Waiter, poll_end};
use crate::state::{State, Transport};
use crate::stream::SinkTicket;

/// A WebSocket connection.
///
/// The same type serves both roles and any byte stream. It makes progress whenever any of its futures is polled:
/// each of them reads, answers pings, keeps the deadlines and writes.
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
pub struct WebSocket<S = TcpStream> {
    pub(crate) handle: Handle<S>,
    /// The place of the `Sink` among those who wait.
    pub(crate) ticket: SinkTicket,
    /// The `Stream` has ended.
    pub(crate) ended: bool,
}

impl<S: Transport> WebSocket<S> {
    pub(crate) fn new(io: S, session: Session, rest: Inbox, clock: Clock) -> Self {
        Self {
            handle: Handle::new(Shared::new(State::new(io, session, rest, clock))),
            ticket: SinkTicket::default(),
            ended: false,
        }
    }

    /// Waits for the next message; `None` after a closing handshake with 1000, 1001 or no code.
    ///
    /// Messages that came before the close are given first.
    ///
    /// # Errors
    /// How the connection ended otherwise: [`Error::Protocol`] where the peer broke a rule, [`Error::Closed`] with
    /// another code or without a closing handshake, [`Error::Io`]. The same on each later call.
    ///
    /// # Cancel safety
    /// Safe: no byte is lost, the next call goes on.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.handle.poll_received(cx, State::poll_message)).await
    }

    /// Waits for the start of the next message, to receive it in the pieces that arrive; `None` as for
    /// [`recv`](Self::recv).
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// Safe until it gives the pieces; they say what dropping them does.
    pub async fn recv_pieces(&mut self) -> Result<Option<Pieces<'_, S>>, Error> {
        let first = poll_fn(|cx| self.handle.poll_received(cx, State::poll_chunk)).await?;
        Ok(first.map(|first| Pieces::new(&self.handle, first)))
    }

    /// Sends a message.
    ///
    /// With a driver it is queued, and waits only above the high-water mark; it leaves when the application next
    /// waits. Without one it is written before this returns.
    ///
    /// # Errors
    /// How the connection ended, or [`SendError::Closed`](crate::SendError::Closed) once closing has begun.
    ///
    /// # Cancel safety
    /// All or nothing: the message was queued whole, and will be written by any later progress, or never taken.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
        send(&self.handle, message.into(), Then::Flush).await
    }

    /// Queues a message without writing it; waits only above the high-water mark. [`flush`](Self::flush) writes.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As for [`send`](Self::send).
    pub async fn feed(&self, message: impl Into<Message>) -> Result<(), Error> {
        send(&self.handle, message.into(), Then::Return).await
    }

    /// Queues a message if there is room for it at once.
    ///
    /// # Errors
    /// [`TrySendError::Full`] gives the message back; otherwise as for [`send`](Self::send).
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        try_send(&self.handle, message.into())
    }

    /// Writes everything that was queued. With a driver this is needed only before long work without an await.
    ///
    /// # Errors
    /// How the connection ended.
    ///
    /// # Cancel safety
    /// Safe: may be dropped and called again.
    pub async fn flush(&self) -> Result<(), Error> {
        Waiter::new(&self.handle).wait(State::poll_flushed).await
    }

    /// Opens a message that is sent in pieces; waits while another one is open.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    ///
    /// # Cancel safety
    /// Safe until it gives the writer; that says what dropping it does.
    pub async fn send_pieces(&self, kind: Kind) -> Result<PieceWriter<'_, S>, Error> {
        PieceWriter::open(&self.handle, kind).await
    }

    /// Sends a Ping and waits for the answer: gives the round trip. A Pong answers all earlier pings.
    ///
    /// # Errors
    /// How the connection ended, [`SendError::TooManyPings`](crate::SendError::TooManyPings) beyond 64 that wait.
    ///
    /// # Cancel safety
    /// May be dropped; the ping is on its way, and its answer is not missed by anybody.
    pub async fn ping(&self) -> Result<Duration, Error> {
        ping(&self.handle, None).await
    }

    /// Sends a Ping with a payload of at most 125 bytes; otherwise as [`ping`](Self::ping).
    ///
    /// # Errors
    /// As for [`ping`](Self::ping), and [`SendError::LongControl`](crate::SendError::LongControl).
    pub async fn ping_with(&self, payload: &[u8]) -> Result<Duration, Error> {
        ping(&self.handle, Some(payload)).await
    }

    /// Sends a Pong that nobody asked for, as a heartbeat in one direction.
    ///
    /// # Errors
    /// As for [`send`](Self::send), and [`SendError::LongControl`](crate::SendError::LongControl).
    ///
    /// # Cancel safety
    /// As for [`send`](Self::send).
    pub async fn pong(&self, payload: &[u8]) -> Result<(), Error> {
        pong(&self.handle, payload).await
    }

    /// Closes the connection and waits until it has ended, at most for the close timeout.
    ///
    /// A second call sends nothing and waits for the same end, which [`closed`](Self::closed) tells.
    ///
    /// # Errors
    /// [`SendError`] for a code or a reason that may not be sent; the connection goes on.
    ///
    /// # Cancel safety
    /// Safe: may be dropped and called again; one Close is ever sent.
    pub async fn close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), SendError> {
        close(&self.handle, CloseFrame::new(code, reason)).await
    }

    /// Waits until the connection has ended, and tells how.
    pub async fn wait_closed(&self) -> Closed {
        wait_closed(&self.handle).await
    }

    /// Runs a handler with this connection and drives it in the same task: corking, keepalive and reading ahead work
    /// as in a server. Ends with the connection, which is closed with 1000 when the handler returns.
    pub async fn run<F, Fut>(self, handler: F) -> Fut::Output
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future,
    {
        let shared = self.handle.shared().clone();
        let ended = driver::drive(shared, handler(self), |_| CloseFrame::new(1000, "")).await;
        match ended {
            Ok(output) => output,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// The last round trip that a ping, keepalive's or the application's, measured.
    pub fn latency(&self) -> Option<Duration> {
        self.handle.with(|state, _| state.session.latency())
    }

    /// What the connection has done so far.
    pub fn metrics(&self) -> Metrics {
        self.handle.with(|state, _| state.session.metrics())
    }

    /// Where the connection stands.
    pub fn phase(&self) -> Phase {
        self.handle.with(|state, _| state.session.phase())
    }

    /// How the connection is being closed, once it is.
    pub fn closed(&self) -> Option<Closed> {
        self.handle.with(|state, _| state.session.closed().cloned())
    }

    /// What the opening handshake said.
    pub fn handshake(&self) -> Handshake {
        self.handle.with(|state, _| state.session.handshake().clone())
    }

    /// The subprotocol that was agreed on.
    pub fn subprotocol(&self) -> Option<String> {
        self.handle
            .with(|state, _| state.session.handshake().subprotocol().map(str::to_owned))
    }

    /// The connection's name in logs.
    pub fn id(&self) -> ConnectionId {
        self.handle.with(|state, _| state.session.id())
    }

    /// Looks at the byte stream below; `None` once the connection has ended.
    pub fn with_transport<T>(&self, look: impl FnOnce(&S) -> T) -> Option<T> {
        self.handle.with(|state, _| state.io().map(look))
    }
}

impl WebSocket<TcpStream> {
    /// The peer's address; `None` once the connection has ended.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.with_transport(TcpStream::peer_addr)?.ok()
    }

    /// Our address; `None` once the connection has ended.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.with_transport(TcpStream::local_addr)?.ok()
    }
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebSocket").field(&self.handle).finish()
    }
}

/// What a sender does after queueing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Writes at once, where no driver will.
    Flush,
    Return,
}

pub(crate) async fn send<S: Transport>(
    shared: &Shared<S>,
    message: Message,
    then: Then,
) -> Result<(), Error> {
    let mut message = Some(message);
    Waiter::new(shared)
        .wait(|state, cx| {
            if let Some(waiting) = &message {
                std::task::ready!(state.poll_room(cx))?;
                let now = state.now();
                state.session.send(now, waiting)?;
                state.to_wake.driver = true;
                message = None;
            }
            if then == Then::Return || state.driven {
                Poll::Ready(Ok(()))
            } else {
                state.poll_flushed(cx)
            }
        })
        .await
}

pub(crate) fn try_send<S: Transport>(shared: &Shared<S>, message: Message) -> Result<(), TrySendError> {
    shared.with(|state, cx| {
        match state.poll_room(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Err(TrySendError::Failed(error)),
            Poll::Pending => return Err(TrySendError::Full(message)),
        }
        let now = state.now();
        state.session.send(now, &message).map_err(TrySendError::Failed)?;
        state.to_wake.driver = true;
        if !state.driven {
            state.poll_output(cx);
        }
        Ok(())
    })
}

pub(crate) async fn ping<S: Transport>(
    shared: &Shared<S>,
    payload: Option<&[u8]>,
) -> Result<Duration, Error> {
    let mut waiting = WaitingPing { shared, id: None };
    Waiter::new(shared)
        .wait(|state, cx| {
            let id = match waiting.id {
                Some(id) => id,
                None => {
                    let now = state.now();
                    let id = state.session.ping(now, payload)?;
                    state.to_wake.driver = true;
                    *waiting.id.insert(id)
                }
            };
            if let Some(round_trip) = state.session.take_pong(id) {
                waiting.id = None;
                return Poll::Ready(Ok(round_trip));
            }
            if !state.driven {
                state.poll_output(cx);
            }
            poll_end(state).map(Err)
        })
        .await
}

/// Forgets a ping whose sender gave up.
struct WaitingPing<'s, S> {
    shared: &'s Shared<S>,
    id: Option<PingId>,
}

impl<S> Drop for WaitingPing<'_, S> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.shared.with(|state, _| state.session.forget_ping(id));
        }
    }
}

pub(crate) async fn pong<S: Transport>(shared: &Shared<S>, payload: &[u8]) -> Result<(), Error> {
    let mut queued = false;
    Waiter::new(shared)
        .wait(|state, cx| {
            if !queued {
                if !state.session.is_below_high_water() {
                    state.poll_output(cx);
                }
                if !state.session.is_below_high_water() {
                    return poll_end(state).map(Err);
                }
                let now = state.now();
                state.session.pong(now, payload)?;
                state.to_wake.driver = true;
                queued = true;
            }
            if state.driven {
                Poll::Ready(Ok(()))
            } else {
                state.poll_flushed(cx)
            }
        })
        .await
}

pub(crate) async fn close<S: Transport>(shared: &Shared<S>, frame: CloseFrame<'_>) -> Result<(), SendError> {
    let mut frame = Some(frame);
    Waiter::new(shared)
        .wait(|state, cx| {
            if let Some(frame) = frame.take() {
                let now = state.now();
                state.session.close(now, Some(frame))?;
                state.to_wake.driver = true;
            }
            if !state.driven {
                state.poll_output(cx);
            }
            if state.session.end().is_some() {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            }
        })
        .await
}

pub(crate) async fn wait_closed<S: Transport>(shared: &Shared<S>) -> Closed {
    Waiter::new(shared)
        .wait(|state, _| match state.session.end() {
            Some(_) => Poll::Ready(state.session.closed().cloned().unwrap_or_default()),
            None => Poll::Pending,
        })
        .await
}

/// Sends a piece of the open message.
pub(crate) async fn send_piece<S: Transport>(
    shared: &Shared<S>,
    piece: Message,
    end: End,
) -> Result<(), Error> {
    let mut piece = Some(piece);
    Waiter::new(shared)
        .wait(|state, cx| {
            if let Some(waiting) = &piece {
                if !state.session.is_below_high_water() {
                    state.poll_output(cx);
                }
                if !state.session.is_below_high_water() {
                    return poll_end(state).map(Err);
                }
                let now = state.now();
                state.session.send_piece(now, waiting, end)?;
                state.to_wake.driver = true;
                piece = None;
            }
            if state.driven {
                Poll::Ready(Ok(()))
            } else {
                state.poll_flushed(cx)
            }
        })
        .await
}
