use std::collections::VecDeque;
use std::num::NonZeroU64;

use tidewire_proto::End;

use crate::message::Message;

/// Something received that the application has not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A whole message.
    Message(Message),
    /// A part of one that is received in pieces.
    Chunk(Chunk),
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The part; text is cut on character boundaries.
    pub data: Message,
    /// Whether more follows.
    pub end: End,
}

/// What was read ahead.
#[derive(Debug, Default)]
pub(crate) struct ReadAhead {
    /// `None` where nothing was: an idle connection owns no queue.
    queue: Option<Box<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
}

impl ReadAhead {
    pub(crate) fn push(&mut self, item: Item) {
        let queue = self.queue.get_or_insert_default();
        queue.bytes += payload_len(&item);
        queue.items.push_back(item);
    }

    pub(crate) fn pop(&mut self) -> Option<Item> {
        let queue = self.queue.as_mut()?;
        let item = queue.items.pop_front()?;
        queue.bytes -= payload_len(&item);
        if queue.items.is_empty() {
            self.queue = None;
        }
        Some(item)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_none()
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.items.len())
    }

    pub(crate) fn bytes(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.bytes)
    }

    /// Whether a chunk stands at the front.
    pub(crate) fn begins_with_chunk(&self) -> bool {
        let front = self.queue.as_ref().and_then(|queue| queue.items.front());
        matches!(front, Some(Item::Chunk(_)))
    }
}

/// Where in the order of all bytes each message ends that has not left whole.
///
/// The first needs no memory: mostly it is the only one.
#[derive(Debug, Default)]
pub(crate) struct MessageEnds {
    /// A message is two bytes at least, so none ends at 0.
    first: Option<NonZeroU64>,
    #[expect(
        clippy::box_collection,
        reason = "an idle connection has room for the pointer alone"
    )]
    others: Option<Box<VecDeque<NonZeroU64>>>,
}

impl MessageEnds {
    pub(crate) fn push(&mut self, end: u64) {
        let end = NonZeroU64::new(end);
        if self.first.is_none() {
            self.first = end;
        } else {
            self.others.get_or_insert_default().extend(end);
        }
    }

    /// Forgets the messages that have left, now that `sent` bytes have.
    pub(crate) fn pass(&mut self, sent: u64) {
        while self.first.is_some_and(|end| end.get() <= sent) {
            self.first = self.others.as_mut().and_then(|others| others.pop_front());
        }
        if self.first.is_none() {
            self.others = None;
        }
    }

    pub(crate) fn len(&self) -> usize {
        let others = self.others.as_ref().map_or(0, |others| others.len());
        usize::from(self.first.is_some()) + others
    }
}

fn payload_len(item: &Item) -> usize {
    match item {
        Item::Message(message) => message.len(),
        Item::Chunk(chunk) => chunk.data.len(),
    }
}
