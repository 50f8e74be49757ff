use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tidewire_common::Addresses;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tracing::debug;

use crate::state::{Ending, Transport};

/// The byte stream of a connection, of whichever kind: what [`serve`](crate::serve) and [`connect`](crate::connect) open a
/// [`WebSocket`](crate::WebSocket) over, so that one handler fits TCP, TLS and Unix sockets.
///
/// TCP stands in it as it is, everything else in a box.
///
/// ```
/// use tidewire_tokio::Socket;
///
/// let (ours, theirs) = tokio::io::duplex(1024);
/// let socket = Socket::new(ours);
/// assert_eq!(socket.peer_addr(), None);
/// # drop(theirs);
/// ```
pub struct Socket(Kind);

enum Kind {
    Tcp(TcpStream),
    Other {
        stream: Box<dyn Transport + Send>,
        addresses: Option<Box<Addresses>>,
    },
}

/// Calls the stream of either kind.
macro_rules! pinned {
    ($socket:expr, $stream:ident => $call:expr) => {
        match &mut $socket.get_mut().0 {
            Kind::Tcp(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Kind::Other { stream, .. } => {
                let $stream = Pin::new(&mut **stream);
                $call
            }
        }
    };
}

impl Socket {
    /// A stream of any kind. (TCP and Unix sockets are converted by `from`.)
    pub fn new(stream: impl Transport + Send + 'static) -> Self {
        Self::with_addresses(stream, None)
    }

    /// TCP that sends without delay from here on.
    pub(crate) fn prompt(stream: TcpStream) -> Self {
        if let Err(error) = stream.set_nodelay(true) {
            debug!(peer = ?stream.peer_addr(), %error, "TCP_NODELAY not set");
        }
        stream.into()
    }

    /// A stream of any kind that runs between these addresses.
    pub(crate) fn with_addresses(
        stream: impl Transport + Send + 'static,
        addresses: Option<Addresses>,
    ) -> Self {
        Self(Kind::Other {
            stream: Box::new(stream),
            addresses: addresses.map(Box::new),
        })
    }

    /// The peer's address, where it has one and the system still knows it.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        match &self.0 {
            Kind::Tcp(stream) => stream.peer_addr().ok(),
            Kind::Other { addresses, .. } => addresses.as_ref().map(|addresses| addresses.peer),
        }
    }

    /// Our address, where there is one and the system still knows it.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.0 {
            Kind::Tcp(stream) => stream.local_addr().ok(),
            Kind::Other { addresses, .. } => addresses.as_ref().map(|addresses| addresses.local),
        }
    }

    /// Between whom it runs.
    pub(crate) fn addresses(&self) -> Option<Addresses> {
        let (peer, local) = (self.peer_addr()?, self.local_addr()?);
        Some(Addresses { peer, local })
    }

    /// The TCP stream, where it is one with nothing around it: for the options of the socket.
    pub fn as_tcp(&self) -> Option<&TcpStream> {
        match &self.0 {
            Kind::Tcp(stream) => Some(stream),
            Kind::Other { .. } => None,
        }
    }

    /// How it is ended behind a closing handshake.
    pub(crate) fn ending(&self) -> Ending {
        match &self.0 {
            Kind::Tcp(_) => Ending::Drop,
            Kind::Other { .. } => Ending::ShutDown,
        }
    }
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self(Kind::Tcp(stream))
    }
}

impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        Self::new(stream)
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("peer", &self.peer_addr())
            .field("local", &self.local_addr())
            .finish()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        pinned!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        pinned!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        pinned!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Kind::Tcp(stream) => stream.is_write_vectored(),
            Kind::Other { stream, .. } => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        pinned!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        pinned!(self, stream => stream.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_streams_cost_a_tcp_stream_no_room() {
        assert_eq!(size_of::<Socket>(), size_of::<TcpStream>());
    }
}
