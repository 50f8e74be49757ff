//! What the handles of a connection ask for.

use std::sync::Arc;
use std::time::Duration;

use tidewire_common::proto::{CloseFrame, Closed, End, Instant, Phase, SendError};
use tidewire_common::{Error, Message, Outgoing, Reached, Session, TrySendError};

use super::keeping::Hurry;
use super::writing::Patience;
use super::{Guard, Halves, Link, Owner, Sending, State, WriteTurn};
use crate::clock;
use crate::transport::Transport;

/// How much corked output may wait.
const CORK: usize = 64 * 1024;
/// How long a ping waits while nobody takes the messages that stand before its answer.
const PING_PATIENCE: Duration = Duration::from_secs(10);

/// What follows the queueing of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Write,
    Return,
}

impl State {
    /// Whether output stays until the application has seen all input.
    fn is_corked(&self) -> bool {
        self.sending == Sending::Corked
            && (!self.inbox.is_empty() || self.session.has_items())
            && self.session.unsent_len() < CORK
    }
}

impl<S: Transport> Link<S> {
    pub(crate) fn send(self: &Arc<Self>, mut message: Outgoing, then: Then) -> Result<(), Error> {
        let mut state = self.room(State::has_room);
        let now = state.now();
        let result = state.session.send(now, &mut message);
        self.after_queueing(state, result, then)
    }

    pub(crate) fn try_send(self: &Arc<Self>, mut message: Outgoing) -> Result<(), TrySendError> {
        let mut state = self.lock();
        if state.session.phase() == Phase::Open && !state.session.has_room() {
            state = self.drain(state, Patience::None);
        }
        if state.session.phase() == Phase::Open && !state.session.has_room() {
            self.settle(state);
            return Err(TrySendError::Full(message));
        }
        let now = state.now();
        let result = state.session.send(now, &mut message);
        if !state.is_corked() {
            state = self.drain(state, Patience::None);
        }
        let result = result.and_then(|()| state.session.check_transport());
        self.settle(state);
        result.map_err(TrySendError::Failed)
    }

    /// Works on the session for somebody who does not wait, and writes what can be written at once.
    pub(crate) fn reach(self: &Arc<Self>, work: &mut dyn FnMut(&mut Session, Instant) -> Reached) {
        let mut state = self.lock();
        let now = state.now();
        match work(&mut state.session, now) {
            Reached::Queued => {
                state.news = true;
                if !state.is_corked() {
                    state = self.drain(state, Patience::None);
                }
            }
            Reached::Unchanged => {}
        }
        self.settle(state);
    }

    pub(crate) fn begin_pieces(self: &Arc<Self>) -> Result<(), Error> {
        let mut state = self.room(State::has_room);
        let result = state
            .session
            .check_end()
            .and_then(|()| state.session.begin_pieces());
        self.settle(state);
        result
    }

    pub(crate) fn send_piece(self: &Arc<Self>, piece: &Message, end: End) -> Result<(), Error> {
        let mut state = self.room(|state| state.session.is_below_high_water());
        let now = state.now();
        let result = state.session.send_piece(now, piece, end);
        state.news = true;
        self.after_queueing(state, result, Then::Write)
    }

    pub(crate) fn abandon_pieces(self: &Arc<Self>) {
        let mut state = self.lock();
        let now = state.now();
        state.session.abandon_pieces(now);
        state.news = true;
        let state = self.drain(state, Patience::None);
        self.settle(state);
    }

    pub(crate) fn pong(self: &Arc<Self>, payload: &[u8]) -> Result<(), Error> {
        self.send_aside(|session, now| session.pong(now, payload))
    }

    /// Sends what may stand between the pieces of a message.
    pub(crate) fn send_aside(
        self: &Arc<Self>,
        queue: impl FnOnce(&mut Session, Instant) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut state = self.room(|state| state.session.is_below_high_water());
        let now = state.now();
        let result = queue(&mut state.session, now);
        self.after_queueing(state, result, Then::Write)
    }

    pub(crate) fn flush(self: &Arc<Self>) -> Result<(), Error> {
        let mut state = self.lock();
        let goal = state.queued();
        while state.written < goal && state.can_write() {
            state = match state.writing {
                WriteTurn::Taken => self.wait(state, None),
                WriteTurn::Free => self.drain(state, Patience::Endless),
            };
        }
        let result = if state.written < goal {
            state.session.check_end()
        } else {
            // An earlier write, the keeper's for example, may have failed.
            state.session.check_transport()
        };
        let result = result.and_then(|()| state.session.end().unwrap_or(Ok(())));
        self.settle(state);
        result
    }

    pub(crate) fn ping(self: &Arc<Self>, payload: Option<&[u8]>) -> Result<Duration, Error> {
        self.ping_within(PING_PATIENCE, payload)
    }

    fn ping_within(self: &Arc<Self>, patience: Duration, payload: Option<&[u8]>) -> Result<Duration, Error> {
        let mut state = self.lock();
        let asked = state.now();
        let id = match state.session.ping(asked, payload) {
            Ok(id) => id,
            Err(error) => {
                self.settle(state);
                return Err(error);
            }
        };
        state = self.drain(state, Patience::None);
        let mut since = (asked, state.received);
        let result = loop {
            if let Some(round_trip) = state.session.take_pong(id) {
                break Ok(round_trip);
            }
            if let Err(error) = state.session.check_end() {
                break Err(error);
            }
            let now = state.now();
            if state.session.wants_input() || state.received != since.1 {
                since = (now, state.received);
            } else if now - since.0 >= patience {
                break Err(Error::NotReceiving);
            }
            state = self.wait(state, Some(patience));
        };
        state.session.forget_ping(id);
        self.settle(state);
        result
    }

    /// Starts the closing handshake without waiting for its end.
    pub(crate) fn start_closing(self: &Arc<Self>, frame: CloseFrame<'_>) -> Result<(), SendError> {
        let mut state = self.lock();
        let now = state.now();
        let result = state.session.close(now, Some(frame));
        state.news = true;
        let state = self.drain(state, Patience::None);
        self.settle(state);
        result
    }

    pub(crate) fn wait_closed(self: &Arc<Self>) -> Closed {
        // Without a deadline there is always an end.
        self.wait_closed_until(None).unwrap_or_default()
    }

    /// Waits for the end of the connection; `None` where the deadline comes first.
    pub(crate) fn wait_closed_until(self: &Arc<Self>, deadline: Option<Instant>) -> Option<Closed> {
        let mut state = self.lock();
        let closed = loop {
            if state.session.phase() == Phase::Ended {
                break Some(state.session.closed().cloned().unwrap_or_default());
            }
            let left = clock::left(deadline);
            if left.is_some_and(|left| left.is_zero()) {
                break None;
            }
            state = self.wait(state, left);
        };
        self.settle(state);
        closed
    }

    /// Drops what was and what will be received: nobody can take it any more. The keeper reads on, so that pings and
    /// the peer's Close are seen.
    pub(crate) fn stop_receiving(self: &Arc<Self>) {
        let mut state = self.lock();
        state.session.stop_receiving();
        state.halves = Halves::Sending;
        state.news = true;
        self.settle(state);
    }

    /// Ends the connection at once.
    pub(crate) fn abort(self: &Arc<Self>) {
        let mut state = self.lock();
        state.session.handle_end(None);
        state.news = true;
        self.settle(state);
    }

    /// Leaves the connection to the keeper, which closes it.
    pub(crate) fn abandon(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.owner == Owner::Handler {
            return;
        }
        state.owner = Owner::Nobody;
        let now = state.now();
        let _ = state.session.close(now, Some(CloseFrame::new(1000, "")));
        state.news = true;
        let state = self.drain(state, Patience::None);
        self.settle(state);
    }

    /// Waits until a message may be queued, or will be refused.
    fn room(self: &Arc<Self>, has_room: impl Fn(&State) -> bool) -> Guard<'_> {
        let mut state = self.lock();
        while state.session.phase() == Phase::Open && !has_room(&state) {
            state = if state.needs_writer() && !state.session.is_below_high_water() {
                self.drain(state, Patience::Endless)
            } else {
                self.wait(state, None)
            };
        }
        state
    }

    fn after_queueing<'a>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        result: Result<(), Error>,
        then: Then,
    ) -> Result<(), Error> {
        let goal = state.queued();
        let mut result = result;
        if result.is_ok() && state.writing == WriteTurn::Free {
            if then == Then::Write && !state.is_corked() {
                state = self.drain(state, Patience::Endless);
                if state.written < goal && !state.can_write() {
                    result = state.session.check_end();
                }
            } else {
                state.keeping.hurry = Hurry::Later;
            }
        }
        self.settle(state);
        result
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.session.has_room()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::accept::accept;

    const REQUEST: &[u8] =
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

    #[test]
    fn a_ping_gives_up_behind_messages_that_nobody_receives() -> Result<(), Box<dyn std::error::Error>> {
        let (mut peer, ours) = UnixStream::pair()?;
        peer.write_all(REQUEST)?;
        let mut ws = accept(ours)?;
        for _ in 0..100 {
            peer.write_all(b"\x81\x82\0\0\0\0hi")?;
        }
        let result = ws.link().ping_within(Duration::from_millis(50), None);
        assert!(matches!(result, Err(Error::NotReceiving)), "{result:?}");
        // The connection goes on.
        assert_eq!(ws.recv()?, Some("hi".into()));
        Ok(())
    }
}
