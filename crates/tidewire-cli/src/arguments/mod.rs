mod connect;
mod serve;

use clap::{Args, Parser, Subcommand};
use tidewire::tokio::Deflate;

pub(crate) use self::connect::{ClientTlsArguments, ConnectArguments};
pub(crate) use self::serve::{
    CapArguments, ConnectionArguments, GuestArguments, ListeningArguments, Runtime, ServeArguments,
    TlsArguments,
};
use crate::deflate;

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
    Serve(Box<ServeArguments>),
    /// Connects to a server: lines in, messages out.
    Connect(ConnectArguments),
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Arguments::command().debug_assert();
    }
}
