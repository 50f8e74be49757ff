//! A server that ends in good order when it is told to, by SIGTERM, on tokio.
//!
//! `cargo run -p tidewire-examples --example tokio-shutdown`, a few clients, and then `kill` with its process's id.

use std::env;
use std::io;
use std::time::Duration;

use tidewire::tokio::{Error, Server, WebSocket};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    // Caught from here on: one that comes before it is waited for is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);

    let server = Server::new(listener, echo);
    let handle = server.handle();
    tokio::spawn(async move {
        terminate.recv().await;
        // Nobody is let in any more. Every client is told 1001, going away, which it may take as the wish that it connect
        // elsewhere; every handler gets `None` from `recv`, and has this long to return.
        handle.shutdown(Duration::from_secs(10));
    });
    let counts = server.await?;
    println!("{} finished, {} aborted", counts.finished, counts.aborted);
    Ok(())
}

async fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    // Here is the time to save what must not be lost.
    Ok(())
}
