use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::sync::mpsc::{Receiver, TryRecvError};

use crate::socket::Socket;

/// Where the connections of a server come from: a TCP or a Unix listener, or a channel into which something else puts
/// sockets that it accepted.
///
/// ```
/// use std::cell::Cell;
/// use std::os::fd::BorrowedFd;
/// use tidewire_blocking::{Listener, Socket};
///
/// /// A listener that counts.
/// struct Counting<L>(L, Cell<u64>);
///
/// impl<L: Listener> Listener for Counting<L> {
///     fn accept(&self) -> std::io::Result<Socket> {
///         let accepted = self.0.accept()?;
///         self.1.set(self.1.get() + 1);
///         Ok(accepted)
///     }
///     fn fd(&self) -> Option<BorrowedFd<'_>> {
///         self.0.fd()
///     }
///     fn prepare(&self) -> std::io::Result<()> {
///         self.0.prepare()
///     }
/// }
/// ```
pub trait Listener: Send + 'static {
    /// Accepts a connection that waits, without waiting for one.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] where none waits. After any other the server asks again, and rests for a moment first
    /// where errors come in a row: live connections go on.
    fn accept(&self) -> io::Result<Socket>;

    /// What is readable when a connection waits. Without one the server asks every 10 ms.
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Called once, before the first connection is asked for: from here on accepting must not wait.
    ///
    /// # Errors
    /// Where the listener cannot be used; the server ends with it.
    fn prepare(&self) -> io::Result<()> {
        Ok(())
    }

    /// Where it listens, if that is an internet address.
    fn local_addr(&self) -> Option<SocketAddr> {
        None
    }
}

impl Listener for TcpListener {
    fn accept(&self) -> io::Result<Socket> {
        let (stream, _) = Self::accept(self)?;
        // Some systems hand the listener's mode down.
        stream.set_nonblocking(false)?;
        Ok(stream.into())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }

    fn prepare(&self) -> io::Result<()> {
        self.set_nonblocking(true)
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        Self::local_addr(self).ok()
    }
}

impl Listener for UnixListener {
    fn accept(&self) -> io::Result<Socket> {
        let (stream, _) = Self::accept(self)?;
        stream.set_nonblocking(false)?;
        Ok(stream.into())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }

    fn prepare(&self) -> io::Result<()> {
        self.set_nonblocking(true)
    }
}

/// The server goes on when all senders are dropped.
impl Listener for Receiver<Socket> {
    fn accept(&self) -> io::Result<Socket> {
        self.try_recv().map_err(|error| match error {
            TryRecvError::Empty | TryRecvError::Disconnected => ErrorKind::WouldBlock.into(),
        })
    }
}

impl Listener for Box<dyn Listener> {
    fn accept(&self) -> io::Result<Socket> {
        (**self).accept()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        (**self).fd()
    }

    fn prepare(&self) -> io::Result<()> {
        (**self).prepare()
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        (**self).local_addr()
    }
}
