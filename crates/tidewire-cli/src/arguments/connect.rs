use std::path::PathBuf;

use clap::Args;

use super::CompressionArguments;

const EXAMPLES: &str = "\
Examples:
  tidewire connect ws://127.0.0.1:9001
      Sends each line that is typed, prints each message that comes; ^D closes.
  tidewire connect ws://localhost/room --unix /run/tidewire/socket
      The same over a Unix socket, on which the server listens.
  echo hello | tidewire connect ws://127.0.0.1:9001
      Sends one message, closes, and prints what comes until the server has closed as well.

Messages are printed one a line, with control characters escaped; binary ones in hexadecimal.
The exit code is 0 after a clean close, 1 after any other end, 2 where there was no connection.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConnectArguments {
    /// The server, as ws://HOST:PORT/PATH.
    pub(crate) url: String,

    /// Connects over this Unix socket; the request has the URL's host and path all the same.
    #[arg(long, value_name = "PATH")]
    pub(crate) unix: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) compression: CompressionArguments,
}
