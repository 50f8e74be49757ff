use std::fmt;
use std::io::{self, IoSlice};
use std::net::{Shutdown, TcpStream};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::records::{Records, ToSend};
use crate::clock;
use crate::transport::{Transport, is_vain};

/// The longest record: 16 KiB, its type, what authenticates it, and its header.
const RECORD: usize = 16 * 1024 + 256 + 5;
/// Less room than this is not read into: records would come in crumbs, one system call for each.
const ROOM: usize = 4 * 1024;
/// How much may arrive without saying anything until a read whose time is over gives up: two of the longest records. So
/// no peer keeps the process's keeper from other connections.
const UNSAYING: usize = 2 * RECORD;

/// TLS over another transport, after its handshake: itself a transport, of what is said inside.
///
/// Threads may read and write at the same time, as with a socket. A write encrypts 32 KiB, two records, at a time as long
/// as the stream takes them at once; what it does not take is [kept](Transport::holds_output), and leaves with a flush
/// before anything else is taken. So a peer that takes less than that within the
/// [write timeout](crate::ConfigBuilder::write_timeout) counts as one that does not read.
///
/// Its writing side ends with TLS's own word, `close_notify`, and so does its reading side where the peer says it. A
/// stream that ends without reads as an end, too, not as an error: whether anything is missing is what WebSocket's Close
/// frames say.
///
/// While nothing is under way, it and rustls keep 8 KiB beside the stream: 4 of them are a buffer for what arrives, which
/// has up to 32 after a long record, until a read has found that nothing more came. Otherwise there are at most 64 KiB that
/// have arrived and were not read, also during the handshake, and 32 that were encrypted and have not left.
///
/// ```no_run
/// use std::net::TcpListener;
/// use std::time::Duration;
/// use tidewire_blocking::{ServerTls, TlsSocket, accept};
///
/// let tls = ServerTls::files("chain.pem", "key.pem")?;
/// let (stream, _) = TcpListener::bind("127.0.0.1:9001")?.accept()?;
/// let stream = TlsSocket::accept(stream, &tls, Some(Duration::from_secs(10)))?;
/// let mut ws = accept(stream)?;
/// while let Some(message) = ws.recv()? {
///     ws.send(message)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TlsSocket<S = TcpStream> {
    socket: S,
    records: Mutex<Records>,
    /// What there is to know under other locks, as it was when the lock was last given up.
    holds_input: AtomicBool,
    holds_output: AtomicBool,
}

impl<S: Transport> TlsSocket<S> {
    pub(super) fn new(socket: S, records: Records) -> Self {
        Self {
            socket,
            records: Mutex::new(records),
            holds_input: AtomicBool::new(false),
            holds_output: AtomicBool::new(false),
        }
    }

    /// The stream that it lies over.
    ///
    /// Bytes that are read from it or written to it are missing in TLS.
    pub fn socket(&self) -> &S {
        &self.socket
    }

    /// Works on the records, and notes what they hold then.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Records) -> T) -> T {
        let mut records = self.lock();
        let result = work(&mut records);
        self.holds_input.store(records.holds_opened(), Ordering::Release);
        self.holds_output.store(records.holds_sealed(), Ordering::Release);
        result
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads once from the stream, and appends to the buffer what that says, as far as it lies there; gives how much was
    /// read.
    fn take_in(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        let start = buffer.len();
        let result = if buffer.capacity() - start < ROOM {
            let mut apart = Vec::with_capacity(RECORD);
            let result = self.socket.read(&mut apart, timeout);
            self.with(|records| {
                let opened = records.open(&mut apart);
                apart.truncate(opened);
                records.keep(apart);
            });
            result
        } else {
            // Records lie for a moment where what they say will; what they say first may have come before.
            let result = self.socket.read(buffer, timeout);
            self.with(|records| {
                let opened = records.open(buffer.get_mut(start..).unwrap_or_default());
                buffer.truncate(start + opened);
            });
            result
        };
        if result.as_ref().is_err_and(is_vain) {
            self.with(Records::trim);
        }
        result
    }

    /// Encrypts and sends as much as the stream takes at once, and little more, which is kept.
    fn write_slices(&self, mut slices: &mut [IoSlice<'_>], timeout: Option<Duration>) -> io::Result<usize> {
        if self.holds_output() {
            self.send(timeout)?;
        }
        let mut written = 0;
        while !slices.is_empty() {
            let sealed = self.with(|records| records.seal(slices))?;
            if sealed == 0 {
                break;
            }
            written += sealed;
            IoSlice::advance_slices(&mut slices, sealed);
            match self.send(Some(Duration::ZERO)) {
                Ok(()) => {}
                Err(error) if is_vain(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    /// Sends all there is, as long as there is time.
    pub(super) fn send(&self, timeout: Option<Duration>) -> io::Result<()> {
        let deadline = timeout.and_then(|timeout| clock::after(clock::now(), timeout));
        loop {
            let records = match self.with(Records::take) {
                ToSend::Records(records) => records,
                ToSend::Elsewhere => return Err(io::ErrorKind::WouldBlock.into()),
                ToSend::End => {
                    self.socket.flush(clock::left(deadline))?;
                    self.with(Records::note_end);
                    return self.socket.shutdown(Shutdown::Write);
                }
                ToSend::Nothing => return self.socket.flush(clock::left(deadline)),
            };
            let written = match self.socket.write(&records, clock::left(deadline)) {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                written => written,
            };
            match written {
                Ok(written) => self.with(|kept| kept.give_back(records, written)),
                Err(error) if is_vain(&error) => {
                    self.with(|kept| kept.give_back(records, 0));
                    return Err(error);
                }
                Err(error) => {
                    self.with(Records::let_go);
                    return Err(error);
                }
            }
        }
    }
}

impl<S: Transport> Transport for TlsSocket<S> {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        let deadline = timeout.and_then(|timeout| clock::after(clock::now(), timeout));
        let start = buffer.len();
        let mut unsaying = 0;
        loop {
            let end = self.with(|records| {
                records.drain(buffer);
                // Whatever came before is read first.
                if buffer.len() == start {
                    records.end()
                } else {
                    None
                }
            });
            match end {
                Some(end) => return end.map(|()| 0),
                None if buffer.len() > start => return Ok(buffer.len() - start),
                None => {}
            }
            let left = clock::left(deadline);
            if unsaying > UNSAYING && left.is_some_and(|left| left.is_zero()) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let arrived = self.take_in(buffer, left)?;
            if arrived == 0 {
                return Ok(0);
            }
            unsaying += arrived;
        }
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        self.write_slices(&mut [IoSlice::new(bytes)], timeout)
    }

    fn write_vectored(&self, slices: &[IoSlice<'_>], timeout: Option<Duration>) -> io::Result<usize> {
        self.write_slices(&mut slices.to_vec(), timeout)
    }

    fn flush(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.send(timeout)
    }

    fn holds_output(&self) -> bool {
        self.holds_output.load(Ordering::Acquire) || self.socket.holds_output()
    }

    fn holds_input(&self) -> bool {
        self.holds_input.load(Ordering::Acquire) || self.socket.holds_input()
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match how {
            Shutdown::Read => self.socket.shutdown(how),
            Shutdown::Write => {
                self.with(Records::close);
                match self.send(Some(Duration::ZERO)) {
                    Err(error) if is_vain(&error) => Ok(()),
                    result => result,
                }
            }
            Shutdown::Both => {
                self.with(Records::close);
                // An alert may be among it. There is no other occasion, and nobody waits for it.
                let _ = self.send(Some(Duration::ZERO));
                self.socket.shutdown(how)
            }
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.socket.fd()
    }

    /// The stream was prepared for TLS's handshake.
    fn prepare(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Shows neither keys nor what is said.
impl<S: fmt::Debug> fmt::Debug for TlsSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSocket")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}
