use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

/// A connected byte stream that several threads use at once: one may read while another writes.
///
/// Sockets of the standard library implement it. For another stream, mind the timeouts: the thread that keeps
/// deadlines for all connections of the process calls `read`, `write` and `flush` with a timeout of zero, and waits for
/// whatever they wait for. Where one of them panics there, the connection ends.
///
/// A layer over another stream, which turns its bytes into others, may keep some of both: those that `write` took and
/// [`flush`](Self::flush) has to send, and those that [`read`](Self::read) will give without the stream. It tells so by
/// [`holds_output`](Self::holds_output) and [`holds_input`](Self::holds_input). Others leave these three as they are.
///
/// ```
/// use std::io;
/// use std::net::{Shutdown, TcpStream};
/// use std::time::Duration;
/// use tidewire_blocking::Transport;
///
/// /// Counts what is written.
/// struct Counting(TcpStream, std::sync::atomic::AtomicUsize);
///
/// impl Transport for Counting {
///     fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
///         Transport::read(&self.0, buffer, timeout)
///     }
///     fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
///         let written = Transport::write(&self.0, bytes, timeout)?;
///         self.1.fetch_add(written, std::sync::atomic::Ordering::Relaxed);
///         Ok(written)
///     }
///     fn shutdown(&self, how: Shutdown) -> io::Result<()> {
///         TcpStream::shutdown(&self.0, how)
///     }
///     fn fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
///         Transport::fd(&self.0)
///     }
/// }
/// ```
pub trait Transport: Send + Sync + 'static {
    /// Appends what has arrived to `buffer`, at most as much as fits its spare capacity, which is never zero; gives
    /// the number of bytes, 0 at the end of the stream.
    ///
    /// Waits for the first byte: at most for `timeout`, not at all where that is zero, and as long as it takes
    /// where there is none. [`shutdown`](Self::shutdown) ends the wait.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] or [`io::ErrorKind::TimedOut`] where nothing arrived in time; any other ends
    /// the connection.
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize>;

    /// Writes some of `bytes`, which are never empty; gives their number. Waits as [`read`](Self::read) does.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize>;

    /// Writes some of several slices in their order, one of which is not empty; otherwise as [`write`](Self::write).
    ///
    /// Where this is left as it is, only the first of them is written.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    fn write_vectored(&self, slices: &[IoSlice<'_>], timeout: Option<Duration>) -> io::Result<usize> {
        let first = slices.iter().find(|slice| !slice.is_empty());
        self.write(first.map_or(&[], |slice| slice), timeout)
    }

    /// Sends what [`write`](Self::write) took and kept, or what [`read`](Self::read) owes the peer. Waits until all has
    /// left, at most for `timeout`; what has not is kept. Called by the thread that may write.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    fn flush(&self, timeout: Option<Duration>) -> io::Result<()> {
        let _ = timeout;
        Ok(())
    }

    /// Whether there is something to [flush](Self::flush). Asked under a lock after each call that may change it, so
    /// the answer should be at hand.
    fn holds_output(&self) -> bool {
        false
    }

    /// Whether the next [`read`](Self::read) gives bytes that have left the stream already, so that it would be in vain
    /// to wait for its descriptor. Asked under a lock, as [`holds_output`](Self::holds_output) is.
    fn holds_input(&self) -> bool {
        false
    }

    /// Ends one direction or both. A thread that waits in that direction returns at once; bytes that had arrived
    /// may still be read. A layer may have to end its own writing first; where that cannot leave at once it
    /// [holds output](Self::holds_output), and the stream's writing side ends with the [`flush`](Self::flush) that sends
    /// it.
    ///
    /// # Errors
    /// Where the stream cannot do so; nobody acts on it.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;

    /// What the process's keeper waits on for a connection that nobody receives from. Without one it looks every
    /// 10 ms.
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Called once, before the opening handshake. TCP sockets send without delay from here on.
    ///
    /// # Errors
    /// Where the stream cannot be used.
    fn prepare(&self) -> io::Result<()> {
        Ok(())
    }
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        (**self).read(buffer, timeout)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        (**self).write(bytes, timeout)
    }

    fn write_vectored(&self, slices: &[IoSlice<'_>], timeout: Option<Duration>) -> io::Result<usize> {
        (**self).write_vectored(slices, timeout)
    }

    fn flush(&self, timeout: Option<Duration>) -> io::Result<()> {
        (**self).flush(timeout)
    }

    fn holds_output(&self) -> bool {
        (**self).holds_output()
    }

    fn holds_input(&self) -> bool {
        (**self).holds_input()
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        (**self).shutdown(how)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        (**self).fd()
    }

    fn prepare(&self) -> io::Result<()> {
        (**self).prepare()
    }
}

/// Whether an attempt found nothing to do, and may be repeated.
pub(crate) fn is_vain(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
