//! `Stream` and `Sink`, for those who compose: `while let Some(message) = ws.next().await`.
//!
//! As `Stream`, a connection ends quietly where [`recv`](crate::WebSocket::recv) gives `None`, and after the one error
//! it gives otherwise. As `Sink`, `send` forces a write per message, since that is what the trait's `send` means:
//! `feed`, or the methods of the connection itself, leave the batching to the driver.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;
use tidewire_common::proto::CloseFrame;
use tidewire_common::{Error, Message, Outgoing, Session};

use crate::shared::{Handle, Shared};
use crate::split::{Receiver, Sender};
use crate::state::{State, Transport};
use crate::wakers::ToWake;
use crate::websocket::WebSocket;

impl<S: Transport> Stream for WebSocket<S> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        poll_next(&mut self.get_mut().handle, cx)
    }
}

impl<S: Transport> Stream for Receiver<S> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        poll_next(&mut self.get_mut().handle, cx)
    }
}

fn poll_next<S: Transport>(
    handle: &mut Handle<S>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Message, Error>>> {
    if handle.at_hand.is_empty() && handle.with(|state| state.stream_ended) {
        return Poll::Ready(None);
    }
    let received = ready!(handle.poll_message(cx));
    if !matches!(received, Ok(Some(_))) {
        handle.with(|state| state.stream_ended = true);
    }
    Poll::Ready(received.transpose())
}

/// Implements `Sink` by the functions below.
macro_rules! sink {
    ($name:ident) => {
        impl<S: Transport, M: Into<Outgoing>> Sink<M> for $name<S> {
            type Error = Error;

            fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                self.get_mut()
                    .handle
                    .poll_sink(cx, |state| state.poll_room(Session::has_room))
            }

            fn start_send(self: Pin<&mut Self>, message: M) -> Result<(), Error> {
                start_send(&self.handle, message.into())
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                self.get_mut().handle.poll_sink(cx, State::poll_flushed)
            }

            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                self.get_mut().handle.poll_sink(cx, poll_closed)
            }
        }
    };
}

sink!(WebSocket);
sink!(Sender);

fn start_send<S: Transport>(shared: &Shared<S>, mut message: Outgoing) -> Result<(), Error> {
    shared.with(|state| {
        let now = state.recently();
        state.progress.to_wake |= ToWake::DRIVER;
        state.session.send(now, &mut message)
    })
}

fn poll_closed<S: Transport>(state: &mut State<S>) -> Poll<Result<(), Error>> {
    if let Some(end) = state.session.end() {
        return Poll::Ready(end);
    }
    let now = state.now();
    state.session.close(now, Some(CloseFrame::new(1000, "")))?;
    state.progress.to_wake |= ToWake::DRIVER;
    if !state.is_driven() {
        state.poll_output();
    }
    state.session.end().map_or(Poll::Pending, Poll::Ready)
}
