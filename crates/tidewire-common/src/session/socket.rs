use std::io;
use std::sync::Arc;

use tidewire_proto::{Fate, Instant};

use super::{Core, Session};

impl Session {
    /// The output that has not left; none any more once writing has failed.
    pub fn unsent(&self) -> &[u8] {
        match self.broken {
            None => self.out.get(self.sent..).unwrap_or_default(),
            Some(_) => &[],
        }
    }

    /// Tells that the first `written` of the unsent bytes have left; to be told after each attempt, a vain one too.
    pub fn handle_written(&mut self, now: Instant, written: usize) {
        self.sent += written;
        self.traffic.bytes_sent += written as u64;
        let unsent = self.unsent().len();
        if unsent == 0 {
            self.sent = 0;
            // An idle connection owns no output buffer: getting one costs less than keeping it.
            self.out = Vec::new();
        }
        either!(&mut self.core, connection => connection.handle_written(now, written, unsent, &mut self.out));
    }

    /// Tells that writing failed: what waits is dropped, and what was received before can still be read.
    pub fn handle_write_error(&mut self, error: io::Error) {
        self.broken.get_or_insert(Arc::new(error));
        self.out = Vec::new();
        self.sent = 0;
    }

    /// Tells that the transport ended, or that reading failed.
    pub fn handle_end(&mut self, error: Option<io::Error>) {
        if let Some(error) = error {
            self.broken.get_or_insert(Arc::new(error));
        }
        either!(&mut self.core, connection => connection.handle_end());
    }

    /// What to do with the socket, once all output has left.
    pub fn fate(&self) -> Fate {
        either!(&self.core, connection => connection.fate())
    }

    /// The moment at which [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        either!(&self.core, connection => connection.poll_timeout())
    }

    /// Does what the deadlines up to `now` ask for.
    pub fn handle_timeout(&mut self, now: Instant) {
        either!(&mut self.core, connection => connection.handle_timeout(now, &mut self.out));
    }
}
