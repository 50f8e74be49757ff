//! `tidewire serve`.

mod on_threads;
mod on_tokio;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use tidewire::tokio::{Config, Error, Origins, ServerPolicy};
use tracing::debug;

use crate::arguments::{Runtime, ServeArguments};
use crate::failure::Failure;
use crate::{health, page};

/// How long connections may take to leave once the server is told to stop.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Serves until a signal says stop.
pub(crate) fn run(arguments: &ServeArguments) -> Result<(), Failure> {
    let config = config(arguments)?;
    let health = arguments.health.clone();
    let mut policy = ServerPolicy::default().on_request(move |request| {
        let healthy = health.as_deref().and_then(|path| health::answer(path, request));
        healthy.or_else(|| page::answer(request))
    });
    if let Some(deflate) = &arguments.compression.deflate {
        policy = policy.deflate(deflate.clone());
    }
    if !arguments.origin.is_empty() {
        let origins = Origins::new(&arguments.origin).map_err(|error| Failure::start("--origin", error))?;
        policy = policy.origins(origins.or_none());
    }
    match (arguments.runtime, arguments.threads) {
        (Runtime::Tokio, threads) => on_tokio::run(&arguments.listen, threads, config, policy),
        (Runtime::Blocking, None) => on_threads::run(&arguments.listen, config, policy),
        (Runtime::Blocking, Some(_)) => Err(Failure::Start(
            "--threads with --runtime blocking, which has a thread for each connection".into(),
        )),
    }
}

fn config(arguments: &ServeArguments) -> Result<Config, Failure> {
    let mut config = Config::builder();
    if let Some(bytes) = arguments.max_message_size {
        config = config.max_message_size(bytes);
    }
    if arguments.no_keepalive {
        config = config.keepalive(None);
    }
    config
        .build()
        .map_err(|error| Failure::start("configuration", error))
}

/// Says where the server listens; flushed, since whoever started it waits for the line.
fn announce(address: SocketAddr) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on ws://{address}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::start("standard output", error))
}

fn not_listening(address: &str, error: &io::Error) -> Failure {
    Failure::start(format_args!("cannot listen on {address}"), error)
}

/// Takes no offence at how a client leaves: a line of the log for each would be a gift to those who flood it.
fn note_end(ended: &Result<(), Error>) {
    if let Err(error) = ended {
        debug!(error = %error.to_string().escape_debug(), "connection ended");
    }
}
