//! A server that greets, on tokio: one message in, one message out, and the end.
//!
//! `cargo run -p tidewire-examples --example tokio-greeting-server`, and `tokio-greeting-client` in another terminal.

use std::env;
use std::io;

use tidewire::tokio::{Error, WebSocket, serve};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    // One task for each connection, in which the handler runs.
    serve(listener, greet).await?;
    Ok(())
}

async fn greet(mut ws: WebSocket) -> Result<(), Error> {
    // `None` is a client that says nothing and closes.
    if let Some(name) = ws.recv().await? {
        let name = name.as_text().unwrap_or("whoever speaks in bytes");
        ws.send(format!("Hello, {name}!")).await?;
    }
    // Whoever returns closes the connection, once all has been sent.
    Ok(())
}
