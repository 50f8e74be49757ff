use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;

use crate::socket::Socket;

/// Where the connections of a server come from: a TCP or a Unix listener, or a channel into which something else puts
/// sockets that it accepted.
///
/// ```
/// use std::task::{Context, Poll};
/// use tidewire_tokio::{Listener, Socket};
///
/// /// A listener that counts.
/// struct Counting<L>(L, u64);
///
/// impl<L: Listener> Listener for Counting<L> {
///     fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<Socket>> {
///         let accepted = self.0.poll_accept(cx);
///         self.1 += u64::from(accepted.is_ready());
///         accepted
///     }
/// }
/// ```
pub trait Listener: Send + 'static {
    /// Accepts a connection that waits, or has the waker called when there is one.
    ///
    /// After an error the server asks again, and rests for a moment first where errors come in a row: live connections go on.
    /// A listener from which nothing more will come is pending for ever.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>>;

    /// Where it listens, if that is an internet address.
    fn local_addr(&self) -> Option<SocketAddr> {
        None
    }
}

/// Sends without delay from here on.
impl Listener for TcpListener {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        let (stream, _) = ready!(Self::poll_accept(self, cx))?;
        Poll::Ready(Ok(Socket::prompt(stream)))
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        Self::local_addr(self).ok()
    }
}

impl Listener for UnixListener {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        let (stream, _) = ready!(Self::poll_accept(self, cx))?;
        Poll::Ready(Ok(stream.into()))
    }
}

/// The server goes on when all senders are dropped.
impl Listener for mpsc::Receiver<Socket> {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        match ready!(self.poll_recv(cx)) {
            Some(socket) => Poll::Ready(Ok(socket)),
            None => Poll::Pending,
        }
    }
}

impl Listener for Box<dyn Listener> {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        (**self).poll_accept(cx)
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        (**self).local_addr()
    }
}
