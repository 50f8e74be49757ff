use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tidewire::tokio::ProxyProtocol;

use super::CompressionArguments;
use crate::{health, proxy_protocol};

const EXAMPLES: &str = "\
Examples:
  tidewire serve
      An echo server on 127.0.0.1:9001; open http://127.0.0.1:9001/ in a browser to try it.
  tidewire serve --listen '[::]:80' --threads 1
      On every address of the machine, on one thread.
  tidewire serve --listen 127.0.0.1:0 --runtime blocking
      On a free port, which is printed, with a thread for each connection.
  tidewire serve --listen '[::]:443' --tls-certificate site.pem --tls-key site.key
      For wss://, without a proxy in front.
  tidewire serve --unix /run/tidewire/socket --proxy-protocol
      For a proxy on the same machine, which says by PROXY headers whose the connections are.
  tidewire serve --origin https://example.com --origin 'http://localhost:*'
      Refuses pages of other sites.
  tidewire serve --max-connections 10000 --max-connections-per-address 50
      Refuses the next one with 503.
  tidewire serve --deflate=no-takeover,level=6
      Compresses, and keeps no memory for it between two messages.
  tidewire serve --listen \"0.0.0.0:$PORT\" --health /healthz
      On the port that a platform gave, with a path for its health checks.

The log goes to standard error; TIDEWIRE_LOG says how much of it, for example TIDEWIRE_LOG=info.
The server stops on SIGINT and SIGTERM: it closes its connections with 1001, within 5 seconds.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) listening: ListeningArguments,

    #[command(flatten)]
    pub(crate) tls: TlsArguments,

    #[command(flatten)]
    pub(crate) guests: GuestArguments,

    #[command(flatten)]
    pub(crate) caps: CapArguments,

    #[command(flatten)]
    pub(crate) connections: ConnectionArguments,

    #[command(flatten, next_help_heading = "Connections")]
    pub(crate) compression: CompressionArguments,

    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

/// Where connections come from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where it listens")]
pub(crate) struct ListeningArguments {
    /// The address to listen on; port 0 takes a free one; may be given several times.
    ///
    /// Without an address, a path or a listener that was handed over (systemd's socket activation), it is 127.0.0.1:9001.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Vec<String>,

    /// The path of a Unix socket to listen on; may be given several times.
    ///
    /// A socket that is there and on which nobody listens is replaced. The file is removed at the end.
    #[arg(long, value_name = "PATH")]
    pub(crate) unix: Vec<PathBuf>,

    /// Shares the addresses with other processes of the same user that do so, too: the system spreads the connections.
    #[arg(long)]
    pub(crate) reuse_port: bool,

    /// Expects a PROXY header (version 1 or 2) in front of each connection, or of those from NETWORKS alone.
    ///
    /// NETWORKS, separated by commas: `10.0.0.0/8` or `::1`. Who may send a header can name any address as the client's.
    #[arg(
        long,
        value_name = "NETWORKS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = proxy_protocol::EVERYBODY,
        value_parser = proxy_protocol::parse
    )]
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
}

/// With what a server speaks TLS.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS, on all listeners")]
pub(crate) struct TlsArguments {
    /// The certificate, and those that lead from it to a root, as PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_certificate: Option<PathBuf>,

    /// Its private key without a passphrase, as PEM; may be in the same file.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
}

/// What is wanted of clients.
#[derive(Debug, Args)]
#[command(next_help_heading = "Who may connect")]
pub(crate) struct GuestArguments {
    /// Lets in pages of this origin alone, and clients that are no browsers; may be given several times.
    ///
    /// `https://*.example.com` stands for all names below it, `http://localhost:*` for any port.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Vec<String>,

    /// Lets in the users of this file alone, each a line USER:PASSWORD (HTTP Basic).
    ///
    /// Passwords cross the network as they are: use TLS, here or in front.
    #[arg(long, value_name = "FILE")]
    pub(crate) basic_auth: Option<PathBuf>,

    /// What browsers call the place that asks for a password [default: tidewire].
    #[arg(long, value_name = "TEXT")]
    pub(crate) realm: Option<String>,

    /// Lets in clients that offer this subprotocol alone; may be given several times, the favourite first.
    #[arg(long, value_name = "NAME")]
    pub(crate) subprotocol: Vec<String>,
}

/// How many clients there may be at a time.
#[derive(Debug, Args)]
#[command(next_help_heading = "How many may connect at a time; others get 503")]
pub(crate) struct CapArguments {
    /// The most connections [default: any number].
    #[arg(long = "max-connections", value_name = "N")]
    pub(crate) connections: Option<NonZeroUsize>,

    /// The most connections from an IPv4 address, or an IPv6 network of 64 bits [default: any number].
    #[arg(long = "max-connections-per-address", value_name = "N")]
    pub(crate) per_address: Option<NonZeroUsize>,

    /// The most connections that are in their opening handshake [default: any number].
    #[arg(long = "max-handshakes", value_name = "N")]
    pub(crate) handshakes: Option<NonZeroUsize>,
}

/// How connections are served.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connections")]
pub(crate) struct ConnectionArguments {
    /// The longest message to take, in bytes [default: 16777216].
    #[arg(long, value_name = "N")]
    pub(crate) max_message_size: Option<usize>,

    /// Sends no pings to silent clients.
    #[arg(long)]
    pub(crate) no_keepalive: bool,
}

/// How the server is run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Running")]
pub(crate) struct RunningArguments {
    /// Answers GET on this path with 200 and `ok`, for a supervisor or a proxy that asks whether the server serves.
    #[arg(long, value_name = "PATH", value_parser = health::parse)]
    pub(crate) health: Option<String>,

    /// What runs the connections.
    #[arg(long, value_enum, default_value_t = Runtime::Tokio)]
    pub(crate) runtime: Runtime,

    /// How many threads tokio works on [default: the number of cores].
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
}

/// What runs the connections of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runtime {
    /// Tasks on tokio.
    Tokio,
    /// A thread for each connection.
    Blocking,
}
