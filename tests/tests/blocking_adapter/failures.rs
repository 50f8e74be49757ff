//! A transport that cannot be written to any more, while it can be read.

use std::io;
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidewire_blocking::{Config, Error, Transport, TrySendError, WebSocket};

use crate::support::{accepted, bounded};

struct Failing {
    stream: UnixStream,
    fails: AtomicBool,
}

impl Transport for Failing {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        Transport::read(&self.stream, buffer, timeout)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Transport::write(&self.stream, bytes, timeout)
    }

    /// Leaves the stream open, as one whose peer only stopped reading.
    fn shutdown(&self, _how: Shutdown) -> io::Result<()> {
        Ok(())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Transport::fd(&self.stream)
    }
}

fn open() -> (WebSocket<Failing>, UnixStream) {
    accepted(Config::default(), |stream| Failing {
        stream,
        fails: AtomicBool::new(false),
    })
}

fn fail(ws: &WebSocket<Failing>) {
    ws.transport().fails.store(true, Ordering::SeqCst);
}

fn is_broken_pipe(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe)
}

#[test]
fn a_send_whose_write_fails_fails_and_so_do_later_ones() {
    bounded(|| {
        let (ws, _peer) = open();
        fail(&ws);
        for _ in 0..2 {
            let result = ws.send("lost");
            assert!(is_broken_pipe(&result), "{result:?}");
        }
        let result = ws.flush();
        assert!(is_broken_pipe(&result), "{result:?}");
    });
}

#[test]
fn a_flush_of_what_could_not_be_written_fails() {
    bounded(|| {
        let (ws, _peer) = open();
        fail(&ws);
        ws.feed("lost").expect("it is queued");
        // Whether this one's write fails, or the keeper's did.
        let result = ws.flush();
        assert!(is_broken_pipe(&result), "{result:?}");
    });
}

#[test]
fn a_try_send_whose_write_fails_fails() {
    bounded(|| {
        let (ws, _peer) = open();
        fail(&ws);
        let result = ws.try_send("lost");
        assert!(
            matches!(result, Err(TrySendError::Failed(Error::Io(_)))),
            "{result:?}"
        );
    });
}
