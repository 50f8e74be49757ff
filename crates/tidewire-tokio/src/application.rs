use std::future::{Future, poll_fn};
use std::pin::Pin;

use tidewire_common::proto::{CloseCode, CloseFrame, Closed};
use tidewire_common::{
    AfterError, ApplicationError, Callback, CallbackError, Callbacks, Control, Error, Message,
};
use tokio::sync::mpsc;

use bytes::Bytes;

use crate::connect::Connect;
use crate::reconnect::{self, Reconnect, Step};
use crate::shared::Shared;
use crate::socket::Socket;
use crate::split::{Receiver, Sender};
use crate::wakers::ToWake;
use crate::websocket::WebSocket;

/// How many pings and pongs wait for their callbacks; those beyond are not told of.
const CONTROLS: usize = 64;

type Called = Pin<Box<dyn Future<Output = Result<(), CallbackError>> + Send>>;

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
/// Callbacks are futures, awaited one after the other, in the task that [runs](Self::run) the application: while one waits, the
/// connection is driven, and the next message is not called for. Each may fail with any error, which goes to
/// [`on_error`](Self::on_error).
///
/// Several applications run in one task by `join!`, or in a task each.
///
/// Callbacks are given what sends, since a future has to own it; on threads they are lent it.
///
/// ```no_run
/// use tidewire_tokio::{ApplicationError, Error, connect};
///
/// # async fn example() -> Result<(), ApplicationError> {
/// connect("ws://localhost:9001")
///     .application()
///     .on_open(async |ws| ws.send("hello").await)
///     .on_message(async |ws, message| {
///         println!("{message:?}");
///         // The end: after a close with 1000 there is no other connection.
///         ws.close(1000, "").await
///     })
///     .on_close(async |closed| {
///         println!("closed with {}", closed.code());
///         Ok::<_, Error>(())
///     })
///     .run()
///     .await
/// # }
/// ```
#[derive(Debug)]
pub struct Application {
    connections: Reconnect,
    callbacks: Callbacks<Sender, Called>,
    handle: ApplicationHandle,
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
    pub fn on_open<F, Fut, E>(mut self, mut call: F) -> Self
    where
        F: FnMut(Sender) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<CallbackError>,
    {
        self.callbacks.open = Some(Box::new(move |sender| boxed(call(sender))));
        self
    }

    /// Calls `call` in place of [`on_open`](Self::on_open)'s for all connections but the first.
    pub fn on_reconnect<F, Fut, E>(mut self, mut call: F) -> Self
    where
        F: FnMut(Sender) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<CallbackError>,
    {
        self.callbacks.reconnect = Some(Box::new(move |sender| boxed(call(sender))));
        self
    }

    /// Calls `call` for each message.
    pub fn on_message<F, Fut, E>(mut self, mut call: F) -> Self
    where
        F: FnMut(Sender, Message) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<CallbackError>,
    {
        self.callbacks.message = Some(Box::new(move |(sender, message)| boxed(call(sender, message))));
        self
    }

    /// Calls `call` for each Ping, with its payload. It was answered already. Pings may be told of before messages that came
    /// before them; and where callbacks are slow, some are not.
    pub fn on_ping<F, Fut, E>(mut self, mut call: F) -> Self
    where
        F: FnMut(Sender, Bytes) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<CallbackError>,
    {
        self.callbacks.ping = Some(Box::new(move |(sender, payload)| boxed(call(sender, payload))));
        self
    }

    /// Calls `call` for each Pong, with its payload: those that answer keepalive, too. Otherwise as [`on_ping`](Self::on_ping).
    pub fn on_pong<F, Fut, E>(mut self, mut call: F) -> Self
    where
        F: FnMut(Sender, Bytes) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<CallbackError>,
    {
        self.callbacks.pong = Some(Box::new(move |(sender, payload)| boxed(call(sender, payload))));
        self
    }

    /// Calls `call` when a connection that was open has ended, with how it was closed.
    pub fn on_close<F, Fut, E>(mut self, mut call: F) -> Self
    where
        F: FnMut(Closed) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<CallbackError>,
    {
        self.callbacks.close = Some(Box::new(move |closed| boxed(call(closed))));
        self
    }

    /// Asks `judge` what follows an error: of an attempt, of the connection, or of a callback. (It is no future, since the
    /// error is lent to it.)
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
    /// # Cancel safety
    /// Dropping the future drops the callback that is running and aborts the connection.
    ///
    /// # Panics
    /// Where a callback does; the connection is closed with 1011.
    pub async fn run(mut self) -> Result<(), ApplicationError> {
        loop {
            match poll_fn(|cx| self.connections.poll_step(cx)).await {
                Step::Open(ws) => {
                    let lost = self.serve(ws).await?;
                    if self.handle.is_stopped() {
                        self.connections.end();
                    } else if !self.connections.go_on() {
                        return lost.map_or(Ok(()), |error| Err(ApplicationError::Connection(error)));
                    }
                }
                Step::Failed(error, next_in) => {
                    let error = ApplicationError::Connect(error);
                    let then = self.callbacks.judge(&error);
                    if next_in.is_none() || then == AfterError::Stop {
                        return Err(error);
                    }
                }
                Step::Over => return Ok(()),
            }
        }
    }

    /// Calls back from the start to the end of a connection; gives what that was lost with.
    async fn serve(&mut self, ws: WebSocket) -> Result<Option<Error>, ApplicationError> {
        let connection = ws.handle.shared().clone();
        let _leaves = self.connections.close_on_stop(&connection);
        let (tell, controls) = mpsc::channel(CONTROLS);
        if self.callbacks.want_control() {
            connection.with(|state| {
                state.session.watch_control(move |control| {
                    // Where there is no room, nobody keeps up.
                    let _ = tell.try_send(control);
                });
            });
        }
        let (callbacks, handle) = (&mut self.callbacks, &self.handle);
        let talking = |ws| async {
            let result = talk(ws, controls, callbacks, handle).await;
            if result.is_err() {
                fail(&connection);
            }
            result
        };
        let (result, _) = reconnect::run(ws, talking).await;
        let closed = connection.with(|state| state.session.closed().cloned());
        let called = self.callbacks.call_close(closed.unwrap_or_default());
        let concluded = conclude(&mut self.callbacks, called).await;
        // The first error is the one that ended it.
        let lost = result?;
        concluded.map(|()| lost)
    }
}

/// Calls back for what a connection brings; gives what it was lost with.
async fn talk(
    ws: WebSocket,
    mut controls: mpsc::Receiver<Control>,
    callbacks: &mut Callbacks<Sender, Called>,
    handle: &ApplicationHandle,
) -> Result<Option<Error>, ApplicationError> {
    let (sender, mut receiver) = ws.split();
    handle.note(Some(sender.clone()));
    let _noted = Noted(handle);
    let called = callbacks.call_open(sender.clone());
    conclude(callbacks, called).await?;
    loop {
        let called = match next(&mut receiver, &mut controls).await {
            Ok(Some(Came::Message(message))) => callbacks.call_message(sender.clone(), message),
            Ok(Some(Came::Control(control))) => callbacks.call_control(sender.clone(), control),
            Ok(None) => return Ok(None),
            Err(error) => {
                let error = ApplicationError::Connection(error);
                return match (callbacks.judge(&error), error) {
                    (AfterError::GoOn, ApplicationError::Connection(error)) => Ok(Some(error)),
                    (_, error) => Err(error),
                };
            }
        };
        conclude(callbacks, called).await?;
    }
}

/// The connection that a handle knows of, until it is over: also where a callback panics, or nobody runs it any more.
struct Noted<'h>(&'h ApplicationHandle);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.0.note(None);
    }
}

enum Came {
    Message(Message),
    Control(Control),
}

async fn next(
    receiver: &mut Receiver,
    controls: &mut mpsc::Receiver<Control>,
) -> Result<Option<Came>, Error> {
    tokio::select! {
        biased;
        Some(control) = controls.recv() => Ok(Some(Came::Control(control))),
        message = receiver.recv() => Ok(message?.map(Came::Message)),
    }
}

/// Closes a connection, since the application ends with an error.
fn fail(connection: &Shared<Socket>) {
    connection.with(|state| {
        state.progress.to_wake |= ToWake::DRIVER;
        state.close(CloseFrame::new(CloseCode::INTERNAL_ERROR, "client failed"));
    });
}

async fn conclude(
    callbacks: &mut Callbacks<Sender, Called>,
    called: Option<(Callback, Called)>,
) -> Result<(), ApplicationError> {
    match called {
        Some((callback, call)) => callbacks.conclude(callback, call.await),
        None => Ok(()),
    }
}

fn boxed<E: Into<CallbackError>>(call: impl Future<Output = Result<(), E>> + Send + 'static) -> Called {
    Box::pin(async { call.await.map_err(Into::into) })
}
