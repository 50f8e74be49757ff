use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::time::Duration;

use crate::closing::{Closed, Fate, Phase};
use crate::config::Config;
use crate::error::ProtocolError;
use crate::event::Delivery;
use crate::inbox::Inbox;
use crate::reader::{Reader, ReceiveState};
use crate::role::Role;
use crate::time::Instant;
use crate::timers::Timer;
use crate::writer::{SendState, Writer};

/// A WebSocket connection after its opening handshake, as a state machine.
///
/// It never waits and never asks: bytes that arrived, the time and the end of the transport are told to it; bytes
/// to send are appended to a buffer of the embedder's; what to do with the transport is read off
/// [`fate`](Self::fate), and when to come back off [`poll_timeout`](Self::poll_timeout). The
/// [crate's page](crate) shows the loop.
pub struct Connection<R> {
    pub(crate) receive: ReceiveState,
    pub(crate) send: SendState<R>,
    pub(crate) config: Arc<Config>,
    /// A byte arrived since the last keepalive ping left.
    heard: bool,
    reading: Reading,
    /// While reading is paused: what is left on the pong clock, as a moment after the start.
    pong_left: Instant,
}

/// Whether the embedder reads from the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Input is fed as it arrives.
    Active,
    /// Input is left in the transport, for example because the application has too much to do.
    Paused,
}

impl<R: Role> Connection<R> {
    /// A connection that was opened at `now`.
    pub fn new(role: R, config: impl Into<Arc<Config>>, now: Instant) -> Self {
        let config = config.into();
        let mut send = SendState::new(role);
        if let Some(keepalive) = config.keepalive {
            send.timers.arm(Timer::Keepalive, now + keepalive.interval);
        }
        Self {
            receive: ReceiveState::new(),
            send,
            config,
            heard: true,
            reading: Reading::Active,
            pong_left: Instant::NEVER,
        }
    }

    /// Binds the time, the input and the output, and lends the two halves that work on them.
    ///
    /// The reader consumes the input, the writer appends to the output. Where `out` is empty, everything
    /// appended before counts as written.
    #[inline]
    pub fn turn<'t>(
        &'t mut self,
        now: Instant,
        inbox: &'t mut Inbox,
        out: &'t mut Vec<u8>,
    ) -> (Reader<'t>, Writer<'t, R>) {
        self.note_output(now, out);
        let (input, fresh) = inbox.open();
        if fresh {
            self.note_heard();
        }
        let reader = Reader {
            state: &mut self.receive,
            config: &self.config,
            input,
            work: 0,
            stores: |_| Vec::new(),
        };
        (
            reader,
            Writer {
                state: &mut self.send,
                config: &self.config,
                out,
                now,
            },
        )
    }

    /// As [`turn`](Self::turn), for the sending half alone.
    #[inline]
    pub fn writer<'t>(&'t mut self, now: Instant, out: &'t mut Vec<u8>) -> Writer<'t, R> {
        self.note_output(now, out);
        self.write_to(now, out)
    }

    /// Chooses how messages are handed over, from the next event on.
    ///
    /// In the middle of a message, [`Delivery::Chunks`] begins with what has been assembled of it, and
    /// [`Delivery::Messages`] skips the rest of one that was begun in chunks, whatever is chosen before its end.
    pub fn set_delivery(&mut self, delivery: Delivery) {
        self.receive.deliver(delivery);
    }

    /// Tells how writing went: `written` bytes left in this attempt, `unsent` still wait.
    ///
    /// With it the core knows when a ping has left, and when a peer reads nothing; to be called after each
    /// attempt. Once nothing waits, what was held back for a slow peer may be appended to `out`.
    pub fn handle_written(&mut self, now: Instant, written: usize, unsent: usize, out: &mut Vec<u8>) {
        if unsent == 0 {
            self.flushed(now, out);
        } else if let Some(timeout) = self.config.write_timeout
            && (written > 0 || !self.send.timers.is_armed(Timer::Write))
            && self.phase() != Phase::Ended
        {
            self.send.timers.arm(Timer::Write, now + timeout);
        }
    }

    /// Tells whether input is being read: while it is not, no answer to a ping can be expected.
    pub fn handle_reading(&mut self, now: Instant, reading: Reading) {
        if reading == self.reading {
            return;
        }
        self.reading = reading;
        match reading {
            Reading::Paused => {
                let left = self.send.timers.deadline(Timer::Pong).map(|at| at - now);
                self.pong_left = left.map_or(Instant::NEVER, Instant::from_elapsed);
                self.send.timers.disarm(Timer::Pong);
            }
            Reading::Active => {
                if let Some(left) = mem::replace(&mut self.pong_left, Instant::NEVER).reachable()
                    && self.is_pinging()
                {
                    self.send
                        .timers
                        .arm(Timer::Pong, now + left.elapsed_since_start());
                }
            }
        }
    }

    /// The moment at which [`handle_timeout`](Self::handle_timeout) wants to be called.
    #[inline]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.send.timers.next()
    }

    /// The earliest moment at which a deadline fails the connection or gives it up, unless something happens before;
    /// input that was received by then is to be fed first.
    pub fn poll_end(&self) -> Option<Instant> {
        let timers = &self.send.timers;
        [Timer::Pong, Timer::Close, Timer::Write]
            .into_iter()
            .filter_map(|timer| timers.deadline(timer))
            .min()
    }

    /// Does what the deadlines up to `now` ask for: sends a keepalive ping, fails the connection, gives it up.
    ///
    /// Calling it early, late or in vain does no harm.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<u8>) {
        // Each once: an interval of zero, which `Config::check` would have refused, must not hold the caller.
        for timer in Timer::ALL {
            if !self.send.timers.expire(timer, now) {
                continue;
            }
            match timer {
                Timer::Keepalive => self.keepalive(now, out),
                Timer::Pong => {
                    // Any byte since the ping left is a sign of life.
                    if !self.heard
                        && let Some(waited) = self.config.keepalive.and_then(|keepalive| keepalive.timeout)
                    {
                        self.write_to(now, out)
                            .fail(ProtocolError::KeepaliveTimeout { waited });
                    }
                }
                Timer::Close => self.end(),
                Timer::Write => {
                    if let Some(waited) = self.config.write_timeout {
                        self.send
                            .closing
                            .note_failed(ProtocolError::PeerNotReading { waited });
                    }
                    self.end();
                }
                Timer::Sleep => self.sleep(now),
            }
        }
    }

    /// Tells that the transport ended or broke: nothing more will come, and nothing can be sent.
    pub fn handle_end(&mut self) {
        self.end();
    }

    /// Tells that writing failed: nothing can be sent any more, while what arrived before may still be read.
    ///
    /// The end of the input is awaited like that of a closing connection, for the close timeout at most.
    pub fn handle_write_error(&mut self, now: Instant) {
        if self.phase() != Phase::Ended {
            // What waits will never leave.
            self.send.timers.disarm(Timer::Write);
            self.send.await_end(now, &self.config);
        }
    }

    /// Where the connection stands.
    #[inline]
    pub fn phase(&self) -> Phase {
        self.send.closing.phase()
    }

    /// What to do with the transport, once all output is written.
    #[inline]
    pub fn fate(&self) -> Fate {
        match self.phase() {
            Phase::Open | Phase::Closing => Fate::KeepOpen,
            Phase::Over if R::MASKS => Fate::AwaitPeer,
            Phase::Over => Fate::HalfClose,
            Phase::Ended => Fate::Drop,
        }
    }

    /// How the connection is being closed, from the first Close frame, failure or end on.
    pub fn closed(&self) -> Option<&Closed> {
        self.send.closing.closed()
    }

    /// The last round trip that a ping measured.
    pub fn latency(&self) -> Option<Duration> {
        self.send.pings.latency()
    }

    #[inline]
    pub(crate) fn note_heard(&mut self) {
        self.heard = true;
    }

    fn keepalive(&mut self, now: Instant, out: &mut Vec<u8>) {
        let Some(keepalive) = self.config.keepalive else {
            return;
        };
        self.send.timers.arm(Timer::Keepalive, now + keepalive.interval);
        let awaits_answer = self.send.timers.is_armed(Timer::Pong) && !self.heard;
        if self.reading == Reading::Active && !awaits_answer && !self.send.pings.keepalive_waits() {
            self.write_to(now, out).keepalive_ping();
        }
    }

    /// Whether silence is still asked about: not once the end is awaited.
    fn is_pinging(&self) -> bool {
        self.send.timers.is_armed(Timer::Keepalive)
    }

    #[inline]
    fn note_output(&mut self, now: Instant, out: &mut Vec<u8>) {
        if out.is_empty() {
            self.flushed(now, out);
        }
    }

    /// Everything in the output has left.
    #[inline]
    fn flushed(&mut self, now: Instant, out: &mut Vec<u8>) {
        if self.send.pings.flushed(now)
            && let Some(timeout) = self.config.keepalive.and_then(|keepalive| keepalive.timeout)
            && self.is_pinging()
        {
            self.heard = false;
            match self.reading {
                Reading::Active => self.send.timers.arm(Timer::Pong, now + timeout),
                Reading::Paused => self.pong_left = Instant::from_elapsed(timeout),
            }
        }
        self.write_to(now, out).flushed();
    }

    /// Gives memory of compression up that only a busy connection needs.
    fn sleep(&mut self, now: Instant) {
        let (mut deflate, inflate) = (self.send.deflate(), &mut self.receive.inflate);
        let sending = deflate.as_mut().and_then(|deflate| deflate.sleeps_at());
        let receiving = inflate.as_ref().and_then(|inflate| inflate.sleeps_at());
        match sending.max(receiving) {
            Some(at) if at > now => self.send.sleep_at(at),
            _ => {
                if let Some(deflate) = deflate {
                    deflate.sleep();
                }
                if let Some(inflate) = inflate {
                    inflate.sleep();
                }
                // What is inflated is stored, however small.
                self.receive.rest();
            }
        }
    }

    fn end(&mut self) {
        self.send.closing.note_end();
        self.send.timers.disarm_all();
        self.send.coding = None;
        self.receive.release();
    }

    #[inline]
    fn write_to<'t>(&'t mut self, now: Instant, out: &'t mut Vec<u8>) -> Writer<'t, R> {
        Writer {
            state: &mut self.send,
            config: &self.config,
            out,
            now,
        }
    }
}

impl<R: fmt::Debug + Role> fmt::Debug for Connection<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("role", &self.send.role)
            .field("phase", &self.phase())
            .field("closed", &self.closed())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Keepalive;
    use crate::role::Server;

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn an_idle_connection_is_small() {
        // Most connections of most servers are idle: what only some have at some time belongs into a box. A larger
        // number here is for each of ten thousand connections.
        assert!(
            size_of::<Connection<Server>>() <= 240,
            "{}",
            size_of::<Connection<Server>>()
        );
    }

    #[test]
    fn an_unchecked_interval_of_zero_pings_once_a_call() {
        let keepalive = Keepalive {
            interval: Duration::ZERO,
            timeout: None,
        };
        let mut connection = Connection::new(Server, Config::new().keepalive(keepalive), Instant::START);
        let mut out = Vec::new();
        connection.handle_timeout(Instant::START, &mut out);
        assert_eq!(out, b"\x89\x08\0\0\0\0\0\0\0\0", "one Ping with its number");
    }
}
