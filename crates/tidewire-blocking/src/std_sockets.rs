//! The standard library's sockets as transports.
//!
//! A wait without a timeout is one blocking system call. One with a timeout tries, polls and tries again, so that no
//! option of the socket has to be changed, and threads with different timeouts do not disturb each other.

use std::io::{self, IoSlice};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv, send, sendmsg};

use crate::clock;
use crate::transport::Transport;

impl Transport for TcpStream {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        read(self.as_fd(), buffer, timeout)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        write(self.as_fd(), bytes, timeout)
    }

    fn write_vectored(&self, slices: &[IoSlice<'_>], timeout: Option<Duration>) -> io::Result<usize> {
        write_vectored(self.as_fd(), slices, timeout)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        Self::shutdown(self, how)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }

    fn prepare(&self) -> io::Result<()> {
        self.set_nodelay(true)
    }
}

impl Transport for UnixStream {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        read(self.as_fd(), buffer, timeout)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        write(self.as_fd(), bytes, timeout)
    }

    fn write_vectored(&self, slices: &[IoSlice<'_>], timeout: Option<Duration>) -> io::Result<usize> {
        write_vectored(self.as_fd(), slices, timeout)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        Self::shutdown(self, how)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

fn read(fd: BorrowedFd<'_>, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
    attempt(fd, PollFlags::IN, timeout, |patience| {
        let flags = match patience {
            Patience::None => RecvFlags::DONTWAIT,
            Patience::Endless => RecvFlags::empty(),
        };
        recv(fd, spare_capacity(buffer), flags).map(|(read, _)| read)
    })
}

fn write(fd: BorrowedFd<'_>, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
    attempt(fd, PollFlags::OUT, timeout.or(Some(Duration::MAX)), |_| {
        send(fd, bytes, SEND)
    })
}

fn write_vectored(
    fd: BorrowedFd<'_>,
    slices: &[IoSlice<'_>],
    timeout: Option<Duration>,
) -> io::Result<usize> {
    attempt(fd, PollFlags::OUT, timeout.or(Some(Duration::MAX)), |_| {
        sendmsg(fd, slices, &mut SendAncillaryBuffer::default(), SEND)
    })
}

/// Never without `DONTWAIT`: a blocking send waits until all is written, and some of it is progress to be told.
///
/// A signal for a broken pipe would end a process that does not ignore it. (Apple has an option in its place, and Rust's
/// own start-up ignores the signal.)
#[cfg(not(target_vendor = "apple"))]
const SEND: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
#[cfg(target_vendor = "apple")]
const SEND: SendFlags = SendFlags::DONTWAIT;

/// How long a system call itself may wait.
#[derive(Clone, Copy)]
enum Patience {
    None,
    Endless,
}

fn attempt(
    fd: BorrowedFd<'_>,
    ready: PollFlags,
    timeout: Option<Duration>,
    mut call: impl FnMut(Patience) -> rustix::io::Result<usize>,
) -> io::Result<usize> {
    // When the system wakes this thread, nobody knows.
    clock::rest();
    let mut patience = match timeout {
        None => Patience::Endless,
        Some(_) => Patience::None,
    };
    let wait = timeout.filter(|timeout| !timeout.is_zero());
    let deadline = wait.and_then(|wait| Instant::now().checked_add(wait));
    loop {
        match call(patience) {
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                // A socket that was set not to block, too, is waited for.
                patience = Patience::None;
                let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
                if timeout.is_some_and(|timeout| timeout.is_zero()) || left.is_some_and(|left| left.is_zero())
                {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                let left = left.and_then(clock::to_system);
                match poll(&mut [PollFd::from_borrowed_fd(fd, ready)], left.as_ref()) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            result => return Ok(result?),
        }
    }
}
