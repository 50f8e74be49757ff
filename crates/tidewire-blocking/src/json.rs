//! Sending and receiving values as JSON.

use tidewire_common::serde::Serialize;
use tidewire_common::serde::de::DeserializeOwned;
use tidewire_common::{Error, Message};

use crate::split::{Receiver, Sender};
use crate::transport::Transport;
use crate::websocket::WebSocket;

/// What sends, for a type that has `send`.
macro_rules! sending {
    () => {
        /// Sends a value as JSON, in a text message; otherwise as [`send`](Self::send).
        ///
        /// ```no_run
        /// # fn example(ws: tidewire_blocking::WebSocket) -> Result<(), tidewire_blocking::Error> {
        /// ws.send_json(&("add", [1, 2, 3]))?;
        /// # Ok(())
        /// # }
        /// ```
        ///
        /// # Errors
        /// [`Error::Json`] where it cannot be written as JSON, and nothing was sent; otherwise as for [`send`](Self::send).
        pub fn send_json(&self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
            self.send(Message::from_json(value)?)
        }
    };
}

/// What receives, for a type that has `recv`.
macro_rules! receiving {
    () => {
        /// Waits for the next message and reads it as JSON, text or binary; `None` as for [`recv`](Self::recv).
        ///
        /// ```no_run
        /// # fn example(mut ws: tidewire_blocking::WebSocket) -> Result<(), tidewire_blocking::Error> {
        /// while let Some((operation, numbers)) = ws.recv_json::<(String, Vec<i64>)>()? {
        ///     println!("{operation} {numbers:?}");
        /// }
        /// # Ok(())
        /// # }
        /// ```
        ///
        /// # Errors
        /// [`Error::Json`] where the message is no JSON, or JSON of another shape: it is taken, and the connection goes on;
        /// who wants it nevertheless takes [`recv`](Self::recv) with [`Message::json`]. Otherwise as for
        /// [`recv`](Self::recv).
        pub fn recv_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
            let value = self.recv()?.map(|message| message.json());
            Ok(value.transpose()?)
        }
    };
}

impl<S: Transport> WebSocket<S> {
    sending!();
    receiving!();
}

impl<S: Transport> Sender<S> {
    sending!();
}

impl<S: Transport> Receiver<S> {
    receiving!();
}
