use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};

use super::CompressionArguments;
use crate::health;

const EXAMPLES: &str = "\
Examples:
  tidewire serve
      An echo server on 127.0.0.1:9001; open http://127.0.0.1:9001/ in a browser to try it.
  tidewire serve --listen '[::]:80' --threads 1
      On every address of the machine, on one thread.
  tidewire serve --listen 127.0.0.1:0 --runtime blocking
      On a free port, which is printed, with a thread for each connection.
  tidewire serve --deflate=no-takeover,level=6
      Compresses, and keeps no memory for it between two messages.
  tidewire serve --origin https://example.com --origin 'http://localhost:*'
      Refuses pages of other sites.
  tidewire serve --listen \"0.0.0.0:$PORT\" --health /healthz
      On the port that a platform gave, with a path for its health checks.

The log goes to standard error; TIDEWIRE_LOG says how much of it, for example TIDEWIRE_LOG=info.
The server stops on SIGINT and SIGTERM: it closes its connections with 1001, within 5 seconds.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArguments {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9001")]
    pub(crate) listen: String,

    /// Answers GET on this path with 200 and `ok`, for a supervisor or a proxy that asks whether the server serves.
    #[arg(long, value_name = "PATH", value_parser = health::parse)]
    pub(crate) health: Option<String>,

    /// What runs the connections.
    #[arg(long, value_enum, default_value_t = Runtime::Tokio)]
    pub(crate) runtime: Runtime,

    /// How many threads tokio works on [default: the number of cores].
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,

    /// The longest message to take, in bytes [default: 16777216].
    #[arg(long, value_name = "N")]
    pub(crate) max_message_size: Option<usize>,

    /// Sends no pings to silent clients.
    #[arg(long)]
    pub(crate) no_keepalive: bool,

    /// Lets in pages of this origin alone, and clients that are no browsers; may be given several times.
    ///
    /// `https://*.example.com` stands for all names below it, `http://localhost:*` for any port.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Vec<String>,

    #[command(flatten)]
    pub(crate) compression: CompressionArguments,
}

/// What runs the connections of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runtime {
    /// Tasks on tokio.
    Tokio,
    /// A thread for each connection.
    Blocking,
}
