use std::fmt;
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use tidewire_common::Addresses;

use crate::transport::Transport;

/// The byte stream of a connection, of whichever kind: what [`serve`](crate::serve) and [`connect`](crate::connect) open a
/// [`WebSocket`](crate::WebSocket) over, so that one handler fits TCP, TLS and Unix sockets. A clone is the same stream.
///
/// ```
/// use std::os::unix::net::UnixStream;
/// use tidewire_blocking::Socket;
///
/// let (ours, theirs) = UnixStream::pair()?;
/// let socket = Socket::from(ours);
/// assert_eq!(socket.peer_addr(), None);
/// # drop(theirs);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Socket(Kind);

#[derive(Clone)]
enum Kind {
    Tcp(Arc<TcpStream>),
    Other {
        stream: Arc<dyn Transport>,
        addresses: Option<Addresses>,
    },
}

impl Socket {
    /// A stream of any kind. (TCP and Unix sockets are converted by `from`.)
    pub fn new(stream: impl Transport) -> Self {
        Self::with_addresses(stream, None)
    }

    /// A stream of any kind that runs between these addresses.
    pub(crate) fn with_addresses(stream: impl Transport, addresses: Option<Addresses>) -> Self {
        Self(Kind::Other {
            stream: Arc::new(stream),
            addresses,
        })
    }

    /// The peer's address, where it has one and the system still knows it.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        match &self.0 {
            Kind::Tcp(stream) => stream.peer_addr().ok(),
            Kind::Other { addresses, .. } => addresses.map(|addresses| addresses.peer),
        }
    }

    /// Our address, where there is one and the system still knows it.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.0 {
            Kind::Tcp(stream) => stream.local_addr().ok(),
            Kind::Other { addresses, .. } => addresses.map(|addresses| addresses.local),
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

    fn stream(&self) -> &dyn Transport {
        match &self.0 {
            Kind::Tcp(stream) => &**stream,
            Kind::Other { stream, .. } => &**stream,
        }
    }
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self(Kind::Tcp(Arc::new(stream)))
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

impl Transport for Socket {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        self.stream().read(buffer, timeout)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        self.stream().write(bytes, timeout)
    }

    fn write_vectored(&self, slices: &[IoSlice<'_>], timeout: Option<Duration>) -> io::Result<usize> {
        self.stream().write_vectored(slices, timeout)
    }

    fn flush(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream().flush(timeout)
    }

    fn holds_output(&self) -> bool {
        self.stream().holds_output()
    }

    fn holds_input(&self) -> bool {
        self.stream().holds_input()
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.stream().shutdown(how)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.stream().fd()
    }

    fn prepare(&self) -> io::Result<()> {
        self.stream().prepare()
    }
}
