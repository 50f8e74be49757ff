use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

/// The variable that says how much is logged, in the syntax of `tracing_subscriber::EnvFilter`.
const VARIABLE: &str = "TIDEWIRE_LOG";

/// What is logged unless the variable says otherwise: refused handshakes, and no line for a connection, a message or the end.
const DEFAULT: &str = "warn,tidewire_common::server=info,tidewire_common::server::handle=warn";

/// Starts logging to standard error; standard output is for what was asked.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
}
