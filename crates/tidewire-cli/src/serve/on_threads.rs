use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::thread;

use tidewire::blocking::{Error, Listener, Server, ServerHandle, WebSocket, listen};
use tokio::runtime;

use super::listening::{Listening, RuntimeListener};
use super::settings::{Settings, with_settings};
use super::{SHUTDOWN, note_end, note_shutdown};
use crate::arguments::ListeningArguments;
use crate::failure::Failure;
use crate::stop::StopSignals;

/// Serves with a thread for each connection.
pub(super) fn run(listening: &ListeningArguments, settings: Settings) -> Result<(), Failure> {
    let Listening {
        first,
        others,
        places,
    } = Listening::<Box<dyn Listener>>::open(listening)?;
    let scheme = settings.scheme();
    let server = Server::new(first, |ws| {
        note_end(&echo(ws));
        Ok::<(), Infallible>(())
    });
    let server = others.into_iter().fold(server, Server::listener);
    let server = with_settings!(server, settings);
    stop_on_signal(server.handle()).map_err(|error| Failure::start("signals", error))?;
    places.announce(scheme)?;
    let ended = server.run();
    drop(places);
    note_shutdown(ended.map_err(|error| Failure::End(format!("serving ended: {error}")))?);
    Ok(())
}

impl RuntimeListener for Box<dyn Listener> {
    fn inherited() -> io::Result<Vec<Self>> {
        listen::inherited()
    }

    fn tcp(listener: TcpListener) -> io::Result<Self> {
        Ok(Box::new(listener))
    }

    fn unix(listener: UnixListener) -> io::Result<Self> {
        Ok(Box::new(listener))
    }

    fn address(&self) -> Option<SocketAddr> {
        self.local_addr()
    }
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
