use tidewire_common::HandshakeError;
use tokio::io::duplex;

use super::peer::Peer;
use crate::accept::Accept;
use crate::connect::Connect;
use crate::socket::Socket;
use crate::websocket::WebSocket;

/// More than most tests have on its way.
const ROOMY: usize = 64 * 1024;

/// Opens a connection in memory, with the default settings: gives the server's end and the client's.
///
/// # Panics
/// Never: a handshake of the defaults succeeds.
///
/// # Cancel safety
/// Nothing is left behind.
pub async fn pair() -> (WebSocket, WebSocket) {
    Pair::new().open().await.expect("the defaults agree")
}

/// Gives the two ends of a byte stream in memory, for an [`accept`](crate::accept), a
/// [`Connect::over`](crate::Connect::over), a [`Peer`](super::Peer), or a [`Server`](crate::Server) that listens on a channel
/// of sockets.
///
/// Either way at most `capacity` bytes, at least one, are on their way; whoever writes more waits.
pub fn pipe(capacity: usize) -> (Socket, Socket) {
    let (near, far) = duplex(capacity.max(1));
    (Socket::new(near), Socket::new(far))
}

/// Opens connections in memory with settings of their own.
///
/// ```
/// use tidewire_tokio::test::Pair;
/// use tidewire_tokio::{Accept, Connect, Deflate, ServerPolicy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = ServerPolicy::default().subprotocols(["chat"])?;
/// let (server, client) = Pair::new()
///     .accept(Accept::new().policy(policy).deflate(Deflate::default()))
///     .connect(Connect::new("ws://localhost/room?name=Ada").subprotocol("chat").field("Origin", "https://a.example"))
///     .capacity(1024)
///     .open()
///     .await?;
/// let handshake = server.handshake();
/// assert_eq!(handshake.request().map(|request| request.path()), Some("/room"));
/// assert_eq!(client.subprotocol().as_deref(), Some("chat"));
/// # Ok(())
/// # }
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
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn open(&self) -> Result<(WebSocket, WebSocket), HandshakeError> {
        let (near, far) = pipe(self.capacity);
        let (server, client) = tokio::join!(self.accept.accept(near), self.connect.over(far));
        let client = client?;
        Ok((server?, client))
    }

    /// Opens a connection of a server under test: gives it and a scripted client.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    ///
    /// # Cancel safety
    /// As for [`open`](Self::open).
    pub async fn server(&self) -> Result<(WebSocket, Peer), HandshakeError> {
        let (near, far) = pipe(self.capacity);
        let (server, peer) = tokio::join!(self.accept.accept(near), async {
            // Dropped where it fails: a server that refuses waits for that.
            let mut peer = Peer::client(far);
            peer.connect(&self.connect).await.map(|()| peer)
        });
        let peer = peer?;
        Ok((server?, peer))
    }

    /// Opens a connection of a client under test: gives it and a scripted server.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    ///
    /// # Cancel safety
    /// As for [`open`](Self::open).
    pub async fn client(&self) -> Result<(WebSocket, Peer), HandshakeError> {
        let (near, far) = pipe(self.capacity);
        let (client, peer) = tokio::join!(self.connect.over(far), async {
            let mut peer = Peer::server(near);
            peer.accept(&self.accept).await.map(|()| peer)
        });
        let client = client?;
        Ok((client, peer?))
    }
}

impl Default for Pair {
    fn default() -> Self {
        Self::new()
    }
}
