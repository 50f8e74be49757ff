//! What handles ask of a connection, each as one step that is tried until it is ready.

use std::future::{Future, poll_fn};
use std::task::{Poll, ready};
use std::time::Duration;

use tidewire_common::proto::{CloseFrame, Closed, End, Instant, PingId, SendError};
use tidewire_common::{Error, Message, Outgoing, Reached, Session, TrySendError};
use tokio::runtime;

use crate::shared::{Shared, Waiter};
use crate::state::{State, Transport};
use crate::wakers::ToWake;

/// Sends a message; what is to be done `then`, once it is queued, is for a driver to do where there is one.
///
/// No `async fn`, and neither are those around it and in it: each would keep the message twice, and the future of every
/// idle handler has room for the largest it ever awaits.
pub(crate) fn send<S: Transport>(
    shared: &Shared<S>,
    mut message: Outgoing,
    then: impl Fn(&mut State<S>) -> Poll<Result<(), Error>>,
) -> impl Future<Output = Result<(), Error>> {
    queue(shared, Session::has_room, then, move |session, now| {
        session.send(now, &mut message)
    })
}

/// Sends a piece of the open message, and tells when it was queued.
pub(crate) async fn send_piece<S: Transport>(
    shared: &Shared<S>,
    piece: Message,
    end: End,
    mut queued: impl FnMut(),
) -> Result<(), Error> {
    let put = |session: &mut Session, now| {
        session.send_piece(now, &piece, end)?;
        queued();
        Ok(())
    };
    queue(shared, Session::is_below_high_water, State::poll_flushed, put).await
}

pub(crate) async fn pong<S: Transport>(shared: &Shared<S>, payload: &[u8]) -> Result<(), Error> {
    send_aside(shared, |session, now| session.pong(now, payload)).await
}

/// Sends what may stand between the pieces of a message.
pub(crate) fn send_aside<S: Transport>(
    shared: &Shared<S>,
    put: impl FnMut(&mut Session, Instant) -> Result<(), Error>,
) -> impl Future<Output = Result<(), Error>> {
    queue(shared, Session::is_below_high_water, State::poll_flushed, put)
}

/// Queues something, once, as soon as there is room.
fn queue<S: Transport>(
    shared: &Shared<S>,
    has_room: impl Fn(&Session) -> bool,
    then: impl Fn(&mut State<S>) -> Poll<Result<(), Error>>,
    put: impl FnMut(&mut Session, Instant) -> Result<(), Error>,
) -> impl Future<Output = Result<(), Error>> {
    let mut unqueued = Some(put);
    let mut waiter = Waiter::new(shared);
    poll_fn(move |cx| {
        waiter.poll(cx, |state| {
            if let Some(put) = &mut unqueued {
                ready!(state.poll_room(&has_room))?;
                let now = state.recently();
                put(&mut state.session, now)?;
                unqueued = None;
                state.progress.to_wake |= ToWake::DRIVER;
            }
            if state.is_driven() {
                Poll::Ready(Ok(()))
            } else {
                then(state)
            }
        })
    })
}

pub(crate) fn try_send<S: Transport>(shared: &Shared<S>, mut message: Outgoing) -> Result<(), TrySendError> {
    shared.with(|state| {
        match state.poll_room(Session::has_room) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Err(TrySendError::Failed(error)),
            Poll::Pending => return Err(TrySendError::Full(message)),
        }
        let now = state.recently();
        state
            .session
            .send(now, &mut message)
            .map_err(TrySendError::Failed)?;
        state.progress.to_wake |= ToWake::DRIVER;
        if !state.is_driven() {
            state.poll_output();
        }
        Ok(())
    })
}

/// Works on the session for somebody who does not wait, and may be in no runtime; has what was queued written.
pub(crate) fn reach<S: Transport>(
    shared: &Shared<S>,
    work: &mut dyn FnMut(&mut Session, Instant) -> Reached,
) {
    shared.with(|state| {
        let now = state.now();
        let reached = work(&mut state.session, now);
        if state.is_driven() {
            let gain = reached == Reached::Queued;
            state.progress.to_wake.add_if(gain, ToWake::DRIVER);
        } else if runtime::Handle::try_current().is_ok() {
            state.poll_output();
        } else {
            // Here no timer can be had, so whoever waits for the connection is to write.
            state.progress.to_wake |= ToWake::WAITERS;
        }
    });
}

pub(crate) async fn ping<S: Transport>(
    shared: &Shared<S>,
    payload: Option<&[u8]>,
) -> Result<Duration, Error> {
    let mut waiting = WaitingPing { shared, id: None };
    Waiter::new(shared)
        .wait(|state| {
            let id = match waiting.id {
                Some(id) => id,
                None => {
                    let now = state.now();
                    let id = state.session.ping(now, payload)?;
                    state.progress.to_wake |= ToWake::DRIVER;
                    *waiting.id.insert(id)
                }
            };
            if let Some(round_trip) = state.session.take_pong(id) {
                waiting.id = None;
                return Poll::Ready(Ok(round_trip));
            }
            if !state.is_driven() {
                state.poll_output();
            }
            state.poll_end_error()
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
            self.shared.with(|state| state.session.forget_ping(id));
        }
    }
}

pub(crate) async fn close<S: Transport>(shared: &Shared<S>, frame: CloseFrame<'_>) -> Result<(), SendError> {
    let mut frame = Some(frame);
    Waiter::new(shared)
        .wait(|state| {
            if let Some(frame) = frame.take() {
                let now = state.now();
                state.session.close(now, Some(frame))?;
                state.progress.to_wake |= ToWake::DRIVER;
            }
            if !state.is_driven() {
                state.poll_output();
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
        .wait(|state| match state.session.end() {
            Some(_) => Poll::Ready(state.session.closed().cloned().unwrap_or_default()),
            None => Poll::Pending,
        })
        .await
}
