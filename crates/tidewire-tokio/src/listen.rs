//! Listeners of other makes than tokio's: a long queue, several processes on one port.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use tidewire_tokio::{Server, WebSocket, listen};
//!
//! # async fn echo(_: WebSocket) -> std::io::Result<()> { Ok(()) }
//! // As many may wait as the system allows:
//! let listener = listen::bind(([127, 0, 0, 1], 9001).into())?;
//! // Each of several processes:
//! let shared = listen::reuse_port(([127, 0, 0, 1], 9002).into())?;
//! let mut server = Server::new(listener, echo).listener(shared);
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

/// Listens on an address. As many may wait there to be accepted as the system allows; tokio's own limit is 128. To be
/// called inside a runtime.
///
/// # Errors
/// Where the address cannot be had.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    tcp(tidewire_common::listen::bind(address)?)
}

/// As [`bind`], on an address on which other processes of the same user do so as well (`SO_REUSEPORT`): the system spreads
/// the connections over them. To be called inside a runtime.
///
/// # Errors
/// Where the address cannot be had, for example since a process has it that does not share.
pub fn reuse_port(address: SocketAddr) -> io::Result<TcpListener> {
    tcp(tidewire_common::listen::reuse_port(address)?)
}

fn listener(bound: Bound) -> io::Result<Box<dyn Listener>> {
    match bound {
        Bound::Tcp(listener) => Ok(Box::new(tcp(listener)?)),
        Bound::Unix(listener) => {
            listener.set_nonblocking(true)?;
            Ok(Box::new(UnixListener::from_std(listener)?))
        }
    }
}

fn tcp(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}
