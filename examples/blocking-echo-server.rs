//! An echo server on plain threads: `cargo run --example blocking-echo-server -p tidewire-examples -- 127.0.0.1:9001`.

use std::env;
use std::io;
use std::net::TcpListener;

use tidewire::blocking::{Error, WebSocket, serve};

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}", listener.local_addr()?);
    // One thread for each connection, in which the handler runs. It ends when somebody calls `shutdown` on the
    // handle of a `Server`, so here never.
    serve(listener, echo)?;
    Ok(())
}

fn echo(mut ws: WebSocket) -> Result<(), Error> {
    // `None` is a clean close. Any other end is an error, which the server logs before it goes on.
    while let Some(message) = ws.recv()? {
        ws.send(message)?;
    }
    Ok(())
}
