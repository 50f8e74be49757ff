//! A byte stream in memory.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::signals::Signals;
use crate::clock;
use crate::socket::Socket;
use crate::transport::Transport;

/// Gives the two ends of a byte stream in memory, for an [`accept`](crate::accept), a
/// [`Connect::over`](crate::Connect::over), a [`Peer`](super::Peer), or a [`Server`](crate::Server) that listens on a channel
/// of sockets.
///
/// Either way at most `capacity` bytes, at least one, are on their way; whoever writes more waits. Its timeouts are on the clock that a
/// [`Time`](super::Time) stops.
///
/// # Panics
/// Where the process has no descriptors left, of which each end takes two.
pub fn pipe(capacity: usize) -> (Socket, Socket) {
    let [near, far] = [(); 2].map(|()| Arc::new(Signals::new().expect("descriptors are left")));
    let forth = Arc::new(Lane::new(capacity, near.clone(), far.clone()));
    let back = Arc::new(Lane::new(capacity, far.clone(), near.clone()));
    let end = |outgoing: &Arc<Lane>, incoming: &Arc<Lane>, signals| {
        Socket::new(End {
            outgoing: outgoing.clone(),
            incoming: incoming.clone(),
            signals,
        })
    };
    (end(&forth, &back, near), end(&back, &forth, far))
}

/// One end of a pipe.
struct End {
    outgoing: Arc<Lane>,
    incoming: Arc<Lane>,
    signals: Arc<Signals>,
}

/// One direction of a pipe.
struct Lane {
    traffic: Mutex<Traffic>,
    changed: Condvar,
    capacity: usize,
    /// Of the end that writes, and of the one that reads.
    writer: Arc<Signals>,
    reader: Arc<Signals>,
}

#[derive(Default)]
struct Traffic {
    bytes: VecDeque<u8>,
    /// Nothing more is written, or nothing more is read.
    ended: bool,
    /// How many threads wait for a change.
    waiting: usize,
    /// How many of them were woken and have not come yet.
    called: usize,
    /// What the signals say, at first that the lane can be written to alone.
    is_readable: bool,
    is_full: bool,
}

impl Lane {
    fn new(capacity: usize, writer: Arc<Signals>, reader: Arc<Signals>) -> Self {
        Self {
            traffic: Mutex::default(),
            changed: Condvar::new(),
            capacity: capacity.max(1),
            writer,
            reader,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        let mut traffic = self.wait(timeout, |traffic| !traffic.bytes.is_empty())?;
        let len = traffic.bytes.len().min(buffer.capacity() - buffer.len());
        buffer.extend(traffic.bytes.drain(..len));
        self.tell(&mut traffic);
        Ok(len)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        let mut traffic = self.wait(timeout, |traffic| traffic.bytes.len() < self.capacity)?;
        if traffic.ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let len = bytes.len().min(self.capacity - traffic.bytes.len());
        traffic.bytes.extend(bytes.iter().take(len));
        self.tell(&mut traffic);
        Ok(len)
    }

    /// Waits until something can be done, or there is nothing more to wait for.
    fn wait(
        &self,
        timeout: Option<Duration>,
        is_ready: impl Fn(&Traffic) -> bool,
    ) -> io::Result<MutexGuard<'_, Traffic>> {
        let deadline = timeout.and_then(|timeout| clock::after(clock::now(), timeout));
        let mut traffic = self.lock();
        while !traffic.ended && !is_ready(&traffic) {
            let left = clock::left(deadline);
            if left.is_some_and(|left| left.is_zero()) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            traffic.waiting += 1;
            traffic = clock::wait(&self.changed, traffic, left);
            traffic.waiting -= 1;
            if traffic.called > 0 {
                traffic.called -= 1;
                clock::come();
            }
        }
        Ok(traffic)
    }

    fn end(&self) {
        let mut traffic = self.lock();
        traffic.ended = true;
        self.tell(&mut traffic);
    }

    /// Tells those who wait, threads and the keeper, of a change.
    fn tell(&self, traffic: &mut Traffic) {
        let is_readable = traffic.ended || !traffic.bytes.is_empty();
        match (mem::replace(&mut traffic.is_readable, is_readable), is_readable) {
            (false, true) => self.reader.become_readable(),
            (true, false) => self.reader.stop_being_readable(),
            (false, false) | (true, true) => {}
        }
        let is_full = !traffic.ended && traffic.bytes.len() >= self.capacity;
        match (mem::replace(&mut traffic.is_full, is_full), is_full) {
            (false, true) => self.writer.stop_being_writable(),
            (true, false) => self.writer.become_writable(),
            (false, false) | (true, true) => {}
        }
        clock::call(traffic.waiting - traffic.called);
        traffic.called = traffic.waiting;
        self.changed.notify_all();
    }
}

impl Transport for End {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        self.incoming.read(buffer, timeout)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        self.outgoing.write(bytes, timeout)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if how != Shutdown::Read {
            self.outgoing.end();
        }
        if how != Shutdown::Write {
            self.incoming.end();
        }
        Ok(())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.signals.fd())
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.outgoing.end();
        self.incoming.end();
        // A handshake that has come to nothing ends here.
        clock::rest();
    }
}
