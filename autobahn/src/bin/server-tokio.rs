//! The testee `server-tokio`: `server-tokio --listen ADDR:PORT` echoes what the suite sends.

use std::env;
use std::error::Error;

use tidewire::tokio::{self as ws, Config, Deflate, WebSocket};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args()
        .nth(2)
        .ok_or("usage: server-tokio --listen ADDR:PORT")?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    // kosoku fails a case at an uncompressed message where compression was agreed on, and at a ping; wstest does not.
    let config = Config::builder().keepalive(None).build()?;
    let deflate = Deflate::builder().everything().build()?;
    ws::serve(listener, echo).config(config).deflate(deflate).await?;
    Ok(())
}

async fn echo(mut ws: WebSocket) -> Result<(), ws::Error> {
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}
