//! Listeners of other makes than `bind`'s, for several processes on one port.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use tidewire_tokio::{Server, WebSocket, listen};
//!
//! # async fn echo(_: WebSocket) -> std::io::Result<()> { Ok(()) }
//! // Each of several processes:
//! let listener = listen::reuse_port("127.0.0.1:9001".parse().expect("an address"))?;
//! let mut server = Server::new(listener, echo);
//! // What systemd handed over, if it did:
//! for listener in listen::inherited()? {
//!     server = server.listener(listener);
//! }
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::SocketAddr;

use tidewire_common::listen::Bound;
use tokio::net::{TcpListener, UnixListener};

use crate::listener::Listener;

/// Takes the listeners that whoever started this process handed over (`LISTEN_FDS`, systemd's socket activation), in their
/// order; none at a second call. To be called inside a runtime.
///
/// # Errors
/// For a descriptor that is no listener.
pub fn inherited() -> io::Result<Vec<Box<dyn Listener>>> {
    let bound = tidewire_common::listen::inherited()?.into_iter();
    bound.map(listener).collect()
}

fn listener(bound: Bound) -> io::Result<Box<dyn Listener>> {
    match bound {
        Bound::Tcp(listener) => {
            listener.set_nonblocking(true)?;
            Ok(Box::new(TcpListener::from_std(listener)?))
        }
        Bound::Unix(listener) => {
            listener.set_nonblocking(true)?;
            Ok(Box::new(UnixListener::from_std(listener)?))
        }
    }
}

/// Listens on an address on which other processes of the same user do so as well (`SO_REUSEPORT`): the system spreads the
/// connections over them. To be called inside a runtime.
///
/// # Errors
/// Where the address cannot be had, for example since a process has it that does not share.
pub fn reuse_port(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = tidewire_common::listen::reuse_port(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}
