//! `tidewire serve`.

mod listening;
mod on_threads;
mod on_tokio;
mod policy;
mod settings;
mod socket_file;
mod users;

use std::time::Duration;

use tidewire::tokio::{Error, Served};
use tracing::{debug, info};

use self::settings::Settings;
use crate::arguments::{Runtime, ServeArguments};
use crate::failure::Failure;

/// How long connections may take to leave once the server is told to stop.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Serves until a signal says stop.
pub(crate) fn run(arguments: &ServeArguments) -> Result<(), Failure> {
    let settings = Settings::gather(arguments)?;
    match (arguments.running.runtime, arguments.running.threads) {
        (Runtime::Tokio, threads) => on_tokio::run(&arguments.listening, threads, settings),
        (Runtime::Blocking, None) => on_threads::run(&arguments.listening, settings),
        (Runtime::Blocking, Some(_)) => Err(Failure::Start(
            "--threads with --runtime blocking, which has a thread for each connection".into(),
        )),
    }
}

/// Takes no offence at how a client leaves: a line of the log for each would be a gift to those who flood it.
fn note_end(ended: &Result<(), Error>) {
    if let Err(error) = ended {
        debug!(error = %error.to_string().escape_debug(), "connection ended");
    }
}

/// Tells how the connections ended that were open at the shutdown.
fn note_shutdown(
    Served {
        finished, aborted, ..
    }: Served,
) {
    info!("{finished} finished, {aborted} aborted");
}
