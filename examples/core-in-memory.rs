//! A client and a server on the core alone, joined in memory: no socket, no clock, no thread.
//!
//! `cargo run --example core-in-memory -p tidewire-examples`. This is how a protocol built on WebSocket is tested,
//! too: an hour of silence takes a microsecond.

use std::error::Error;
use std::time::Duration;

use tidewire::proto::{Client, CloseFrame, Config, Connection, Event, Inbox, Instant, Role, Server};

/// An endpoint, and what it has to say.
struct Endpoint<R> {
    name: &'static str,
    connection: Connection<R>,
    out: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut now = Instant::START;
    // The random bytes of masking keys come from outside the core, as everything does.
    let mut client = Endpoint::new("client", Client::new(rand::random::<[u8; 4]>), now);
    let mut server = Endpoint::new("server", Server, now);

    let mut inbox = Inbox::new();
    let (_, mut tx) = client.connection.turn(now, &mut inbox, &mut client.out);
    tx.message("hello")?;
    exchange(&mut client, &mut server, now)?;

    // Nobody speaks, so at some time both want to know whether the other still lives.
    now = now + Duration::from_secs(3600);
    client.connection.handle_timeout(now, &mut client.out);
    exchange(&mut client, &mut server, now)?;

    let (_, mut tx) = client.connection.turn(now, &mut inbox, &mut client.out);
    tx.close(CloseFrame::new(1000, "bye"))?;
    exchange(&mut client, &mut server, now)?;
    let closed = client.connection.closed().ok_or("the connection is still open")?;
    println!("client: clean {}", closed.is_clean());
    Ok(())
}

/// Carries bytes both ways until there are none.
fn exchange<M: Role>(
    client: &mut Endpoint<M>,
    server: &mut Endpoint<Server>,
    now: Instant,
) -> Result<(), Box<dyn Error>> {
    while !(client.out.is_empty() && server.out.is_empty()) {
        server.receive(client.send(now), now)?;
        client.receive(server.send(now), now)?;
    }
    Ok(())
}

impl<R: Role> Endpoint<R> {
    fn new(name: &'static str, role: R, now: Instant) -> Self {
        let connection = Connection::new(role, Config::new(), now);
        let out = Vec::new();
        Self {
            name,
            connection,
            out,
        }
    }

    /// Takes the output, and tells the connection that it left: only then does the clock of a ping start.
    fn send(&mut self, now: Instant) -> Inbox {
        let sent = std::mem::take(&mut self.out);
        self.connection.handle_written(now, sent.len(), 0, &mut self.out);
        sent.into()
    }

    fn receive(&mut self, mut inbox: Inbox, now: Instant) -> Result<(), Box<dyn Error>> {
        let (mut rx, mut tx) = self.connection.turn(now, &mut inbox, &mut self.out);
        while let Some(event) = rx.next(&mut tx)? {
            println!("{}: {event:?}", self.name);
            if let Event::Message(message) = event
                && self.name == "server"
            {
                tx.message(message)?;
            }
        }
        Ok(())
    }
}
