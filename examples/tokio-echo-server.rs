//! An echo server on tokio: `cargo run --example tokio-echo-server -p tidewire-examples -- 127.0.0.1:9001`.

use std::env;
use std::io;

use tidewire::tokio::{Error, WebSocket, serve};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    // One task for each connection, in which the handler runs. It ends when somebody calls `shutdown` on the
    // server's handle, so here never.
    serve(listener, echo).await?;
    Ok(())
}

async fn echo(mut ws: WebSocket) -> Result<(), Error> {
    // `None` is a clean close. Any other end is an error, which the server logs before it goes on.
    while let Some(message) = ws.recv().await? {
        // Queued: what a batch of input produced leaves in one write, when `recv` finds nothing more and waits.
        ws.send(message).await?;
    }
    Ok(())
}
