use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::time::Duration;

use crate::error::SendError;
use crate::event::Answer;
use crate::time::Instant;

/// How many pings of the application may wait for their answers.
pub const MAX_PINGS: usize = 64;

/// Names a ping; a later one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PingId(u64);

/// Who sent a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    Application,
    Keepalive,
}

/// The pings that wait for their answers, and the last round trip.
#[derive(Debug)]
pub(crate) struct Pings {
    /// Boxed, and gone with the last: a connection waits for a Pong now and then.
    #[expect(
        clippy::box_collection,
        reason = "an idle connection has room for the pointer alone"
    )]
    waiting: Option<Box<VecDeque<Waiting>>>,
    next: u64,
    /// Some of those that wait are not known to have left.
    unsent: bool,
    /// The round trip as a moment after the start, which is half as long as an `Option<Duration>`.
    latency: Instant,
}

#[derive(Debug)]
struct Waiting {
    id: PingId,
    asker: Asker,
    payload: Box<[u8]>,
    /// When it left, as far as is known; when it was queued, before.
    sent: Instant,
    left: bool,
}

impl Pings {
    pub(crate) const fn new() -> Self {
        Self {
            waiting: None,
            next: 0,
            unsent: false,
            latency: Instant::NEVER,
        }
    }

    /// The payload of a ping that brings none: a number that no other ping of this connection has.
    pub(crate) fn own_payload(&self) -> [u8; 8] {
        self.next.to_be_bytes()
    }

    /// Notes a ping that is put into the output.
    pub(crate) fn note(&mut self, now: Instant, asker: Asker, payload: &[u8]) -> Result<PingId, SendError> {
        match asker {
            Asker::Application => {
                let waiting = self
                    .waiting()
                    .filter(|ping| ping.asker == Asker::Application)
                    .count();
                if waiting == MAX_PINGS {
                    return Err(SendError::TooManyPings);
                }
            }
            // One of these at a time: a peer that talks but never answers must not make the list grow.
            Asker::Keepalive => {
                if let Some(waiting) = &mut self.waiting {
                    waiting.retain(|ping| ping.asker != Asker::Keepalive);
                }
            }
        }
        let id = PingId(self.next);
        self.next += 1;
        self.unsent = true;
        self.waiting.get_or_insert_default().push_back(Waiting {
            id,
            asker,
            payload: payload.into(),
            sent: now,
            left: false,
        });
        Ok(id)
    }

    /// Notes that all output has left; says whether a keepalive ping was in it.
    pub(crate) fn flushed(&mut self, now: Instant) -> bool {
        let mut keepalive = false;
        if core::mem::take(&mut self.unsent) {
            let waiting = self.waiting.iter_mut().flat_map(|waiting| waiting.iter_mut());
            for ping in waiting.filter(|ping| !ping.left) {
                ping.left = true;
                ping.sent = now;
                keepalive |= ping.asker == Asker::Keepalive;
            }
        }
        keepalive
    }

    fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter().flat_map(|waiting| waiting.iter())
    }

    /// Whether a keepalive ping is not known to have left.
    pub(crate) fn keepalive_waits(&self) -> bool {
        self.waiting()
            .any(|ping| ping.asker == Asker::Keepalive && !ping.left)
    }

    /// Matches a Pong with the ping it answers; earlier ones count as answered with it (§5.5.3).
    pub(crate) fn answer(&mut self, now: Instant, payload: &[u8]) -> Option<Answer> {
        let waiting = self.waiting.as_mut()?;
        let at = waiting.iter().position(|ping| *ping.payload == *payload)?;
        let ping = waiting.drain(..=at).next_back()?;
        if waiting.is_empty() {
            self.waiting = None;
        }
        let round_trip = now - ping.sent;
        self.latency = Instant::START + round_trip;
        Some(Answer {
            ping: ping.id,
            round_trip,
        })
    }

    pub(crate) fn latency(&self) -> Option<Duration> {
        self.latency.reachable().map(Instant::elapsed_since_start)
    }
}
