use std::panic::resume_unwind;
use std::thread;

use tidewire_common::HandshakeError;

use super::peer::Peer;
use super::pipe::pipe;
use crate::accept::Accept;
use crate::connect::Connect;
use crate::socket::Socket;
use crate::websocket::WebSocket;

/// More than most tests have on its way.
const ROOMY: usize = 64 * 1024;

/// Opens a connection in memory, with the default settings: gives the server's end and the client's.
///
/// # Panics
/// Where the process has no descriptors left, or no threads.
pub fn pair() -> (WebSocket, WebSocket) {
    Pair::new().open().expect("the defaults agree")
}

/// Opens connections in memory with settings of their own.
///
/// ```
/// use tidewire_blocking::test::Pair;
/// use tidewire_blocking::{Accept, Connect, Deflate, ServerPolicy};
///
/// let policy = ServerPolicy::default().subprotocols(["chat"])?;
/// let (server, client) = Pair::new()
///     .accept(Accept::new().policy(policy).deflate(Deflate::default()))
///     .connect(Connect::new("ws://localhost/room?name=Ada").subprotocol("chat").field("Origin", "https://a.example"))
///     .capacity(1024)
///     .open()?;
/// let handshake = server.handshake();
/// assert_eq!(handshake.request().map(|request| request.path()), Some("/room"));
/// assert_eq!(client.subprotocol().as_deref(), Some("chat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pair {
    accept: Accept,
    connect: Connect,
    capacity: usize,
}

impl Pair {
    /// Starts from the defaults: a request for `ws://localhost/`, and room for 64 KiB.
    pub fn new() -> Self {
        Self {
            accept: Accept::new(),
            connect: Connect::new("ws://localhost/"),
            capacity: ROOMY,
        }
    }

    /// Sets what the server's end wants: its configuration, policy and compression.
    pub fn accept(mut self, accept: Accept) -> Self {
        self.accept = accept;
        self
    }

    /// Sets what the client's end asks for: path and query, fields, subprotocols, compression, and its configuration.
    /// Nothing is looked up: the URL's host stands in the request alone.
    pub fn connect(mut self, connect: Connect) -> Self {
        self.connect = connect;
        self
    }

    /// Sets how many bytes may be on their way, either way; at least one. Few bring backpressure about.
    pub fn capacity(mut self, bytes: usize) -> Self {
        self.capacity = bytes;
        self
    }

    /// Opens a connection: gives the server's end and the client's.
    ///
    /// # Errors
    /// The client's where the handshake fails, which has the refusal of the server; or else the server's.
    ///
    /// # Panics
    /// As [`pipe`] does; and where the process has no threads left, since the handshake takes two.
    pub fn open(&self) -> Result<(WebSocket, WebSocket), HandshakeError> {
        self.both(|near| self.accept.accept(near), |far| self.connect.over(far))
    }

    /// Opens a connection of a server under test: gives it and a scripted client.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    ///
    /// # Panics
    /// As [`open`](Self::open) does.
    pub fn server(&self) -> Result<(WebSocket, Peer), HandshakeError> {
        self.both(
            |near| self.accept.accept(near),
            |far| {
                let mut peer = Peer::client(far);
                peer.connect(&self.connect).map(|()| peer)
            },
        )
    }

    /// Opens a connection of a client under test: gives it and a scripted server.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    ///
    /// # Panics
    /// As [`open`](Self::open) does.
    pub fn client(&self) -> Result<(WebSocket, Peer), HandshakeError> {
        let (peer, client) = self.both(
            |near| {
                let mut peer = Peer::server(near);
                peer.accept(&self.accept).map(|()| peer)
            },
            |far| self.connect.over(far),
        )?;
        Ok((client, peer))
    }

    /// Shakes hands from both ends of a pipe.
    fn both<S: Send, C>(
        &self,
        server: impl FnOnce(Socket) -> Result<S, HandshakeError> + Send,
        client: impl FnOnce(Socket) -> Result<C, HandshakeError>,
    ) -> Result<(S, C), HandshakeError> {
        let (near, far) = pipe(self.capacity);
        let (server, client) = thread::scope(|scope| {
            let server = scope.spawn(|| server(near));
            let client = client(far);
            (server.join().unwrap_or_else(|panic| resume_unwind(panic)), client)
        });
        let client = client?;
        Ok((server?, client))
    }
}

impl Default for Pair {
    fn default() -> Self {
        Self::new()
    }
}
