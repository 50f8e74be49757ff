//! What a connection of the core is made of: its own bytes, and what it owns on the heap, new and after a message.
//!
//! Input and output are lent to it for a turn, and its embedder has one of each for any number of connections: they are
//! not counted here.

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use tidewire_benches::{KEY, text};
use tidewire_proto::deflate::{Context, Contexts, Extension, NoPool, Takeover};
use tidewire_proto::{Client, Config, Connection, Event, Inbox, Instant, Role, SendError, Server};

/// The length of the message that is echoed.
const MESSAGE: usize = 1024;

/// How long nothing happens then.
const REST: Duration = Duration::from_secs(1);

/// How messages that were received in parts are handled.
#[derive(Clone, Copy)]
enum Taking {
    Owned,
    Lent,
}

fn main() -> Result<(), SendError> {
    println!("| connection | its bytes | on its heap: new | idle, messages taken | idle, messages lent |");
    println!("|---|--:|--:|--:|--:|");
    for (name, takeover) in [
        ("plain", None),
        ("deflate, no takeover", Some(Takeover::Forbidden)),
        ("deflate, takeover", Some(Takeover::Allowed)),
    ] {
        let extension = takeover.map(extension);
        let (server, client) = exchange(extension.as_ref(), Taking::Owned)?;
        let (server_lending, client_lending) = exchange(extension.as_ref(), Taking::Lent)?;
        server.print_row("server", name, server_lending.held);
        client.print_row("client", name, client_lending.held);
    }
    Ok(())
}

/// Sends a message of the client to the server and back, and lets both rest.
fn exchange(
    extension: Option<&Extension>,
    taking: Taking,
) -> Result<(Endpoint<Server>, Endpoint<impl Role>), SendError> {
    let mut server = Endpoint::new(Server, extension);
    let mut client = Endpoint::new(Client::new(|| KEY), extension);
    client.act(|connection, inbox, out| {
        let (_, mut tx) = connection.turn(Instant::START, inbox, out);
        tx.message(text(MESSAGE).as_str())
    })?;
    server.receive(&client.out, taking, Reply::Echo)?;
    client.receive(&server.out, taking, Reply::None)?;
    client.rest()?;
    server.rest()?;
    Ok((server, client))
}

/// Codecs are lent for a message; nobody keeps them here.
fn extension(takeover: Takeover) -> Extension {
    let context = Context {
        takeover,
        ..Context::UNLIMITED
    };
    let contexts = Contexts {
        server: context,
        client: context,
    };
    Extension::new(contexts, Arc::new(NoPool))
}

/// A connection, and the bytes that it owns on the heap.
struct Endpoint<R> {
    connection: Connection<R>,
    inbox: Inbox,
    out: Vec<u8>,
    held_new: i64,
    held: i64,
}

/// What is answered.
#[derive(Clone, Copy)]
enum Reply {
    Echo,
    None,
}

impl<R: Role> Endpoint<R> {
    fn new(role: R, extension: Option<&Extension>) -> Self {
        // One for all connections of a server.
        let config = Arc::new(Config::new());
        let mut connection = None;
        let made = measure(|| {
            connection = Some(match extension {
                Some(extension) => Connection::with_deflate(role, config, extension, Instant::START),
                None => Connection::new(role, config, Instant::START),
            });
        });
        Self {
            connection: connection.expect("it was just made"),
            inbox: Inbox::with_capacity(8 * MESSAGE),
            out: Vec::with_capacity(8 * MESSAGE),
            held_new: made.bytes_current,
            held: made.bytes_current,
        }
    }

    /// Does something with the connection, and counts what it keeps of it.
    fn act(
        &mut self,
        act: impl FnOnce(&mut Connection<R>, &mut Inbox, &mut Vec<u8>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        let mut done = Ok(());
        let kept = measure(|| done = act(&mut self.connection, &mut self.inbox, &mut self.out));
        self.held += kept.bytes_current;
        done
    }

    /// Receives a message in two parts, so that it has to be kept in between.
    fn receive(&mut self, arriving: &[u8], taking: Taking, reply: Reply) -> Result<(), SendError> {
        self.out.clear();
        let (first, second) = arriving.split_at(arriving.len() / 2);
        self.act(|connection, inbox, out| {
            for part in [first, second] {
                inbox.extend(part);
                let (mut rx, mut tx) = connection.turn(Instant::START, inbox, out);
                while let Some(event) = rx.next(&mut tx).expect("the peer is one of us") {
                    let Event::Message(message) = event else {
                        continue;
                    };
                    if let Reply::Echo = reply {
                        tx.message(message.as_message())?;
                    }
                    if let Taking::Owned = taking {
                        drop(message.into_owned());
                    }
                }
            }
            Ok(())
        })
    }

    /// Lets time pass.
    fn rest(&mut self) -> Result<(), SendError> {
        self.act(|connection, inbox, out| {
            connection.handle_timeout(Instant::START + REST, out);
            connection.turn(Instant::START + REST, inbox, out);
            Ok(())
        })
    }

    fn print_row(&self, role: &str, name: &str, lending: i64) {
        let (len, new, taking) = (size_of_val(&self.connection), self.held_new, self.held);
        println!("| {role}, {name} | {len} | {new} | {taking} | {lending} |");
    }
}
