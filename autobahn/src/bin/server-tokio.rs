//! The testee `server-tokio`: `server-tokio --listen ADDR:PORT` echoes what the suite sends.

use std::env;
use std::error::Error;

use tidewire::tokio::{self as ws, WebSocket};
use tidewire_autobahn::{config, deflate};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args()
        .nth(2)
        .ok_or("usage: server-tokio --listen ADDR:PORT")?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    ws::serve(listener, echo)
        .config(config()?)
        .deflate(deflate().build()?)
        .await?;
    Ok(())
}

async fn echo(mut ws: WebSocket) -> Result<(), ws::Error> {
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}
