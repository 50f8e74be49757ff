use std::fmt;
use std::mem;

use bytes::Bytes;
use tidewire_proto::Closed;
use tracing::warn;

use super::error::{AfterError, ApplicationError, Callback, CallbackError};
use crate::message::Message;
use crate::pings::Control;

type Call<A, R> = Option<Box<dyn FnMut(A) -> R + Send>>;
type Judge = Box<dyn FnMut(&ApplicationError) -> AfterError + Send>;

/// The callbacks of an application, which send by an `S`, and whose calls give an `R`.
pub struct Callbacks<S, R> {
    /// `on_open`
    pub open: Call<S, R>,
    /// `on_reconnect`
    pub reconnect: Call<S, R>,
    /// `on_message`
    pub message: Call<(S, Message), R>,
    /// `on_ping`
    pub ping: Call<(S, Bytes), R>,
    /// `on_pong`
    pub pong: Call<(S, Bytes), R>,
    /// `on_close`
    pub close: Call<Closed, R>,
    /// `on_error`
    pub error: Option<Judge>,
    /// There was a connection before.
    was_open: bool,
}

/// A call that was begun, if there is such a callback, and which one it is of.
type Begun<R> = Option<(Callback, R)>;

impl<S, R> Default for Callbacks<S, R> {
    fn default() -> Self {
        Self {
            open: None,
            reconnect: None,
            message: None,
            ping: None,
            pong: None,
            close: None,
            error: None,
            was_open: false,
        }
    }
}

impl<S, R> Callbacks<S, R> {
    /// Calls what follows a new connection.
    pub fn call_open(&mut self, sender: S) -> Begun<R> {
        let again = mem::replace(&mut self.was_open, true);
        match &mut self.reconnect {
            Some(reconnect) if again => Some((Callback::Reconnect, reconnect(sender))),
            _ => Some((Callback::Open, self.open.as_mut()?(sender))),
        }
    }

    /// Calls what follows a message.
    pub fn call_message(&mut self, sender: S, message: Message) -> Begun<R> {
        Some((Callback::Message, self.message.as_mut()?((sender, message))))
    }

    /// Calls what follows a Ping or a Pong.
    pub fn call_control(&mut self, sender: S, control: Control) -> Begun<R> {
        match control {
            Control::Ping(payload) => Some((Callback::Ping, self.ping.as_mut()?((sender, payload)))),
            Control::Pong(payload) => Some((Callback::Pong, self.pong.as_mut()?((sender, payload)))),
        }
    }

    /// Whether anybody wants to know of pings and pongs.
    pub fn want_control(&self) -> bool {
        self.ping.is_some() || self.pong.is_some()
    }

    /// Calls what follows the end of a connection.
    pub fn call_close(&mut self, closed: Closed) -> Begun<R> {
        Some((Callback::Close, self.close.as_mut()?(closed)))
    }

    /// Asks what follows an error. Where nobody is to be asked, errors of callbacks are the end, since nobody else would hear
    /// of them, and the others are not.
    pub fn judge(&mut self, error: &ApplicationError) -> AfterError {
        warn!(%error, "application");
        match (&mut self.error, error) {
            (Some(judge), _) => judge(error),
            (None, ApplicationError::Callback { .. }) => AfterError::Stop,
            (None, ApplicationError::Connect(_) | ApplicationError::Connection(_)) => AfterError::GoOn,
        }
    }

    /// Judges the outcome of a call.
    ///
    /// # Errors
    /// Where the application is to end with it.
    pub fn conclude(
        &mut self,
        callback: Callback,
        result: Result<(), CallbackError>,
    ) -> Result<(), ApplicationError> {
        let Err(error) = result else { return Ok(()) };
        let error = ApplicationError::Callback { callback, error };
        match self.judge(&error) {
            AfterError::GoOn => Ok(()),
            AfterError::Stop => Err(error),
        }
    }
}

/// Names those that are set.
impl<S, R> fmt::Debug for Callbacks<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = [
            ("open", self.open.is_some()),
            ("reconnect", self.reconnect.is_some()),
            ("message", self.message.is_some()),
            ("ping", self.ping.is_some()),
            ("pong", self.pong.is_some()),
            ("close", self.close.is_some()),
            ("error", self.error.is_some()),
        ];
        let names = set.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name);
        f.debug_set().entries(names).finish()
    }
}
