//! Sending and receiving values as JSON.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tidewire_common::serde::Serialize;
use tidewire_common::serde::de::DeserializeOwned;
use tidewire_common::{Error, Message};

use crate::split::{Receiver, Sender};
use crate::state::Transport;
use crate::websocket::WebSocket;

/// What sends, for a type that has `send`.
macro_rules! sending {
    () => {
        /// Sends a value as JSON, in a text message; otherwise as [`send`](Self::send). It is written when this is called.
        ///
        /// ```no_run
        /// # async fn example(ws: tidewire_tokio::WebSocket) -> Result<(), tidewire_tokio::Error> {
        /// ws.send_json(&("add", [1, 2, 3])).await?;
        /// # Ok(())
        /// # }
        /// ```
        ///
        /// # Errors
        /// [`Error::Json`] where it cannot be written as JSON, and nothing was sent; otherwise as for [`send`](Self::send).
        ///
        /// # Cancel safety
        /// As for [`send`](Self::send).
        pub fn send_json(
            &self,
            value: &(impl Serialize + ?Sized),
        ) -> impl Future<Output = Result<(), Error>> {
            // No `async` block, which would keep the message twice.
            let mut sending = Message::from_json(value).map(|message| self.send(message));
            poll_fn(move |cx| match &mut sending {
                Ok(sending) => pin!(sending).poll(cx),
                Err(error) => Poll::Ready(Err(error.clone().into())),
            })
        }
    };
}

/// What receives, for a type with a `handle`.
macro_rules! receiving {
    () => {
        /// Waits for the next message and reads it as JSON, text or binary; `None` as for [`recv`](Self::recv).
        ///
        /// ```no_run
        /// # async fn example(mut ws: tidewire_tokio::WebSocket) -> Result<(), tidewire_tokio::Error> {
        /// while let Some((operation, numbers)) = ws.recv_json::<(String, Vec<i64>)>().await? {
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
        ///
        /// # Cancel safety
        /// As for [`recv`](Self::recv).
        pub fn recv_json<T: DeserializeOwned>(&mut self) -> impl Future<Output = Result<Option<T>, Error>> {
            poll_fn(|cx| {
                self.handle.poll_message(cx).map(|received| {
                    let value = received?.map(|message| message.json());
                    Ok(value.transpose()?)
                })
            })
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
