use tidewire_common::proto::Closed;
use tidewire_common::public::Bytes;
use tidewire_common::{AfterError, ApplicationError, CallbackError, Callbacks, Message};

use crate::applications::Applications;
use crate::connect::Connect;
use crate::reconnect::Reconnect;
use crate::split::Sender;

pub(crate) type Called = Result<(), CallbackError>;

/// Sends for an [`Application`] and stops it, from anywhere; cheap to clone.
pub type ApplicationHandle = tidewire_common::ApplicationHandle<Sender>;

impl Connect {
    /// A client made of callbacks: see [`Application`].
    pub fn application(self) -> Application {
        self.reconnect().application()
    }
}

impl Reconnect {
    /// A client made of callbacks, over these connections: see [`Application`].
    pub fn application(self) -> Application {
        Application::new(self)
    }
}

/// A client made of callbacks, which connects again as [`Reconnect`] does: for those who know `WebSocketApp` of Python's
/// `websocket-client`.
///
/// Callbacks are called one after the other, on the thread that [runs](Self::run) the application; a thread of ours connects
/// and receives. Each may fail with any error, which goes to [`on_error`](Self::on_error).
///
/// Several applications run on one thread as [`Applications`], or on a thread each.
///
/// Callbacks are lent what sends; on tokio they are given it, since a future has to own it.
///
/// ```no_run
/// use tidewire_blocking::{ApplicationError, Error, connect};
///
/// connect("ws://127.0.0.1:9001/")
///     .application()
///     .on_open(|ws| ws.send("hello"))
///     .on_message(|ws, message| {
///         println!("{message:?}");
///         // The end: after a close with 1000 there is no other connection.
///         ws.close(1000, "")
///     })
///     .on_close(|closed| {
///         println!("closed with {}", closed.code());
///         Ok::<_, Error>(())
///     })
///     .run()?;
/// # Ok::<(), ApplicationError>(())
/// ```
#[derive(Debug)]
pub struct Application {
    pub(crate) connections: Reconnect,
    pub(crate) callbacks: Callbacks<Sender, Called>,
    pub(crate) handle: ApplicationHandle,
}

impl Application {
    /// Over these connections, without callbacks.
    pub fn new(connections: Reconnect) -> Self {
        let (connections, stop) = connections.with_token_of_its_own();
        Self {
            connections,
            callbacks: Callbacks::default(),
            handle: ApplicationHandle::new(stop),
        }
    }

    /// Calls `call` when there is a connection; what it gets sends on that.
    pub fn on_open<E>(mut self, mut call: impl FnMut(&Sender) -> Result<(), E> + Send + 'static) -> Self
    where
        E: Into<CallbackError>,
    {
        self.callbacks.open = Some(Box::new(move |sender| call(&sender).map_err(Into::into)));
        self
    }

    /// Calls `call` in place of [`on_open`](Self::on_open)'s for all connections but the first.
    pub fn on_reconnect<E>(mut self, mut call: impl FnMut(&Sender) -> Result<(), E> + Send + 'static) -> Self
    where
        E: Into<CallbackError>,
    {
        self.callbacks.reconnect = Some(Box::new(move |sender| call(&sender).map_err(Into::into)));
        self
    }

    /// Calls `call` for each message.
    pub fn on_message<E>(
        mut self,
        mut call: impl FnMut(&Sender, Message) -> Result<(), E> + Send + 'static,
    ) -> Self
    where
        E: Into<CallbackError>,
    {
        self.callbacks.message = Some(Box::new(move |(sender, message)| {
            call(&sender, message).map_err(Into::into)
        }));
        self
    }

    /// Calls `call` for each Ping, with its payload. It was answered already. Pings may be told of before messages that came
    /// before them; and where callbacks are slow, some are not.
    pub fn on_ping<E>(
        mut self,
        mut call: impl FnMut(&Sender, Bytes) -> Result<(), E> + Send + 'static,
    ) -> Self
    where
        E: Into<CallbackError>,
    {
        self.callbacks.ping = Some(Box::new(move |(sender, payload)| {
            call(&sender, payload).map_err(Into::into)
        }));
        self
    }

    /// Calls `call` for each Pong, with its payload: those that answer keepalive, too. Otherwise as [`on_ping`](Self::on_ping).
    pub fn on_pong<E>(
        mut self,
        mut call: impl FnMut(&Sender, Bytes) -> Result<(), E> + Send + 'static,
    ) -> Self
    where
        E: Into<CallbackError>,
    {
        self.callbacks.pong = Some(Box::new(move |(sender, payload)| {
            call(&sender, payload).map_err(Into::into)
        }));
        self
    }

    /// Calls `call` when a connection that was open has ended, with how it was closed.
    pub fn on_close<E>(mut self, mut call: impl FnMut(Closed) -> Result<(), E> + Send + 'static) -> Self
    where
        E: Into<CallbackError>,
    {
        self.callbacks.close = Some(Box::new(move |closed| call(closed).map_err(Into::into)));
        self
    }

    /// Asks `judge` what follows an error: of an attempt, of the connection, or of a callback.
    ///
    /// Where this is not set, the application ends with the first error of a callback, and goes on after the others.
    pub fn on_error(mut self, judge: impl FnMut(&ApplicationError) -> AfterError + Send + 'static) -> Self {
        self.callbacks.error = Some(Box::new(judge));
        self
    }

    /// A handle to send and to stop, from anywhere.
    pub fn handle(&self) -> ApplicationHandle {
        self.handle.clone()
    }

    /// Runs until it is stopped, or there is no other connection.
    ///
    /// # Errors
    /// The one after which there is nothing more: [`on_error`](Self::on_error) said so, or the rules of
    /// [`Retry`](crate::Retry) did. Good ends are a stop, and a close with 1000 or 1001 that no connection follows.
    ///
    /// # Panics
    /// Where a callback does; the connection is closed with 1011.
    pub fn run(self) -> Result<(), ApplicationError> {
        let mut ended = Applications::new().application(self).run();
        ended.pop().expect("each application that was added has a result")
    }
}
