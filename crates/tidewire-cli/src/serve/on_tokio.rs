use std::convert::Infallible;
use std::io;
use std::num::NonZeroUsize;

use tidewire::tokio::{Config, Error, ServerPolicy, WebSocket, serve};
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};

use super::{SHUTDOWN, announce, not_listening, note_end};
use crate::failure::Failure;
use crate::stop::StopSignals;

/// Serves with tasks.
pub(super) fn run(
    address: &str,
    threads: Option<NonZeroUsize>,
    config: Config,
    policy: ServerPolicy,
) -> Result<(), Failure> {
    let runtime = runtime(threads).map_err(|error| Failure::start("tokio's runtime", error))?;
    runtime.block_on(async {
        let mut stop = StopSignals::catch().map_err(|error| Failure::start("signals", error))?;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| not_listening(address, &error))?;
        let bound = listener
            .local_addr()
            .map_err(|error| not_listening(address, &error))?;
        let server = serve(listener, |ws| async {
            note_end(&echo(ws).await);
            Ok::<(), Infallible>(())
        });
        let server = server.config(config).policy(policy);
        let handle = server.handle();
        announce(bound)?;
        let stopping = async {
            stop.received().await;
            handle.shutdown(SHUTDOWN);
        };
        let (ended, ()) = tokio::join!(server.into_future(), stopping);
        ended.map_err(|error| Failure::End(format!("serving ended: {error}")))?;
        Ok(())
    })
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
