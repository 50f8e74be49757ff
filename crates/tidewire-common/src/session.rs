use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tidewire_proto::{
    Client, CloseFrame, Closed, Connection, Delivery, End, Event, Fate, Inbox, Instant, Phase, PingId,
    Reading, Role, SendError, Server,
};
use tracing::debug;

use crate::config::{Config, Settings};
use crate::error::Error;
use crate::handshake::{ConnectionId, Handshake, Negotiated};
use crate::log;
use crate::masks::SystemMasks;
use crate::message::Message;
use crate::metrics::{Metrics, Traffic};
use crate::pings::PingWaiters;
use crate::queue::{Chunk, Item, ReadAhead};

/// The most frames that one call handles before it lets others work.
const FRAMES_A_CALL: usize = 64;

/// One open connection without its socket and its waiting: the core, the queues on both sides of it, and who waits
/// for which ping.
///
/// An adapter tells it what was read ([`next_message`](Self::next_message), [`read_ahead`](Self::read_ahead)), writes
/// what is [unsent](Self::unsent), comes back at [`poll_timeout`](Self::poll_timeout), and treats the socket as
/// [`fate`](Self::fate) says.
pub struct Session {
    core: Core,
    settings: Settings,
    /// Output, of which the first `sent` bytes have left.
    out: Vec<u8>,
    sent: usize,
    ahead: ReadAhead,
    /// Parts of a message that its receiver wants whole after all.
    joining: Option<Message>,
    pings: PingWaiters,
    /// A message in pieces is being sent, and all other messages wait.
    sending_pieces: bool,
    broken: Option<Arc<io::Error>>,
    traffic: Traffic,
    handshake: Box<Handshake>,
    id: ConnectionId,
}

enum Core {
    Server(Connection<Server>),
    Client(Connection<Client<SystemMasks>>),
}

/// Runs the same code on the connection of either role.
macro_rules! either {
    ($core:expr, $connection:ident => $body:expr) => {
        match $core {
            Core::Server($connection) => $body,
            Core::Client($connection) => $body,
        }
    };
}

/// Runs code with a writer of either role.
macro_rules! write {
    ($session:expr, $now:expr, $tx:ident => $body:expr) => {
        either!(&mut $session.core, connection => {
            let mut nothing = Inbox::new();
            let (_, mut $tx) = connection.turn($now, &mut nothing, &mut $session.out);
            $body
        })
    };
}

/// Where parsing stopped.
enum Parsed {
    Item(Item),
    /// All input was consumed.
    Drained,
    /// Enough was done for one call; input may be left.
    Enough,
}

impl Session {
    /// The server's side of a connection; gives what arrived behind the handshake along.
    pub fn server(config: &Config, negotiated: Negotiated, now: Instant) -> (Self, Inbox) {
        Self::new(
            Core::Server(Connection::new(Server, config.connection.clone(), now)),
            config,
            negotiated,
        )
    }

    /// The client's side of a connection; gives what arrived behind the handshake along.
    pub fn client(config: &Config, negotiated: Negotiated, now: Instant) -> (Self, Inbox) {
        let role = Client::new(SystemMasks);
        Self::new(
            Core::Client(Connection::new(role, config.connection.clone(), now)),
            config,
            negotiated,
        )
    }

    fn new(core: Core, config: &Config, negotiated: Negotiated) -> (Self, Inbox) {
        let session = Self {
            core,
            settings: config.settings,
            out: Vec::new(),
            sent: 0,
            ahead: ReadAhead::default(),
            joining: None,
            pings: PingWaiters::default(),
            sending_pieces: false,
            broken: None,
            traffic: Traffic::default(),
            handshake: Box::new(negotiated.handshake),
            id: ConnectionId::next(),
        };
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

    // --- receiving

    /// Gives the next whole message: what was read ahead first, then what the inbox holds.
    ///
    /// `None` where more input is needed, or where enough was done for one call and the inbox is not empty.
    pub fn next_message(&mut self, now: Instant, inbox: &mut Inbox) -> Option<Message> {
        loop {
            let item = match self.ahead.pop() {
                Some(item) => item,
                None => {
                    if self.joining.is_none() {
                        self.set_delivery(Delivery::Messages);
                    }
                    self.parse_one(now, inbox)?
                }
            };
            match item {
                Item::Message(message) => return Some(message),
                // Somebody asked for pieces and gave up before the first: they are joined again.
                Item::Chunk(chunk) => {
                    let joined = join(self.joining.take(), chunk.data);
                    match chunk.end {
                        End::Last => return Some(joined),
                        End::More => self.joining = Some(joined),
                    }
                }
            }
        }
    }

    /// Gives the next part of a message: as [`next_message`](Self::next_message), in the pieces that arrive.
    ///
    /// A message that was read ahead whole is one piece.
    pub fn next_chunk(&mut self, now: Instant, inbox: &mut Inbox) -> Option<Chunk> {
        let item = match self.ahead.pop() {
            Some(item) => item,
            None => {
                self.set_delivery(Delivery::Chunks);
                self.parse_one(now, inbox)?
            }
        };
        let mut chunk = match item {
            Item::Message(data) => Chunk { data, end: End::Last },
            Item::Chunk(chunk) => chunk,
        };
        if let Some(begun) = self.joining.take() {
            chunk.data = join(Some(begun), chunk.data);
        }
        Some(chunk)
    }

    /// Skips the rest of a message whose last piece was not taken.
    pub fn skip_chunks(&mut self) {
        while self.ahead.begins_with_chunk() {
            if let Some(Item::Chunk(Chunk { end: End::Last, .. })) = self.ahead.pop() {
                return;
            }
        }
        self.set_delivery(Delivery::Messages);
    }

    /// Takes input for an application that is not receiving: pings are answered, messages are queued up to the
    /// bound. Says whether there may be more to do at once.
    pub fn read_ahead(&mut self, now: Instant, inbox: &mut Inbox) -> bool {
        while self.wants_input() {
            match self.parse(now, inbox) {
                // Who closes has no use for more than was asked for, and must not miss the Close behind it.
                Parsed::Item(_) if self.is_full() => {}
                Parsed::Item(item) => self.ahead.push(item),
                Parsed::Drained => return false,
                Parsed::Enough => return true,
            }
        }
        false
    }

    /// Whether more input is to be read: not while as much as may be was read ahead, and not after the end.
    pub fn wants_input(&self) -> bool {
        match self.phase() {
            Phase::Open => !self.is_full(),
            Phase::Ended => false,
            // What is left of the closing handshake must be seen.
            _ => true,
        }
    }

    /// Whether a message or a piece can be taken without more input.
    pub fn has_items(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Tells whether the adapter reads: while it does not, no answer to a ping is expected.
    pub fn handle_reading(&mut self, now: Instant, reading: Reading) {
        either!(&mut self.core, connection => connection.handle_reading(now, reading));
    }

    fn is_full(&self) -> bool {
        self.ahead.len() >= self.settings.read_ahead_messages
            || self.ahead.bytes() >= self.settings.read_ahead_bytes
    }

    fn set_delivery(&mut self, delivery: Delivery) {
        either!(&mut self.core, connection => connection.set_delivery(delivery));
    }

    fn parse_one(&mut self, now: Instant, inbox: &mut Inbox) -> Option<Item> {
        match self.parse(now, inbox) {
            Parsed::Item(item) => Some(item),
            Parsed::Drained | Parsed::Enough => None,
        }
    }

    fn parse(&mut self, now: Instant, inbox: &mut Inbox) -> Parsed {
        let before = inbox.unread().len();
        let Self {
            core, out, pings, id, ..
        } = self;
        let parsed = either!(core, connection => parse(connection, now, inbox, out, pings, *id));
        self.traffic.bytes_received += (before - inbox.unread().len()) as u64;
        if let Parsed::Item(item) = &parsed {
            self.note_received(item);
        }
        parsed
    }

    fn note_received(&mut self, item: &Item) {
        let (data, end) = match item {
            Item::Message(message) => (message, End::Last),
            Item::Chunk(chunk) => (&chunk.data, chunk.end),
        };
        self.traffic.payload_received += data.len() as u64;
        if end == End::Last {
            self.traffic.messages_received += 1;
            // One message at a time is received in pieces.
            self.set_delivery(Delivery::Messages);
        }
        log::received(self.id, log::kind(data.kind()), data.as_bytes());
    }

    fn note_sent(&mut self, data: &Message, end: End) {
        self.traffic.payload_sent += data.len() as u64;
        if end == End::Last {
            self.traffic.messages_sent += 1;
        }
        log::sent(self.id, log::kind(data.kind()), data.as_bytes());
    }

    // --- sending

    /// Whether a message may be queued now: below the high-water mark, and with no message in pieces open.
    pub fn has_room(&self) -> bool {
        !self.sending_pieces && self.is_below_high_water()
    }

    /// Whether the output is below the high-water mark.
    pub fn is_below_high_water(&self) -> bool {
        self.unsent().len() < self.settings.write_queue
    }

    /// Queues a message; whether there is [room](Self::has_room) is for the caller to ask.
    ///
    /// # Errors
    /// The end of the connection, or [`SendError::Closed`] once closing began.
    pub fn send(&mut self, now: Instant, message: &Message) -> Result<(), Error> {
        self.check_end()?;
        write!(self, now, tx => tx.message(message.as_proto()))?;
        self.note_sent(message, End::Last);
        Ok(())
    }

    /// Opens a message in pieces: other messages wait for its end.
    pub fn begin_pieces(&mut self) {
        self.sending_pieces = true;
    }

    /// Queues a piece of the open message.
    ///
    /// # Errors
    /// As for [`send`](Self::send), and [`SendError::FragmentKind`] for a piece of the other type.
    pub fn send_piece(&mut self, now: Instant, piece: &Message, end: End) -> Result<(), Error> {
        self.check_end()?;
        if end == End::Last {
            self.sending_pieces = false;
        }
        write!(self, now, tx => tx.fragment(piece.as_proto(), end))?;
        self.note_sent(piece, end);
        Ok(())
    }

    /// Ends a message in pieces that its sender dropped: the connection is closed with 1011, since the peer would
    /// take the pieces for a whole message.
    pub fn abandon_pieces(&mut self, now: Instant) {
        self.sending_pieces = false;
        // Where closing has begun already, that is the end of it, too.
        let _ = self.close(now, Some(CloseFrame::new(1011, "message abandoned")));
    }

    /// Queues a Ping; its answer is [taken](Self::take_pong) by the name given.
    ///
    /// # Errors
    /// As for [`send`](Self::send), [`SendError::LongControl`] and [`SendError::TooManyPings`].
    pub fn ping(&mut self, now: Instant, payload: Option<&[u8]>) -> Result<PingId, Error> {
        self.check_end()?;
        let id = write!(self, now, tx => match payload {
            Some(payload) => tx.ping_with(payload),
            None => tx.ping(),
        })?;
        self.pings.add(id, now);
        Ok(id)
    }

    /// Takes the round trip of a ping, once it was answered.
    pub fn take_pong(&mut self, id: PingId) -> Option<Duration> {
        self.pings.take(id)
    }

    /// Forgets a ping that nobody waits for any more.
    pub fn forget_ping(&mut self, id: PingId) {
        self.pings.forget(id);
    }

    /// Queues a Pong that nobody asked for.
    ///
    /// # Errors
    /// As for [`send`](Self::send), and [`SendError::LongControl`].
    pub fn pong(&mut self, now: Instant, payload: &[u8]) -> Result<(), Error> {
        self.check_end()?;
        Ok(write!(self, now, tx => tx.pong(payload))?)
    }

    /// Queues a Close and starts the closing handshake; does nothing where it has begun.
    ///
    /// # Errors
    /// [`SendError::CloseCode`] and [`SendError::LongReason`] for a frame that may not be sent.
    pub fn close(&mut self, now: Instant, frame: Option<CloseFrame<'_>>) -> Result<(), SendError> {
        self.sending_pieces = false;
        match write!(self, now, tx => tx.close(frame)) {
            Err(SendError::Closed) => Ok(()),
            result => result,
        }
    }

    /// Fails once the connection has ended: with the error it ended with, after a good end as after any Close.
    fn check_end(&self) -> Result<(), Error> {
        if let Some(error) = &self.broken {
            return Err(Error::Io(error.clone()));
        }
        self.end()
            .map_or(Ok(()), |end| end.and(Err(Error::Send(SendError::Closed))))
    }

    // --- the socket

    /// The output that has not left; none any more once writing has failed.
    pub fn unsent(&self) -> &[u8] {
        match self.broken {
            None => self.out.get(self.sent..).unwrap_or_default(),
            Some(_) => &[],
        }
    }

    /// Tells that the first `written` of the unsent bytes have left; to be told after each attempt, a vain one too.
    pub fn handle_written(&mut self, now: Instant, written: usize) {
        self.sent += written;
        self.traffic.bytes_sent += written as u64;
        let unsent = self.unsent().len();
        if unsent == 0 {
            self.sent = 0;
            // An idle connection owns no output buffer: getting one costs less than keeping it.
            self.out = Vec::new();
        }
        either!(&mut self.core, connection => connection.handle_written(now, written, unsent, &mut self.out));
    }

    /// Tells that writing failed: what waits is dropped, and what was received before can still be read.
    pub fn handle_write_error(&mut self, error: io::Error) {
        self.broken.get_or_insert(Arc::new(error));
        self.out = Vec::new();
        self.sent = 0;
    }

    /// Tells that the transport ended, or that reading failed.
    pub fn handle_end(&mut self, error: Option<io::Error>) {
        if let Some(error) = error {
            self.broken.get_or_insert(Arc::new(error));
        }
        either!(&mut self.core, connection => connection.handle_end());
    }

    /// What to do with the socket, once all output has left.
    pub fn fate(&self) -> Fate {
        either!(&self.core, connection => connection.fate())
    }

    /// The moment at which [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        either!(&self.core, connection => connection.poll_timeout())
    }

    /// Does what the deadlines up to `now` ask for.
    pub fn handle_timeout(&mut self, now: Instant) {
        either!(&mut self.core, connection => connection.handle_timeout(now, &mut self.out));
    }

    // --- state

    /// Where the connection stands.
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
            queued: self.unsent().len(),
            latency: self.latency(),
            close_code: self.closed().map(Closed::code),
        }
    }

    /// How the connection ended, once it has: well with 1000, 1001 or no code, otherwise with the error that says
    /// who is at fault.
    pub fn end(&self) -> Option<Result<(), Error>> {
        if self.phase() != Phase::Ended {
            return None;
        }
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

/// Handles input up to the next item, or as much as one call may.
fn parse<R: Role>(
    connection: &mut Connection<R>,
    now: Instant,
    inbox: &mut Inbox,
    out: &mut Vec<u8>,
    pings: &mut PingWaiters,
    id: ConnectionId,
) -> Parsed {
    let (mut rx, mut tx) = connection.turn(now, inbox, out);
    for _ in 0..FRAMES_A_CALL {
        match rx.next(&mut tx) {
            Ok(Some(Event::Message(message))) => {
                return Parsed::Item(Item::Message(message.into_owned().into()));
            }
            Ok(Some(Event::Chunk(chunk))) => {
                return Parsed::Item(Item::Chunk(Chunk {
                    data: chunk.data.into(),
                    end: chunk.end,
                }));
            }
            Ok(Some(Event::Pong(pong))) => {
                log::received(id, "pong", pong.payload);
                if let Some(answer) = pong.answer {
                    pings.answer(now, answer);
                }
            }
            Ok(Some(Event::Ping(payload))) => log::received(id, "ping", payload),
            Ok(Some(Event::Close(frame))) => {
                let (code, reason) =
                    frame.map_or((None, ""), |frame| (Some(frame.code.as_u16()), frame.reason));
                debug!(connection = %id, code, reason = %reason.escape_debug(), "received close");
            }
            Ok(Some(_)) => {}
            // A failure is the end of the connection, which `Session::end` reports.
            Ok(None) | Err(_) => return Parsed::Drained,
        }
    }
    Parsed::Enough
}

/// Appends a piece to those before it; both are of one message, so of one type.
fn join(begun: Option<Message>, piece: Message) -> Message {
    match (begun, piece) {
        (None, piece) => piece,
        (Some(Message::Text(mut text)), Message::Text(piece)) => {
            text.push_str(&piece);
            Message::Text(text)
        }
        (Some(begun), piece) => {
            let mut bytes = Vec::from(begun.into_bytes());
            bytes.extend_from_slice(piece.as_bytes());
            Message::Binary(bytes.into())
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("phase", &self.phase())
            .field("unsent", &self.unsent().len())
            .field("read_ahead", &self.ahead.len())
            .finish_non_exhaustive()
    }
}
