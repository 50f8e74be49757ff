//! An echo server on a Unix socket, on plain threads: for a proxy, or for other programs on the same machine.
//!
//! `cargo run -p tidewire-examples --example blocking-unix-server -- /tmp/tidewire.sock`, and `blocking-unix-client` in
//! another terminal. Who may connect is who may write to the file: a folder of its own decides that.

use std::env;
use std::fs;
use std::io;
use std::os::unix::net::UnixListener;

use tidewire::blocking::{Error, WebSocket, serve};

fn main() -> io::Result<()> {
    let path = env::args().nth(1).unwrap_or_else(|| "/tmp/tidewire.sock".into());
    // The file of a server that has ended is still there, and would keep this one from listening.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    serve(listener, echo)?;
    Ok(())
}

fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv()? {
        ws.send(message)?;
    }
    Ok(())
}
