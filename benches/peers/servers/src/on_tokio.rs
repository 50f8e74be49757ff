//! The frame of a server on tokio: one thread, a task for each connection.

use std::future::Future;
use std::io;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::process;

/// Runs the server on a runtime of this thread alone.
///
/// # Errors
/// Those of the server.
pub fn run(server: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(server)
}

/// Listens on a free port and announces it.
///
/// # Errors
/// If there is none.
pub async fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    process::announce(listener.local_addr()?.port())?;
    Ok(listener)
}

/// Gives each connection a task in which `serve` runs. How it ends is of no interest: the load sees it.
///
/// # Errors
/// If no connection can be accepted.
pub async fn accept_each<F, E>(listener: TcpListener, serve: impl Fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Send + 'static,
{
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(stream));
    }
}

/// Opens so many connections to the load, each in a task in which `serve` runs, until all have ended.
///
/// # Errors
/// If a connection cannot be opened.
pub async fn connect_each<F, E>(
    port: u16,
    connections: usize,
    serve: impl Fn(TcpStream) -> F,
) -> io::Result<()>
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Send + 'static,
{
    process::announce(0)?;
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        tasks.spawn(serve(stream));
    }
    tasks.join_all().await;
    Ok(())
}
