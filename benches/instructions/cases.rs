use std::fmt;
use std::hint::black_box;

use tidewire_benches::{KEY, Receiver, bytes, from_client, lend, own, text};
use tidewire_proto::frame::Opcode;
use tidewire_proto::{Client, Config, Connection, Inbox, Instant, Kind, Role, Server};

/// One message of a size, through the reader or the writer.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    part: Part,
    len: usize,
}

#[derive(Clone, Copy)]
enum Part {
    /// A server copies a masked frame into its inbox, as from a socket, and receives the message.
    Reader(Kind, Taking),
    /// A message is appended to an output that has room.
    Writer(Sender),
}

/// How the application takes a message.
#[derive(Clone, Copy)]
enum Taking {
    Lent,
    Owned,
}

#[derive(Clone, Copy)]
enum Sender {
    Server,
    Client,
}

const PARTS: [Part; 6] = [
    Part::Reader(Kind::Binary, Taking::Lent),
    Part::Reader(Kind::Binary, Taking::Owned),
    Part::Reader(Kind::Text, Taking::Lent),
    Part::Reader(Kind::Text, Taking::Owned),
    Part::Writer(Sender::Server),
    Part::Writer(Sender::Client),
];

impl Case {
    pub(crate) fn all() -> Vec<Self> {
        PARTS
            .into_iter()
            .flat_map(|part| [16, 1024, 64 * 1024].map(|len| Self { part, len }))
            .collect()
    }

    /// Handles this many messages.
    pub(crate) fn perform(self, rounds: u32) {
        match self.part {
            Part::Reader(kind, taking) => {
                let frame = match kind {
                    Kind::Text => from_client(Opcode::Text, text(self.len).as_bytes()),
                    Kind::Binary => from_client(Opcode::Binary, &bytes(self.len)),
                };
                let mut receiver = Receiver::new(frame);
                for _ in 0..rounds {
                    match taking {
                        Taking::Lent => receiver.receive(lend),
                        Taking::Owned => receiver.receive(own),
                    }
                }
            }
            Part::Writer(Sender::Server) => write(Server, self.len, rounds),
            Part::Writer(Sender::Client) => write(Client::new(|| black_box(KEY)), self.len, rounds),
        }
    }
}

fn write<R: Role>(role: R, len: usize, rounds: u32) {
    let mut connection = Connection::new(role, Config::new(), Instant::START);
    let (mut inbox, mut out) = (Inbox::new(), Vec::with_capacity(len + 64));
    let payload = bytes(len);
    for _ in 0..rounds {
        out.clear();
        let (_, mut tx) = connection.turn(Instant::START, &mut inbox, &mut out);
        tx.message(black_box(&*payload)).expect("the connection is open");
        black_box(&out);
    }
}

/// Its name.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Reader(Kind::Text, Taking::Lent) => "reader, text lent",
            Part::Reader(Kind::Text, Taking::Owned) => "reader, text owned",
            Part::Reader(Kind::Binary, Taking::Lent) => "reader, binary lent",
            Part::Reader(Kind::Binary, Taking::Owned) => "reader, binary owned",
            Part::Writer(Sender::Server) => "writer, server",
            Part::Writer(Sender::Client) => "writer, client",
        };
        match self.len {
            0..1024 => write!(f, "{part}, {} B", self.len),
            1024.. => write!(f, "{part}, {} KiB", self.len / 1024),
        }
    }
}
