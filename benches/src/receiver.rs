use std::hint::black_box;

use tidewire_proto::{Config, Connection, Event, Inbox, Instant, Server};

/// A server, its input and the bytes that arrive in every round.
#[derive(Debug)]
pub struct Receiver {
    connection: Connection<Server>,
    inbox: Inbox,
    out: Vec<u8>,
    arriving: Vec<u8>,
}

impl Receiver {
    /// A server with room for what arrives.
    pub fn new(arriving: Vec<u8>) -> Self {
        Self {
            connection: Connection::new(Server, Config::new(), Instant::START),
            inbox: Inbox::with_capacity(arriving.len()),
            out: Vec::new(),
            arriving,
        }
    }

    /// Receives everything, and shows each message to `take`.
    ///
    /// Frames are unmasked where they lie, so each round needs its own copy, as from a socket.
    ///
    /// # Panics
    /// Where what arrives breaks a rule.
    pub fn receive(&mut self, mut take: impl FnMut(Event<'_>)) {
        self.inbox.extend(&self.arriving);
        let (mut rx, mut tx) = self
            .connection
            .turn(Instant::START, &mut self.inbox, &mut self.out);
        while let Some(event) = rx.next(&mut tx).expect("the frames are right") {
            take(event);
        }
    }
}

/// Looks at a message where it lies.
pub fn lend(event: Event<'_>) {
    if let Event::Message(message) = event {
        black_box(message.as_message());
    }
}

/// Takes a message as owned.
pub fn own(event: Event<'_>) {
    if let Event::Message(message) = event {
        black_box(message.into_owned());
    }
}
