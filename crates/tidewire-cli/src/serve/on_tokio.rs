use std::convert::Infallible;
use std::io;
use std::net::{self, SocketAddr};
use std::num::NonZeroUsize;
use std::os::unix;

use tidewire::tokio::{Error, Listener, Server, WebSocket, listen};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::{self, Runtime};

use super::listening::{Listening, RuntimeListener};
use super::settings::{Settings, with_settings};
use super::{SHUTDOWN, note_end, note_shutdown};
use crate::arguments::ListeningArguments;
use crate::failure::Failure;
use crate::stop::StopSignals;

/// Serves with tasks.
pub(super) fn run(
    listening: &ListeningArguments,
    threads: Option<NonZeroUsize>,
    settings: Settings,
) -> Result<(), Failure> {
    let runtime = runtime(threads).map_err(|error| Failure::start("tokio's runtime", error))?;
    runtime.block_on(async {
        let mut stop = StopSignals::catch().map_err(|error| Failure::start("signals", error))?;
        let Listening {
            first,
            others,
            places,
        } = Listening::<Box<dyn Listener>>::open(listening)?;
        let scheme = settings.scheme();
        let server = Server::new(first, |ws| async {
            note_end(&echo(ws).await);
            Ok::<(), Infallible>(())
        });
        let server = others.into_iter().fold(server, Server::listener);
        let server = with_settings!(server, settings);
        let handle = server.handle();
        places.announce(scheme)?;
        let stopping = async {
            stop.received().await;
            handle.shutdown(SHUTDOWN);
        };
        let (ended, ()) = tokio::join!(server.into_future(), stopping);
        drop(places);
        note_shutdown(ended.map_err(|error| Failure::End(format!("serving ended: {error}")))?);
        Ok(())
    })
}

impl RuntimeListener for Box<dyn Listener> {
    fn inherited() -> io::Result<Vec<Self>> {
        listen::inherited()
    }

    fn tcp(listener: net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Box::new(TcpListener::from_std(listener)?))
    }

    fn unix(listener: unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Box::new(UnixListener::from_std(listener)?))
    }

    fn address(&self) -> Option<SocketAddr> {
        self.local_addr()
    }
}

/// One thread is tokio's current-thread runtime, which hands no task from thread to thread.
fn runtime(threads: Option<NonZeroUsize>) -> io::Result<Runtime> {
    match threads.map(NonZeroUsize::get) {
        Some(1) => runtime::Builder::new_current_thread().enable_all().build(),
        Some(threads) => runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build(),
        None => runtime::Builder::new_multi_thread().enable_all().build(),
    }
}

async fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}
