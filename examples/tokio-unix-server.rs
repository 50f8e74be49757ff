//! An echo server on a Unix socket, on tokio: for a proxy, or for other programs on the same machine.
//!
//! `cargo run -p tidewire-examples --example tokio-unix-server`, and `tokio-unix-client` in another terminal. Both
//! take a path as an argument. Who may connect is who may write to the file: a folder of its own decides that.

use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;

use tidewire::tokio::{Error, WebSocket, serve};
use tokio::net::UnixListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let usual = || env::temp_dir().join("tidewire.sock");
    let path = env::args_os().nth(1).map_or_else(usual, PathBuf::from);
    // The file of a server that has ended is still there, and would keep this one from listening.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    println!("listening on {}", path.display());
    serve(listener, echo).await?;
    Ok(())
}

async fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}
