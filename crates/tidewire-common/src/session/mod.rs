/// Runs the same code on the connection of either role.
macro_rules! either {
    ($core:expr, $connection:ident => $body:expr) => {
        match $core {
            Core::Server($connection) => $body,
            Core::Client($connection) => $body,
            #[cfg(feature = "dangerous-raw-frames")]
            Core::Tester($connection) => $body,
        }
    };
}

/// Runs code with a writer of either role.
macro_rules! with_writer {
    ($session:expr, $now:expr, $tx:ident => $body:expr) => {
        $session.output.append(|out| {
            either!(&mut $session.core, connection => {
                let mut $tx = connection.writer($now, out);
                $body
            })
        })
    };
}

mod delivering;
mod direct;
mod frames;
mod output;
mod overflow;
#[cfg(feature = "dangerous-raw-frames")]
mod raw;
mod receiving;
mod sending;
mod socket;

pub use direct::MessageStore;
pub use frames::SLICES;
use output::Output;
pub use socket::Unsent;

use std::fmt;
use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tidewire_proto::{Client, Closed, Connection, Inbox, Instant, Phase, Server};

use crate::config::{Config, Settings};
use crate::error::Error;
use crate::handshake::{ConnectionId, Handshake, Negotiated};
use crate::log;
#[cfg(feature = "dangerous-raw-frames")]
use crate::masks::OwnMasks;
use crate::masks::SystemMasks;
use crate::message::Message;
use crate::metrics::{Metrics, Traffic};
use crate::pings::PingWaiters;
use crate::queue::ReadAhead;

/// One open connection without its socket and its waiting: the core, the queues on both sides of it, and who waits
/// for which ping.
///
/// An adapter tells it what was read ([`next_message`](Self::next_message), [`read_ahead`](Self::read_ahead)), writes
/// what is [unsent](Self::unsent), comes back at [`poll_timeout`](Self::poll_timeout), and treats the socket as
/// [`fate`](Self::fate) says.
pub struct Session {
    core: Core,
    settings: Arc<Settings>,
    output: Output,
    ahead: ReadAhead,
    /// Messages were dropped while closing: none behind them is given, so that none is missing in between.
    gave_up: bool,
    /// Parts of a message that its receiver wants whole after all.
    joining: Option<Box<Message>>,
    pings: PingWaiters,
    /// A message in pieces is being sent, and all other messages wait.
    sending_pieces: bool,
    broken: Option<Arc<io::Error>>,
    traffic: Traffic,
    /// The work of inflating since it was last forgotten, in bytes.
    work: u64,
    /// The end was logged.
    logged: bool,
    handshake: Handshake,
    id: ConnectionId,
}

/// The protocol of either role.
pub(crate) enum Core {
    Server(Connection<Server>),
    Client(Connection<Client<SystemMasks>>),
    /// A client with masking keys of its own. In a box, so that no other connection has room for their source.
    #[cfg(feature = "dangerous-raw-frames")]
    Tester(Box<Connection<Client<OwnMasks>>>),
}

impl Session {
    /// The server's side of a connection; gives what arrived behind the handshake along.
    pub fn server(config: &Config, mut negotiated: Negotiated, now: Instant) -> (Self, Inbox) {
        let extensions = mem::take(&mut negotiated.extensions);
        let core = Core::Server(extensions.connect(Server, config, now));
        Self::new(core, config, negotiated)
    }

    /// The client's side of a connection; gives what arrived behind the handshake along.
    pub fn client(config: &Config, mut negotiated: Negotiated, now: Instant) -> (Self, Inbox) {
        let extensions = mem::take(&mut negotiated.extensions);
        let core = config.settings.masks.connect(extensions, config, now);
        Self::new(core, config, negotiated)
    }

    fn new(core: Core, config: &Config, negotiated: Negotiated) -> (Self, Inbox) {
        let session = Self {
            core,
            settings: config.settings.clone(),
            output: Output::default(),
            ahead: ReadAhead::default(),
            gave_up: false,
            joining: None,
            pings: PingWaiters::default(),
            sending_pieces: false,
            broken: None,
            traffic: Traffic::default(),
            work: 0,
            logged: false,
            handshake: negotiated.handshake,
            id: ConnectionId::next(),
        };
        log::opened(session.id);
        (session, Inbox::from(negotiated.rest))
    }

    /// The connection's name in logs.
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// What the opening handshake said.
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// Where the connection stands.
    #[inline]
    pub fn phase(&self) -> Phase {
        either!(&self.core, connection => connection.phase())
    }

    /// How the connection is being closed, once it is.
    pub fn closed(&self) -> Option<&Closed> {
        either!(&self.core, connection => connection.closed())
    }

    /// The last round trip that a ping measured.
    pub fn latency(&self) -> Option<Duration> {
        either!(&self.core, connection => connection.latency())
    }

    /// What the connection has done so far.
    pub fn metrics(&self) -> Metrics {
        Metrics {
            traffic: self.traffic,
            queued: self.unsent_len(),
            queued_messages: self.output.messages(),
            latency: self.latency(),
            close_code: self.closed().map(Closed::code),
        }
    }

    /// Logs the end of the connection, once, when there is one, and lets go what nobody will write any more.
    #[inline]
    fn note_end(&mut self) {
        if self.has_ended() {
            self.note_end_once();
        }
    }

    #[cold]
    fn note_end_once(&mut self) {
        self.output.let_go();
        if !mem::replace(&mut self.logged, true) {
            let unsent = self.output.messages();
            log::closed(self.id, self.closed(), unsent, self.broken.as_deref());
        }
    }

    /// How the connection ended, once it has: well with 1000, 1001 or no code, otherwise with the error that says
    /// who is at fault.
    #[inline]
    pub fn end(&self) -> Option<Result<(), Error>> {
        if self.has_ended() {
            self.how_it_ended()
        } else {
            None
        }
    }

    /// Whether nothing is left to do.
    #[inline]
    pub fn has_ended(&self) -> bool {
        self.phase() == Phase::Ended
    }

    #[cold]
    fn how_it_ended(&self) -> Option<Result<(), Error>> {
        let closed = self.closed()?;
        Some(match (closed.cause(), &self.broken) {
            (Some(cause), _) => Err(Error::Protocol(cause)),
            (None, _) if closed.is_clean() => match closed.code().as_u16() {
                1000 | 1001 | 1005 => Ok(()),
                _ => Err(Error::Closed(Arc::new(closed.clone()))),
            },
            (None, Some(error)) => Err(Error::Io(error.clone())),
            (None, None) => Err(Error::Closed(Arc::new(closed.clone()))),
        })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("phase", &self.phase())
            .field("unsent", &self.unsent_len())
            .field("read_ahead", &self.ahead.len())
            .finish_non_exhaustive()
    }
}
