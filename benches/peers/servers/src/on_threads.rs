//! The frame of a server with a thread for each connection.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::process;

/// The stack of a connection's thread.
const STACK: usize = 64 << 10;

/// Listens on a free port and announces it.
///
/// # Errors
/// If there is none.
pub fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    process::announce(listener.local_addr()?.port())?;
    Ok(listener)
}

/// Gives each connection a thread in which `serve` runs. How it ends is of no interest: the load sees it.
///
/// # Errors
/// If no connection can be accepted, or no thread started.
pub fn accept_each<E: Send>(
    listener: &TcpListener,
    serve: impl Fn(TcpStream) -> Result<(), E> + Copy + Send + 'static,
) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || drop(serve(stream)))?;
    }
}
