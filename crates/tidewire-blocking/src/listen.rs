//! Listeners of other makes than the standard library's: a long queue, several processes on one port.
//!
//! ```no_run
//! use tidewire_blocking::{Server, WebSocket, listen};
//!
//! # fn echo(_: WebSocket) -> std::io::Result<()> { Ok(()) }
//! // As many may wait as the system allows:
//! let listener = listen::bind(([127, 0, 0, 1], 9001).into())?;
//! // Each of several processes:
//! let shared = listen::reuse_port(([127, 0, 0, 1], 9002).into())?;
//! let mut server = Server::new(listener, echo).listener(shared);
//! // What systemd handed over, if it did:
//! for listener in listen::inherited()? {
//!     server = server.listener(listener);
//! }
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io;

use tidewire_common::listen::Bound;
pub use tidewire_common::listen::{bind, reuse_port};

use crate::listener::Listener;

/// Takes the listeners that whoever started this process handed over (`LISTEN_FDS`, systemd's socket activation), in their
/// order; none at a second call.
///
/// # Errors
/// For a descriptor that is no listener.
pub fn inherited() -> io::Result<Vec<Box<dyn Listener>>> {
    let bound = tidewire_common::listen::inherited()?.into_iter();
    Ok(bound.map(listener).collect())
}

fn listener(bound: Bound) -> Box<dyn Listener> {
    match bound {
        Bound::Tcp(listener) => Box::new(listener),
        Bound::Unix(listener) => Box::new(listener),
    }
}
