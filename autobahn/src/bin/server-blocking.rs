//! The testee `server-blocking`: `server-blocking --listen ADDR:PORT` echoes what the suite sends.

use std::env;
use std::error::Error;
use std::net::TcpListener;

use tidewire::blocking::{self as ws, Server, WebSocket};
use tidewire_autobahn::{config, deflate};

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args()
        .nth(2)
        .ok_or("usage: server-blocking --listen ADDR:PORT")?;
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}", listener.local_addr()?);
    Server::new(listener, echo)
        .config(config()?)
        .deflate(deflate().build()?)
        .run()?;
    Ok(())
}

fn echo(mut ws: WebSocket) -> Result<(), ws::Error> {
    while let Some(message) = ws.recv()? {
        ws.send(message)?;
    }
    Ok(())
}
