//! What the keeper does for a connection, and when it is needed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tidewire_common::proto::{self, Inbox, Instant, Phase};

use super::writing::Patience;
use super::{Guard, Halves, Link, NAP, Owner, Reading, State};
use crate::keeper::{Kept, Look};
use crate::transport::{Transport, is_vain};

/// How soon the keeper looks after a connection that its thread has left: long enough that a thread which comes
/// right back to receive is not disturbed.
const FIRST_LOOK: Duration = Duration::from_millis(20);
/// How often it looks, at least, after one whose thread keeps coming back.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// How long output may wait that nobody is in a hurry to write.
const UNHURRIED: Duration = Duration::from_millis(5);
/// How often it looks after a transport that it cannot wait on.
const WITHOUT_FD: Duration = Duration::from_millis(10);
/// How long a thread that is about to read what has arrived may take, before a deadline ends the connection.
const LAST_CHANCE: Duration = Duration::from_millis(20);
/// How much it reads of one connection before it looks after others.
pub(crate) const KEEPER_BUFFER: usize = 64 * 1024;

/// What the keeper and the connection know of each other.
pub(super) struct Keeping {
    /// The keeper has the connection in its list.
    listed: bool,
    look_at: Option<Instant>,
    watches_input: bool,
    watches_output: bool,
    /// Output waits because the transport was full, not because somebody left it for later.
    pub(super) hurry: Hurry,
    /// Until the next look at a connection whose thread comes and goes.
    pace: Duration,
    /// The count of received messages at the last look.
    received: u64,
    chance: Chance,
}

/// What a thread has had that is about to read when a deadline ends its connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chance {
    Left,
    Given,
}

/// Where the thread is that receives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// It came back since the last look, and may be left alone.
    ComesAndGoes,
    Away,
}

/// What tells the keeper that a transport is ready.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signal {
    Descriptor,
    /// It holds input already.
    Held,
    /// Nothing does: it tries.
    None,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hurry {
    Now,
    Later,
}

impl Default for Keeping {
    fn default() -> Self {
        Self {
            listed: false,
            look_at: None,
            watches_input: false,
            watches_output: false,
            hurry: Hurry::Later,
            pace: FIRST_LOOK,
            received: 0,
            chance: Chance::Left,
        }
    }
}

impl State {
    /// When the keeper has to look, where that is earlier than it knows.
    pub(super) fn needed_look(&mut self) -> Option<Instant> {
        let at = self.wanted_look()?;
        if self.keeping.chance == Chance::Given {
            // It looks soon, and not before.
            return None;
        }
        if self.keeping.look_at.is_some_and(|planned| planned <= at) {
            return None;
        }
        self.keeping.look_at = Some(at);
        self.keeping.listed = true;
        Some(at)
    }

    fn wanted_look(&self) -> Option<Instant> {
        if self.session.phase() == Phase::Ended {
            return self.keeping.listed.then_some(Instant::START);
        }
        let deadline = self.session.poll_timeout();
        // A little early, as the clock was looked at before.
        let input = (self.is_unread() && !self.keeping.watches_input).then(|| self.latest + self.grace());
        let output =
            (self.needs_writer() && !self.keeping.watches_output).then(|| match self.keeping.hurry {
                Hurry::Now => Instant::START,
                Hurry::Later => self.latest + UNHURRIED,
            });
        [deadline, input, output].into_iter().flatten().min()
    }

    /// Whether input is wanted and nobody reads it.
    fn is_unread(&self) -> bool {
        self.reading == Reading::Nobody && self.session.wants_input()
    }

    /// How long nobody may read before the keeper does.
    fn grace(&self) -> Duration {
        if self.cut || self.owner == Owner::Nobody {
            return Duration::ZERO;
        }
        let waits = self.waiting > 0 || self.session.phase() != Phase::Open;
        match self.halves {
            Halves::Sending => Duration::ZERO,
            // In one piece, a connection has one thread, and that does not receive while it waits for something else.
            Halves::Together if waits => Duration::ZERO,
            Halves::Apart if waits => FIRST_LOOK,
            Halves::Together | Halves::Apart => self.keeping.pace,
        }
    }

    /// Notes at a look whether the connection's thread came back since the last one.
    fn note_presence(&mut self) -> Presence {
        let came = self.received != self.keeping.received;
        self.keeping.received = self.received;
        self.keeping.pace = if came {
            (self.keeping.pace * 2).min(LAST_LOOK)
        } else {
            FIRST_LOOK
        };
        if came && !self.grace().is_zero() {
            Presence::ComesAndGoes
        } else {
            Presence::Away
        }
    }
}

impl<S: Transport> Kept for Link<S> {
    fn look(self: Arc<Self>, buffer: &mut Inbox) -> Look {
        let mut state = self.lock();
        let now = state.now();
        if state.session.may_end(now) {
            // Where nobody read for a while, the sign of life that a deadline asks for may have arrived long ago.
            if state.is_unread() {
                state = self.read_ahead(state, buffer);
            } else if state.reading == Reading::Receiver && state.keeping.chance == Chance::Left {
                // Its thread is back. It may have read that, and wait for the lock, or be about to read.
                drop(state);
                let has_arrived = self.has_arrived();
                state = self.give_way(self.lock());
                if has_arrived && state.reading == Reading::Receiver && state.session.may_end(now) {
                    return state.give_chance(now);
                }
            }
        }
        let State { session, inbox, .. } = &mut *state;
        session.handle_timeout(now, inbox);
        let presence = state.note_presence();
        state = self.drain(state, Patience::None);
        if state.is_unread() && presence == Presence::Away {
            state = self.read_ahead(state, buffer);
            state = self.drain(state, Patience::None);
        }
        let signal = match self.transport.fd() {
            _ if self.transport.holds_input() => Signal::Held,
            Some(_) => Signal::Descriptor,
            None => Signal::None,
        };
        let look = state.plan(presence, signal);
        state.news = true;
        let duties = state.duties();
        drop(state);
        let sooner = duties.and_then(|duties| self.carry_out_here(&duties));
        match sooner {
            // The end of our side did not fit: the next look waits for room.
            Some(at) => Look::Again {
                at: Some(at),
                input: false,
                output: false,
            },
            None => look,
        }
    }

    fn give_up(self: Arc<Self>) {
        let mut state = self.lock();
        if state.reading == Reading::Keeper {
            state.reading = Reading::Nobody;
        }
        state.keeping.listed = false;
        let error = io::Error::other("the transport panicked");
        state.session.handle_end(Some(error));
        // Before the transport is called once more.
        self.changed.notify_all();
        self.settle(state);
    }

    fn fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.transport.fd()
    }
}

impl State {
    /// Puts a deadline off, once.
    fn give_chance(&mut self, now: Instant) -> Look {
        let at = Some(now + LAST_CHANCE);
        self.keeping.chance = Chance::Given;
        self.keeping.watches_input = false;
        self.keeping.watches_output = false;
        self.keeping.look_at = at;
        Look::Again {
            at,
            input: false,
            output: false,
        }
    }

    /// Decides when the keeper looks again.
    fn plan(&mut self, presence: Presence, signal: Signal) -> Look {
        let keeping = &mut self.keeping;
        keeping.watches_input = false;
        keeping.watches_output = false;
        keeping.look_at = None;
        keeping.chance = Chance::Left;
        if self.session.phase() == Phase::Ended {
            self.keeping.listed = false;
            return Look::Done;
        }
        let input = self.is_unread() && presence == Presence::Away;
        let output = self.needs_writer();
        let mut at = self.session.poll_timeout();
        let mut no_later_than = |moment: Instant| {
            at = Some(at.map_or(moment, |at| at.min(moment)));
        };
        let now = self.now();
        if presence == Presence::ComesAndGoes {
            no_later_than(now + self.grace());
        }
        if input && (!self.inbox.is_empty() || signal == Signal::Held) {
            // Others may wait for the lock, and would not get it in between.
            no_later_than(now + NAP);
        }
        if (input || output) && signal == Signal::None {
            no_later_than(now + WITHOUT_FD);
        }
        if !self.session.wants_input() && self.session.phase() == Phase::Open {
            self.set_active(proto::Reading::Paused);
        }
        self.keeping.look_at = at;
        self.keeping.watches_input = input;
        self.keeping.watches_output = output;
        Look::Again { at, input, output }
    }
}

impl<S: Transport> Link<S> {
    /// Whether there is something to read, as far as can be told without reading it.
    fn has_arrived(&self) -> bool {
        let is_readable = |fd| {
            let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
            poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
        };
        self.transport.holds_input() || self.transport.fd().is_some_and(is_readable)
    }

    /// Reads once, without waiting, for an application that is not receiving.
    fn read_ahead<'a>(self: &'a Arc<Self>, mut state: Guard<'a>, buffer: &mut Inbox) -> Guard<'a> {
        let now = state.now();
        let State { session, inbox, .. } = &mut *state;
        // Once a look: others wait for theirs.
        if !inbox.is_empty() {
            session.read_ahead(now, inbox);
        }
        if !inbox.is_empty() || !session.wants_input() {
            return state;
        }
        // The application is elsewhere: its connection owns no buffer meanwhile.
        *inbox = Inbox::new();
        state.set_active(proto::Reading::Active);
        state.reading = Reading::Keeper;
        drop(state);
        let space = buffer.buffer();
        space.reserve(KEEPER_BUFFER);
        let result = self.transport.read(space, Some(Duration::ZERO));
        let mut state = self.lock();
        state.note_held(&self.transport);
        state.reading = Reading::Nobody;
        match result {
            Ok(0) => state.session.handle_end(None),
            Ok(_) => {
                let now = state.now();
                state.session.read_ahead(now, buffer);
                if !buffer.is_empty() {
                    state.inbox = buffer.take_unread();
                }
            }
            Err(error) if is_vain(&error) => {}
            Err(error) => state.session.handle_end(Some(error)),
        }
        state
    }
}
