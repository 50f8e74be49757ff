use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tidewire_common::Traffic;

use crate::control::Control;

/// Looks at a server and shuts it down.
///
/// ```no_run
/// use std::time::Duration;
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let server = tidewire_blocking::Server::new(listener, |ws: tidewire_blocking::WebSocket| ws.send("hello"));
/// let handle = server.handle();
/// println!("serving on {:?}", handle.local_addr());
/// handle.shutdown(Duration::from_secs(5));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct ServerHandle(Arc<Control>);

impl ServerHandle {
    pub(crate) fn new(control: Arc<Control>) -> Self {
        Self(control)
    }

    /// Stops listening, refuses handshakes in progress with 503, closes open connections with 1001, and waits for
    /// the handlers; those that have not returned after `deadline` are aborted, none after [`Duration::MAX`].
    ///
    /// Returns at once: the server's own call ends when all is done, at most a second after the deadline. A handler
    /// that goes on after its connection was aborted keeps its thread.
    pub fn shutdown(&self, deadline: Duration) {
        self.0.shut_down(deadline);
    }

    /// Whether the server takes new connections.
    pub fn is_serving(&self) -> bool {
        self.0.is_serving()
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.0.connections()
    }

    /// What went in and out over all connections, those that have ended and those that are open.
    pub fn traffic(&self) -> Traffic {
        self.0.traffic()
    }

    /// The address that the server listens on.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.0.address()
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle")
            .field("address", &self.0.address())
            .field("connections", &self.connections())
            .field("is_serving", &self.is_serving())
            .finish()
    }
}

/// How the connections ended that were open at a shutdown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// Those whose handler returned in time.
    pub finished: usize,
    /// Those that were aborted at the deadline.
    pub aborted: usize,
}
