//! Input buffers, which nobody owns between two polls.
//!
//! `poll_read` is synchronous, so a buffer is needed only while it runs and while what it read is parsed. A
//! connection that waits for input has given its buffer back, and ten thousand of them share a few.

use std::cell::RefCell;

use tidewire_common::proto::Inbox;

/// The size of a buffer.
const ORDINARY: usize = 32 * 1024;
/// The size of a buffer for a connection whose last read filled its buffer.
const BULK: usize = 64 * 1024;
/// How many buffers a thread keeps of each size.
const KEPT: usize = 4;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { ordinary: Vec::new(), bulk: Vec::new() }) };
}

/// The boxes go to a connection and come back as they are.
type Shelf = Vec<Box<Inbox>>;

struct Pool {
    ordinary: Shelf,
    bulk: Shelf,
}

impl Pool {
    fn shelf(&mut self, size: usize) -> Option<&mut Shelf> {
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
    /// Boxed, so that having none costs a pointer; it goes to the pool and back with its box.
    inbox: Option<Box<Inbox>>,
    /// The last read filled its buffer.
    bulk: bool,
    /// The last read did not, so it took all that the socket had.
    drained: bool,
}

impl Input {
    /// The input of a connection that begins with what was read behind its handshake.
    pub(crate) fn new(rest: Inbox) -> Self {
        Self {
            inbox: (!rest.is_empty()).then(|| Box::new(rest)),
            bulk: false,
            drained: false,
        }
    }

    /// Whether everything was consumed.
    pub(crate) fn is_empty(&self) -> bool {
        self.inbox.as_ref().is_none_or(|inbox| inbox.is_empty())
    }

    /// What is to be consumed; `nothing` where that is nothing.
    pub(crate) fn inbox<'i>(&'i mut self, nothing: &'i mut Inbox) -> &'i mut Inbox {
        self.inbox.as_deref_mut().unwrap_or(nothing)
    }

    /// The buffer to read into; needs everything that was read before to be consumed.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        let size = if self.bulk { BULK } else { ORDINARY };
        if self.inbox.as_ref().is_some_and(|inbox| inbox.capacity() != size) {
            self.release();
            self.inbox = None;
        }
        let inbox = self.inbox.get_or_insert_with(|| {
            POOL.with_borrow_mut(|pool| pool.shelf(size).and_then(Vec::pop))
                .unwrap_or_else(|| Box::new(Inbox::with_capacity(size)))
        });
        inbox.buffer()
    }

    /// Notes how much a read brought.
    pub(crate) fn note_read(&mut self, len: usize) {
        self.bulk = self.inbox.as_ref().is_some_and(|inbox| inbox.capacity() == len);
        self.drained = !self.bulk;
    }

    /// Notes a read that went past the buffer.
    pub(crate) fn note_read_past(&mut self) {
        self.drained = false;
    }

    /// Whether nothing is left to be consumed, here or, as of the last read, in the socket.
    pub(crate) fn is_drained(&self) -> bool {
        self.drained && self.is_empty()
    }

    /// Gives the buffer back; what is left in it stays, in a store of its own size.
    pub(crate) fn release(&mut self) {
        let Some(mut buffer) = self.inbox.take() else {
            return;
        };
        let size = buffer.capacity();
        if size != ORDINARY && size != BULK {
            self.inbox = (!buffer.is_empty()).then_some(buffer);
            return;
        }
        if !buffer.is_empty() {
            self.inbox = Some(Box::new(buffer.take_unread()));
        }
        POOL.with_borrow_mut(|pool| {
            if let Some(shelf) = pool.shelf(size)
                && shelf.len() < KEPT
            {
                shelf.push(buffer);
            }
        });
    }
}
