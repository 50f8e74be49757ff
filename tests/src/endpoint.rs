//! One connection under virtual time, with its buffers.

use std::time::Duration;

use tidewire_proto::deflate::Extension;
use tidewire_proto::extension::{ReservedBit, Transform};
use tidewire_proto::{
    Answer, Client, CloseCode, Config, Connection, End, Event, Inbox, Instant, Kind, MaskSource, Message,
    ProtocolError, Reading, Role, Server, Writer,
};

use crate::reference::{self, Sender};
use crate::wire::{self, Frame};

/// An event, owned, to be compared and printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A part of a message.
    Chunk(Kind, Vec<u8>, End),
    /// A Ping.
    Ping(Vec<u8>),
    /// A Pong.
    Pong(Vec<u8>, Option<Answer>),
    /// A Close frame.
    Close(Option<(CloseCode, String)>),
    /// The connection failed.
    Failed(ProtocolError),
}

impl From<Event<'_>> for Seen {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Message(message) => match message.as_message() {
                Message::Text(text) => Self::Text(text.into()),
                Message::Binary(bytes) => Self::Binary(bytes.into()),
            },
            Event::Chunk(chunk) => Self::Chunk(chunk.data.kind(), chunk.data.as_bytes().into(), chunk.end),
            Event::Ping(payload) => Self::Ping(payload.into()),
            Event::Pong(pong) => Self::Pong(pong.payload.into(), pong.answer),
            Event::Close(frame) => Self::Close(frame.map(|frame| (frame.code, frame.reason.into()))),
            other => panic!("an event that these tests do not know: {other:?}"),
        }
    }
}

/// Masking keys that are the same in every run, and differ from frame to frame.
#[derive(Clone, Debug, Default)]
pub struct Keys(u32);

impl MaskSource for Keys {
    fn next_key(&mut self) -> [u8; 4] {
        // A Weyl sequence: an odd step visits every key.
        self.0 = self.0.wrapping_add(0x9e37_79b9);
        self.0.to_be_bytes()
    }
}

/// A connection, its time, its input and its output.
#[derive(Debug)]
pub struct Endpoint<R: Role> {
    /// The connection itself.
    pub connection: Connection<R>,
    /// Bytes received that no turn has consumed.
    pub inbox: Inbox,
    /// Bytes to send that have not left.
    pub out: Vec<u8>,
    /// The time.
    pub now: Instant,
}

impl Endpoint<Server> {
    /// A server that was opened at the start of time.
    pub fn server(config: Config) -> Self {
        Self::new(Server, config)
    }
}

impl Endpoint<Client<Keys>> {
    /// A client that was opened at the start of time.
    pub fn client(config: Config) -> Self {
        Self::new(Client::new(Keys::default()), config)
    }
}

impl<R: Role> Endpoint<R> {
    /// An endpoint in this role that was opened at the start of time.
    ///
    /// # Panics
    /// Where the configuration contradicts itself.
    pub fn new(role: R, config: Config) -> Self {
        let config = config.check().expect("tests use configurations that are right");
        Self::over(Connection::new(role, config, Instant::START))
    }

    /// An endpoint in this role that was opened at the start of time, with permessage-deflate.
    pub fn with_deflate(role: R, config: Config, extension: &Extension) -> Self {
        Self::over(Connection::with_deflate(role, config, extension, Instant::START))
    }

    /// The same endpoint with an extension on this bit, too.
    ///
    /// # Panics
    /// Where that cannot be.
    pub fn extended(self, bit: ReservedBit, transform: impl Transform + 'static) -> Self {
        let connection = self.connection.with_extension(bit, Box::new(transform));
        Self::over(connection.expect("a bit that is free"))
    }

    fn over(connection: Connection<R>) -> Self {
        Self {
            connection,
            inbox: Inbox::new(),
            out: Vec::new(),
            now: Instant::START,
        }
    }

    /// Which side this endpoint is.
    pub fn side(&self) -> Sender {
        if R::MASKS { Sender::Client } else { Sender::Server }
    }

    /// Which side its peer is.
    pub fn peer(&self) -> Sender {
        if R::MASKS { Sender::Server } else { Sender::Client }
    }

    /// Takes bytes that the peer sent, in as many turns as that takes; gives what was seen, a failure last.
    pub fn receive_bytes(&mut self, bytes: &[u8]) -> Vec<Seen> {
        self.inbox.extend(bytes);
        let mut seen = Vec::new();
        loop {
            let (mut rx, mut tx) = self.connection.turn(self.now, &mut self.inbox, &mut self.out);
            loop {
                match rx.next(&mut tx) {
                    Ok(Some(event)) => seen.push(event.into()),
                    Ok(None) => break,
                    Err(error) => {
                        seen.push(Seen::Failed(error));
                        return seen;
                    }
                }
            }
            if self.inbox.is_empty() {
                return seen;
            }
        }
    }

    /// Takes frames that the peer sent.
    pub fn receive(&mut self, frames: &[Frame]) -> Vec<Seen> {
        let bytes = wire::stream(frames, self.peer());
        self.receive_bytes(&bytes)
    }

    /// Lets the application write.
    pub fn send<T>(&mut self, write: impl FnOnce(&mut Writer<'_, R>) -> T) -> T {
        let (_, mut tx) = self.connection.turn(self.now, &mut self.inbox, &mut self.out);
        write(&mut tx)
    }

    /// Writes all output and tells the connection so, until there is none.
    pub fn flush(&mut self) -> Vec<u8> {
        let mut flushed = Vec::new();
        while !self.out.is_empty() {
            let written = self.out.len();
            flushed.append(&mut self.out);
            self.connection
                .handle_written(self.now, written, 0, &mut self.out);
        }
        flushed
    }

    /// Writes all output; gives its frames.
    pub fn flush_frames(&mut self) -> Vec<reference::Frame> {
        let side = self.side();
        reference::frames(&self.flush(), side)
    }

    /// Writes `written` bytes of the output and no more.
    ///
    /// # Panics
    /// Where there are not as many.
    pub fn write(&mut self, written: usize) -> Vec<u8> {
        let left: Vec<u8> = self.out.drain(..written).collect();
        let unsent = self.out.len();
        self.connection
            .handle_written(self.now, written, unsent, &mut self.out);
        left
    }

    /// Lets time pass, and handles each deadline when it is due.
    pub fn advance(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(at) = self.connection.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.connection.handle_timeout(self.now, &mut self.out);
        }
        self.now = end;
    }

    /// Tells whether input is being read.
    pub fn reading(&mut self, reading: Reading) {
        self.connection.handle_reading(self.now, reading);
    }

    /// When the next deadline is, from the start.
    pub fn deadline(&self) -> Option<Duration> {
        self.connection.poll_timeout().map(Instant::elapsed_since_start)
    }
}

/// Joins the chunks of each message, which stands where its last chunk was.
///
/// # Panics
/// Where a text is cut inside a character.
pub fn joined(seen: Vec<Seen>) -> Vec<Seen> {
    let mut message = Vec::new();
    let mut joined = Vec::new();
    for seen in seen {
        match seen {
            Seen::Chunk(kind, data, end) => {
                message.extend_from_slice(&data);
                if end == End::Last {
                    joined.push(match kind {
                        Kind::Binary => Seen::Binary(std::mem::take(&mut message)),
                        Kind::Text => Seen::Text(
                            String::from_utf8(std::mem::take(&mut message)).expect("chunks of text are text"),
                        ),
                    });
                }
            }
            other => joined.push(other),
        }
    }
    joined
}
