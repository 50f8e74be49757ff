//! Input buffers, which nobody owns between two polls.
//!
//! `poll_read` is synchronous, so a buffer is needed only while it runs and while what it read is parsed. A
//! connection that waits for input has given its buffer back, and ten thousand of them share a few.

use std::cell::RefCell;
use std::mem;

use tidewire_common::proto::Inbox;

/// The size of a buffer.
const ORDINARY: usize = 16 * 1024;
/// The size of a buffer for a connection whose last read filled its buffer.
const BULK: usize = 64 * 1024;
/// How many buffers a thread keeps of each size.
const KEPT: usize = 4;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { ordinary: Vec::new(), bulk: Vec::new() }) };
}

struct Pool {
    ordinary: Vec<Inbox>,
    bulk: Vec<Inbox>,
}

impl Pool {
    fn shelf(&mut self, size: usize) -> Option<&mut Vec<Inbox>> {
        match size {
            ORDINARY => Some(&mut self.ordinary),
            BULK => Some(&mut self.bulk),
            _ => None,
        }
    }
}

/// A connection's input: a borrowed buffer while it reads, just the leftover while it rests, mostly nothing.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) inbox: Inbox,
    /// The last read filled its buffer.
    bulk: bool,
}

impl Input {
    /// The input of a connection that begins with what was read behind its handshake.
    pub(crate) fn new(rest: Inbox) -> Self {
        Self {
            inbox: rest,
            bulk: false,
        }
    }

    /// The buffer to read into; needs everything that was read before to be consumed.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        let size = if self.bulk { BULK } else { ORDINARY };
        if self.inbox.capacity() != size {
            self.release();
            self.inbox = POOL
                .with_borrow_mut(|pool| pool.shelf(size).and_then(Vec::pop))
                .unwrap_or_else(|| Inbox::with_capacity(size));
        }
        self.inbox.buffer()
    }

    /// Notes how much a read brought.
    pub(crate) fn note_read(&mut self, len: usize) {
        self.bulk = len == self.inbox.capacity();
    }

    /// Gives the buffer back; what is left in it stays, in a store of its own size.
    pub(crate) fn release(&mut self) {
        let size = self.inbox.capacity();
        if size != ORDINARY && size != BULK {
            return;
        }
        let rest = self.inbox.take_unread();
        let buffer = mem::replace(&mut self.inbox, rest);
        POOL.with_borrow_mut(|pool| {
            if let Some(shelf) = pool.shelf(size)
                && shelf.len() < KEPT
            {
                shelf.push(buffer);
            }
        });
    }
}
