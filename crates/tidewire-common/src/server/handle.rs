use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tidewire_proto::{CloseCode, SendError};
use tracing::info;

use super::standing::Farewell;
use crate::metrics::ServerMetrics;

/// Looks at a server and shuts it down, from anywhere; cheap to clone.
pub struct ServerHandle<C>(Arc<C>);

/// What an adapter's server lets its handles do.
pub trait ServerControl {
    /// The half of a connection that sends.
    type Sender;

    /// Takes no more connections, from now on; tells whether that is new.
    fn stop_listening(&self) -> bool;

    /// Starts the shutdown, once; tells whether that is new.
    fn shut_down(&self, deadline: Duration, farewell: Farewell) -> bool;

    /// Whether it takes connections.
    fn is_serving(&self) -> bool;

    /// How many connections are open.
    fn connections(&self) -> usize;

    /// One for each of them.
    fn senders(&self) -> Vec<Self::Sender>;

    /// What it and all its connections, ended and open, did.
    fn metrics(&self) -> ServerMetrics;

    /// Where the server listens.
    fn addresses(&self) -> Vec<SocketAddr>;
}

impl<C: ServerControl> ServerHandle<C> {
    /// A handle of the server that `control` belongs to.
    pub fn new(control: Arc<C>) -> Self {
        Self(control)
    }

    /// Stops listening, refuses handshakes in progress and those who wait to be accepted with 503 (without a word while that
    /// would first take a handshake of TLS), closes open connections with 1001, and waits for the handlers; those that
    /// have not returned after `deadline` are aborted.
    ///
    /// Returns at once: the server itself ends when all is done, at most a second after the deadline. A second shutdown
    /// changes nothing.
    pub fn shutdown(&self, deadline: Duration) {
        self.shut_down(deadline, Farewell::default());
    }

    /// Does what [`shutdown`](Self::shutdown) does, and closes open connections with this code and reason: 1012, for example,
    /// where the server comes back.
    ///
    /// # Errors
    /// [`SendError`] for a code or a reason that may not be sent; the server goes on.
    pub fn shutdown_with(
        &self,
        deadline: Duration,
        code: impl Into<CloseCode>,
        reason: &str,
    ) -> Result<(), SendError> {
        let farewell = Farewell::new(code.into(), reason)?;
        self.shut_down(deadline, farewell);
        Ok(())
    }

    fn shut_down(&self, deadline: Duration, farewell: Farewell) {
        let connections = self.connections();
        if self.0.shut_down(deadline, farewell) {
            info!(connections, "shutting down");
        }
    }

    /// Stops listening and refuses with 503 as a [`shutdown`](Self::shutdown) does. Open connections go on, and the server
    /// ends with the last of them; a shutdown may still follow.
    pub fn stop_listening(&self) {
        let connections = self.connections();
        if self.0.stop_listening() {
            info!(connections, "no longer listening");
        }
    }

    /// Whether the server takes new connections.
    pub fn is_serving(&self) -> bool {
        self.0.is_serving()
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.0.connections()
    }

    /// The half that sends of each open connection: to tell all of them something.
    pub fn senders(&self) -> Vec<C::Sender> {
        self.0.senders()
    }

    /// What the server has done so far. Each open connection is asked, so this takes longer the more there are.
    pub fn metrics(&self) -> ServerMetrics {
        self.0.metrics()
    }

    /// The first internet address that the server listens on.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addrs().first().copied()
    }

    /// The internet addresses that the server listens on.
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.0.addresses()
    }
}

impl<C> Clone for ServerHandle<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: ServerControl> fmt::Debug for ServerHandle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle")
            .field("addresses", &self.local_addrs())
            .field("connections", &self.connections())
            .field("is_serving", &self.is_serving())
            .finish()
    }
}

/// How the connections ended that were open when the server stopped listening.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// Those whose handler returned in time.
    pub finished: usize,
    /// Those that were aborted at the deadline.
    pub aborted: usize,
}
