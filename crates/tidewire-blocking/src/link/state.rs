//! What a connection's lock guards, and what its state asks for.

use std::mem;
use std::net::Shutdown;

use tidewire_common::Session;
use tidewire_common::proto::{self, Fate, Inbox, Instant, Phase};

use super::keeping::Keeping;
use super::reading;
use crate::clock;
use crate::transport::Transport;

pub(crate) struct State {
    pub(crate) session: Session,
    /// Input that no turn has consumed; read from the transport only while it is empty.
    pub(super) inbox: Inbox,
    pub(super) reading: Reading,
    /// The time when it was last asked for: to look at the clock takes as long as much of a short message does.
    pub(super) latest: Instant,
    /// Whether the session knows that input is read.
    pub(super) active: proto::Reading,
    /// How much the receiver reads at once.
    pub(super) read_size: usize,
    pub(super) writing: WriteTurn,
    /// How many bytes the transport has taken.
    pub(super) written: u64,
    /// The transport keeps some of them, which leave before it is to take more.
    pub(super) unflushed: bool,
    /// How many threads wait for a change.
    pub(super) waiting: usize,
    /// How many messages were received; tells the keeper whether the connection's thread comes back.
    pub(super) received: u64,
    pub(crate) sending: Sending,
    pub(crate) owner: Owner,
    pub(crate) halves: Halves,
    /// Writing failed: the transport is shut down, and what had arrived is read to its end.
    pub(super) cut: bool,
    /// Something happened that those who wait have not been told.
    pub(super) news: bool,
    pub(super) ending: Ending,
    pub(super) keeping: Keeping,
}

/// Who reads from the transport.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Nobody,
    Receiver,
    Keeper,
}

/// Whether somebody writes to the transport.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteTurn {
    Free,
    Taken,
}

/// When output leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// Before `send` returns.
    AtOnce,
    /// When no more input waits for the application.
    Corked,
}

/// Whether receiving and sending may happen in different threads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halves {
    Together,
    Apart,
    /// The half that receives was dropped.
    Sending,
}

/// Whether the application has a handle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Handles,
    /// A handler: the connection is closed when that returns.
    Handler,
    Nobody,
}

/// What was done to the transport.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ending {
    Open,
    HalfClosed,
    Down,
}

/// What is to be done once the lock is given up.
pub(super) struct Duties {
    pub(super) shutdown: Option<Shutdown>,
    pub(super) notify: bool,
    pub(super) look_at: Option<Instant>,
}

impl State {
    pub(super) fn new(session: Session, inbox: Inbox) -> Self {
        Self {
            session,
            inbox,
            reading: Reading::Nobody,
            latest: clock::now(),
            active: proto::Reading::Active,
            read_size: reading::BUFFER,
            writing: WriteTurn::Free,
            written: 0,
            unflushed: false,
            waiting: 0,
            received: 0,
            sending: Sending::AtOnce,
            owner: Owner::Handles,
            halves: Halves::Together,
            cut: false,
            news: false,
            ending: Ending::Open,
            keeping: Keeping::default(),
        }
    }

    /// The time.
    pub(super) fn now(&mut self) -> Instant {
        self.latest = clock::now();
        self.latest
    }

    /// Tells the session whether input is read.
    #[inline]
    pub(super) fn set_active(&mut self, active: proto::Reading) {
        if self.active != active {
            self.active = active;
            let now = self.now();
            self.session.handle_reading(now, active);
        }
    }

    /// Whether bytes wait that could be written.
    pub(super) fn can_write(&self) -> bool {
        self.session.phase() != Phase::Ended && (self.session.unsent_len() > 0 || self.unflushed)
    }

    /// Asks the transport what it keeps.
    #[inline]
    pub(super) fn note_held(&mut self, transport: &impl Transport) {
        self.unflushed = !self.cut && transport.holds_output();
    }

    /// Whether bytes wait, and nobody writes them.
    pub(super) fn needs_writer(&self) -> bool {
        self.writing == WriteTurn::Free && self.can_write()
    }

    /// What the present state asks for, each thing once.
    pub(super) fn duties(&mut self) -> Option<Duties> {
        let mut duties = Duties {
            shutdown: None,
            notify: mem::take(&mut self.news) && self.waiting > 0,
            look_at: self.needed_look(),
        };
        let ending = match self.session.fate() {
            Fate::Drop => Ending::Down,
            _ if self.cut => Ending::Down,
            Fate::HalfClose if !self.can_write() => Ending::HalfClosed,
            _ => Ending::Open,
        };
        if ending > self.ending {
            self.ending = ending;
            duties.shutdown = Some(match ending {
                Ending::Down => Shutdown::Both,
                Ending::Open | Ending::HalfClosed => Shutdown::Write,
            });
        }
        let is_some = duties.shutdown.is_some() || duties.notify || duties.look_at.is_some();
        is_some.then_some(duties)
    }
}
