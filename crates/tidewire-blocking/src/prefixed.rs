use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::transport::Transport;

/// A stream of which some was read already, and is read again first.
pub(crate) struct Prefixed<S> {
    prefix: Mutex<Vec<u8>>,
    stream: S,
}

impl<S> Prefixed<S> {
    pub(crate) fn new(prefix: Vec<u8>, stream: S) -> Self {
        Self {
            prefix: Mutex::new(prefix),
            stream,
        }
    }

    fn prefix(&self) -> MutexGuard<'_, Vec<u8>> {
        self.prefix.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Transport> Transport for Prefixed<S> {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        {
            let mut prefix = self.prefix();
            if !prefix.is_empty() {
                let read = prefix.len().min(buffer.capacity() - buffer.len());
                let rest = prefix.split_off(read);
                buffer.append(&mut prefix);
                *prefix = rest;
                return Ok(read);
            }
        }
        self.stream.read(buffer, timeout)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        self.stream.write(bytes, timeout)
    }

    fn write_vectored(&self, slices: &[IoSlice<'_>], timeout: Option<Duration>) -> io::Result<usize> {
        self.stream.write_vectored(slices, timeout)
    }

    fn flush(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.flush(timeout)
    }

    fn holds_output(&self) -> bool {
        self.stream.holds_output()
    }

    fn holds_input(&self) -> bool {
        !self.prefix().is_empty() || self.stream.holds_input()
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.stream.shutdown(how)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.stream.fd()
    }

    fn prepare(&self) -> io::Result<()> {
        self.stream.prepare()
    }
}
