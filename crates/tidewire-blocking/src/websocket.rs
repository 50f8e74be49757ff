use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tidewire_common::proto::{CloseCode, CloseFrame, Closed, Inbox, Kind, Phase, SendError};
use tidewire_common::{ConnectionId, Error, Handshake, Message, Metrics, Outgoing, Session, TrySendError};

use crate::clock;
use crate::handle::Handle;
use crate::handler;
use crate::link::{Halves, Link, Sending, Then};
use crate::methods::{addresses, looking, receiving, sending};
use crate::piece_writer::PieceWriter;
use crate::pieces::Pieces;
use crate::receive_error::{RecvTimeoutError, forever};
use crate::socket::Socket;
use crate::split::{Receiver, Sender};
use crate::transport::Transport;

/// An open WebSocket connection, of a server or a client, over a [`Socket`] unless it was opened over a stream of one's own.
///
/// Receiving and sending may wait at the same time only in two threads: see [`split`](Self::split). Whatever its
/// threads do, one thread of the process answers pings, keeps deadlines and sees the peer's close, as far as it may
/// [read ahead](crate::ConfigBuilder::read_ahead).
///
/// Dropping it never waits: the connection is closed with 1000 in the background; in a handler, when that returns, and as
/// it ends.
///
/// ```no_run
/// use tidewire_blocking::connect;
///
/// let mut ws = connect("ws://127.0.0.1:9001/").open()?;
/// ws.send("hello")?;
/// while let Some(message) = ws.recv()? {
///     println!("{message:?}");
///     ws.close(1000, "")?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WebSocket<S: Transport = Socket> {
    pub(crate) handle: Arc<Handle<S>>,
    /// The iteration has ended.
    ended: bool,
}

impl<S: Transport> WebSocket<S> {
    pub(crate) fn new(transport: S, (session, inbox): (Session, Inbox)) -> io::Result<Self> {
        let link = Link::new(transport, session, inbox)?;
        Ok(Self {
            handle: Handle::new(link),
            ended: false,
        })
    }

    receiving!();
    sending!();
    looking!();

    /// Gives two halves for two threads: one that receives, and one that sends and can be cloned.
    ///
    /// The connection is closed when all of them are dropped.
    pub fn split(self) -> (Sender<S>, Receiver<S>) {
        {
            let mut state = self.handle.lock();
            state.sending = Sending::AtOnce;
            state.halves = Halves::Apart;
        }
        (Sender::new(self.handle.clone()), Receiver::new(self.handle))
    }

    /// Runs a handler on this thread as [a server](crate::serve) does: answers to what was received together leave
    /// together, and the connection is closed when the handler returns, with 1000 or, where that fails or panics,
    /// with 1011. Returns when the connection has ended.
    ///
    /// # Errors
    /// The handler's.
    ///
    /// # Panics
    /// Where the handler does.
    pub fn run<T, E>(self, handler: impl FnOnce(Self) -> Result<T, E>) -> Result<T, E> {
        match handler::run(self, handler) {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    pub(crate) fn link(&self) -> &Arc<Link<S>> {
        &self.handle
    }
}

impl WebSocket {
    addresses!();
}

/// Iterates over the messages: ends quietly after a clean close, and otherwise with one error.
impl<S: Transport> Iterator for WebSocket<S> {
    type Item = Result<Message, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.handle.next_item(&mut self.ended)
    }
}

impl<S: Transport> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebSocket")
            .field(&self.handle.lock().session)
            .finish()
    }
}
