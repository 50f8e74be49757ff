use std::num::NonZeroUsize;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tidewire::tokio::Deflate;

use crate::{deflate, health};

const AFTER_SERVE: &str = "\
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

const AFTER_CONNECT: &str = "\
Examples:
  tidewire connect ws://127.0.0.1:9001
      Sends each line that is typed, prints each message that comes; ^D closes.
  echo hello | tidewire connect ws://127.0.0.1:9001
      Sends one message, closes, and prints what comes until the server has closed as well.

Messages are printed one a line, with control characters escaped; binary ones in hexadecimal.
The exit code is 0 after a clean close, 1 after any other end, 2 where there was no connection.";

/// WebSocket (RFC 6455) on the command line: an echo server and a client.
#[derive(Debug, Parser)]
#[command(name = "tidewire", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs an echo server.
    Serve(ServeArguments),
    /// Connects to a server: lines in, messages out.
    Connect(ConnectArguments),
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_SERVE)]
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

/// How messages are compressed, on either side.
#[derive(Debug, Args)]
pub(crate) struct CompressionArguments {
    /// Compresses messages (permessage-deflate) where the other side agrees.
    ///
    /// SETTINGS, separated by commas: no-takeover, server-no-takeover, client-no-takeover, window=BITS,
    /// server-window=BITS, client-window=BITS, level=N, threshold=BYTES, everything.
    #[arg(
        long,
        value_name = "SETTINGS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = deflate::parse
    )]
    pub(crate) deflate: Option<Deflate>,
}

/// What runs the connections of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runtime {
    /// Tasks on tokio.
    Tokio,
    /// A thread for each connection.
    Blocking,
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_CONNECT)]
pub(crate) struct ConnectArguments {
    /// The server, as ws://HOST:PORT/PATH.
    pub(crate) url: String,

    #[command(flatten)]
    pub(crate) compression: CompressionArguments,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Arguments::command().debug_assert();
    }
}
