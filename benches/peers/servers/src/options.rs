use clap::{Parser, ValueEnum};

use crate::process;

/// What a server was started for.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether connections begin with a TLS handshake.
    pub tls: bool,
    /// How messages are compressed.
    pub deflate: Deflate,
    /// What is done with messages.
    pub role: Role,
}

/// How messages are compressed: at level 1, if at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Deflate {
    /// Not.
    Off,
    /// Each by itself, in both directions.
    NoTakeover,
    /// With reference to earlier ones, in both directions, with windows of 15 bits.
    Takeover,
}

/// What a server does with messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It sends each back.
    Echo,
    /// It sends each to all connections.
    Broadcast,
    /// It is the client, and sends each back.
    Client {
        /// Where the load listens, on 127.0.0.1.
        port: u16,
        /// How many connections it opens.
        connections: usize,
    },
}

/// What a server can do besides echoing over plain TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Can {
    /// Speak TLS.
    Tls,
    /// Compress without context takeover.
    NoTakeover,
    /// Compress with context takeover.
    Takeover,
    /// Send each message to all.
    Broadcast,
    /// Be the client.
    Client,
}

#[derive(Debug, Parser)]
#[command(about = "A server under test; the runner starts it.")]
struct Arguments {
    /// Speak TLS, with a certificate that nobody signed.
    #[arg(long)]
    tls: bool,

    /// Compress messages with clients that offer it.
    #[arg(long, value_enum, default_value_t = Deflate::Off)]
    deflate: Deflate,

    /// Send each message to all connections.
    #[arg(long, conflicts_with = "connect")]
    broadcast: bool,

    /// Be the client of 127.0.0.1:PORT.
    #[arg(long, value_name = "PORT", requires = "connections")]
    connect: Option<u16>,

    /// How many connections the client opens.
    #[arg(long, value_name = "N", requires = "connect")]
    connections: Option<usize>,
}

impl Options {
    /// Reads the command line, and prepares the process. Ends it where something is wanted that is not in `can`.
    pub fn read(can: &[Can]) -> Self {
        let arguments = Arguments::parse();
        let role = match (arguments.connect, arguments.connections) {
            (Some(port), Some(connections)) => Role::Client { port, connections },
            _ if arguments.broadcast => Role::Broadcast,
            _ => Role::Echo,
        };
        let options = Self {
            tls: arguments.tls,
            deflate: arguments.deflate,
            role,
        };
        for (need, why) in options.needs() {
            if !can.contains(&need) {
                process::unsupported(why);
            }
        }
        process::prepare();
        options
    }

    fn needs(&self) -> impl Iterator<Item = (Can, &'static str)> {
        let tls = self.tls.then_some((Can::Tls, "no TLS"));
        let deflate = match self.deflate {
            Deflate::Off => None,
            Deflate::NoTakeover => Some((Can::NoTakeover, "no compression without context takeover")),
            Deflate::Takeover => Some((Can::Takeover, "no compression with context takeover")),
        };
        let role = match self.role {
            Role::Echo => None,
            Role::Broadcast => Some((Can::Broadcast, "no broadcast")),
            Role::Client { .. } => Some((Can::Client, "no client")),
        };
        [tls, deflate, role].into_iter().flatten()
    }
}
