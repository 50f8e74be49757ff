use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tidewire_tokio::{SendError, Served, ServerMetrics};

/// How long a server may take to start.
const START: Duration = Duration::from_secs(20);

/// A server of either adapter, in a thread of its own, for tests that are the same for both; told to stop when it is dropped.
#[derive(Debug)]
pub struct Running {
    handle: Handle,
    thread: Option<JoinHandle<io::Result<Served>>>,
}

/// Each adapter has a type of its own, since it names the adapter's connections.
#[derive(Debug)]
enum Handle {
    Tokio(tidewire_tokio::ServerHandle),
    Blocking(tidewire_blocking::ServerHandle),
}

impl Running {
    /// Starts what `build` makes of a listener on a free port, on tokio.
    ///
    /// # Panics
    /// Where there is no port, or no thread.
    pub fn on_tokio<H, Fut, E>(
        build: impl FnOnce(tokio::net::TcpListener) -> tidewire_tokio::Server<H> + Send + 'static,
    ) -> Self
    where
        H: Fn(tidewire_tokio::WebSocket) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    {
        let (tell, started) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                let server = build(listener);
                let _ = tell.send(server.handle());
                server.await
            })
        });
        Self {
            handle: Handle::Tokio(started.recv_timeout(START).expect("a server that starts")),
            thread: Some(thread),
        }
    }

    /// Starts what `build` makes of a listener on a free port, on threads.
    ///
    /// # Panics
    /// Where there is no port.
    pub fn on_threads<H, E>(build: impl FnOnce(std::net::TcpListener) -> tidewire_blocking::Server<H>) -> Self
    where
        H: Fn(tidewire_blocking::WebSocket) -> Result<(), E> + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let server = build(listener);
        Self {
            handle: Handle::Blocking(server.handle()),
            thread: Some(thread::spawn(move || server.run())),
        }
    }

    /// Where the server listens first.
    ///
    /// # Panics
    /// Where that is no internet address.
    pub fn address(&self) -> SocketAddr {
        *self.addresses().first().expect("an address")
    }

    /// Where the server listens.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match &self.handle {
            Handle::Tokio(handle) => handle.local_addrs(),
            Handle::Blocking(handle) => handle.local_addrs(),
        }
    }

    /// Sends a text to everybody who is connected.
    ///
    /// # Panics
    /// Where one of the connections does not take it.
    pub fn tell_all(&self, text: &str) {
        match &self.handle {
            Handle::Tokio(handle) => {
                for sender in handle.senders() {
                    sender.try_send(text).expect("room");
                }
            }
            Handle::Blocking(handle) => {
                for sender in handle.senders() {
                    sender.try_send(text).expect("room");
                }
            }
        }
    }

    /// Takes a sender of everybody who is connected, and drops it; gives their number.
    pub fn touch_all(&self) -> usize {
        match &self.handle {
            Handle::Tokio(handle) => handle.senders().len(),
            Handle::Blocking(handle) => handle.senders().len(),
        }
    }

    /// What the server has done so far.
    pub fn metrics(&self) -> ServerMetrics {
        match &self.handle {
            Handle::Tokio(handle) => handle.metrics(),
            Handle::Blocking(handle) => handle.metrics(),
        }
    }

    /// Tells the server to stop, without waiting for it.
    pub fn shut_down(&self, deadline: Duration) {
        match &self.handle {
            Handle::Tokio(handle) => handle.shutdown(deadline),
            Handle::Blocking(handle) => handle.shutdown(deadline),
        }
    }

    /// Tells the server to stop, and what to tell clients.
    ///
    /// # Errors
    /// Where that may not be sent.
    pub fn shut_down_with(&self, deadline: Duration, code: u16, reason: &str) -> Result<(), SendError> {
        match &self.handle {
            Handle::Tokio(handle) => handle.shutdown_with(deadline, code, reason),
            Handle::Blocking(handle) => handle.shutdown_with(deadline, code, reason),
        }
    }

    /// Tells the server to take no more connections.
    pub fn stop_listening(&self) {
        match &self.handle {
            Handle::Tokio(handle) => handle.stop_listening(),
            Handle::Blocking(handle) => handle.stop_listening(),
        }
    }

    /// Whether the server takes connections.
    pub fn is_serving(&self) -> bool {
        match &self.handle {
            Handle::Tokio(handle) => handle.is_serving(),
            Handle::Blocking(handle) => handle.is_serving(),
        }
    }

    /// Stops the server and waits for it; gives the counts.
    ///
    /// # Panics
    /// Where it failed.
    pub fn stop(self, deadline: Duration) -> Served {
        self.shut_down(deadline);
        self.wait()
    }

    /// Waits for the end of the server; gives the counts.
    ///
    /// # Panics
    /// Where it failed.
    pub fn wait(mut self) -> Served {
        let thread = self.thread.take().expect("it is stopped once");
        let served = thread.join().expect("a server that does not panic");
        served.expect("a server that ends well")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shut_down(Duration::ZERO);
    }
}
