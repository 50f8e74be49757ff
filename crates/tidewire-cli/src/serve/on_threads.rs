use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::thread;

use tidewire::blocking::{Config, Error, Server, ServerHandle, ServerPolicy, WebSocket};
use tokio::runtime;

use super::{SHUTDOWN, announce, not_listening, note_end};
use crate::failure::Failure;
use crate::stop::StopSignals;

/// Serves with a thread for each connection.
pub(super) fn run(address: &str, config: Config, policy: ServerPolicy) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).map_err(|error| not_listening(address, &error))?;
    let bound = listener
        .local_addr()
        .map_err(|error| not_listening(address, &error))?;
    let server = Server::new(listener, |ws| {
        note_end(&echo(ws));
        Ok::<(), Infallible>(())
    });
    let server = server.config(config).policy(policy);
    stop_on_signal(server.handle()).map_err(|error| Failure::start("signals", error))?;
    announce(bound)?;
    let ended = server.run();
    ended.map_err(|error| Failure::End(format!("serving ended: {error}")))?;
    Ok(())
}

/// Signals are caught before this returns; they are waited for in a thread, on a small runtime of its own.
fn stop_on_signal(handle: ServerHandle) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let mut stop = runtime.block_on(async { StopSignals::catch() })?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(stop.received());
        handle.shutdown(SHUTDOWN);
    })?;
    Ok(())
}

fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv()? {
        ws.send(message)?;
    }
    Ok(())
}
