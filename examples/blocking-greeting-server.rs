//! A server that greets, on plain threads: one message in, one message out, and the end.
//!
//! `cargo run -p tidewire-examples --example blocking-greeting-server`, and `blocking-greeting-client` in another
//! terminal.

use std::env;
use std::io;
use std::net::TcpListener;

use tidewire::blocking::{Error, WebSocket, serve};

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}", listener.local_addr()?);
    // One thread for each connection, in which the handler runs.
    serve(listener, greet)?;
    Ok(())
}

fn greet(mut ws: WebSocket) -> Result<(), Error> {
    // `None` is a client that says nothing and closes.
    if let Some(name) = ws.recv()? {
        let name = name.as_text().unwrap_or("whoever speaks in bytes");
        ws.send(format!("Hello, {name}!"))?;
    }
    // Whoever returns closes the connection, once all has been sent.
    Ok(())
}
