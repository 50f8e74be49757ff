use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tidewire_common::{Direction, Trace, Tracer};

use crate::socket::Socket;
use crate::transport::Transport;

/// A stream whose frames somebody is told of.
struct Traced {
    socket: Socket,
    sent: Mutex<Tracer>,
    received: Mutex<Tracer>,
}

/// Has somebody told of the frames of a stream that is before its opening handshake, if there is somebody.
pub(crate) fn traced(socket: Socket, trace: Option<&Trace>) -> Socket {
    let Some(trace) = trace else { return socket };
    let addresses = socket.addresses();
    let traced = Traced {
        socket,
        sent: Mutex::new(trace.tracer(Direction::Sent)),
        received: Mutex::new(trace.tracer(Direction::Received)),
    };
    Socket::with_addresses(traced, addresses)
}

fn handle(tracer: &Mutex<Tracer>, bytes: &[u8]) {
    let mut tracer = tracer.lock().unwrap_or_else(PoisonError::into_inner);
    tracer.handle(bytes);
}

impl Transport for Traced {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        let before = buffer.len();
        let read = self.socket.read(buffer, timeout)?;
        handle(&self.received, buffer.get(before..).unwrap_or_default());
        Ok(read)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        let written = self.socket.write(bytes, timeout)?;
        handle(&self.sent, bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn write_vectored(&self, slices: &[IoSlice<'_>], timeout: Option<Duration>) -> io::Result<usize> {
        let written = self.socket.write_vectored(slices, timeout)?;
        let mut left = written;
        for slice in slices {
            let part = slice.get(..left).unwrap_or(slice);
            handle(&self.sent, part);
            left -= part.len();
        }
        Ok(written)
    }

    fn flush(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket.flush(timeout)
    }

    fn holds_output(&self) -> bool {
        self.socket.holds_output()
    }

    fn holds_input(&self) -> bool {
        self.socket.holds_input()
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket.shutdown(how)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.socket.fd()
    }

    fn prepare(&self) -> io::Result<()> {
        self.socket.prepare()
    }
}
