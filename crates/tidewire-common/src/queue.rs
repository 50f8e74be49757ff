use std::collections::VecDeque;

use tidewire_proto::End;

use crate::message::Message;
use crate::spare::Spare;

/// A queue with room for more items is given back when it is empty.
const KEPT: usize = 32;

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

thread_local! {
    /// The queue that this thread emptied last.
    static SPARE: Spare<Queue> = const { Spare::new() };
}

impl ReadAhead {
    #[inline]
    pub(crate) fn push(&mut self, item: Item) {
        let queue = self.queue.get_or_insert_with(|| SPARE.with(Spare::take));
        queue.bytes += payload_len(&item);
        queue.items.push_back(item);
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Item> {
        let queue = self.queue.as_mut()?;
        let item = queue.items.pop_front()?;
        queue.bytes -= payload_len(&item);
        if queue.items.is_empty() {
            self.give_back();
        }
        Some(item)
    }

    /// Takes what stands at the front where that is a message.
    #[inline]
    pub(crate) fn pop_message(&mut self) -> Option<Message> {
        if self.begins_with_chunk() {
            return None;
        }
        match self.pop()? {
            Item::Message(message) | Item::Chunk(Chunk { data: message, .. }) => Some(message),
        }
    }

    #[cold]
    fn give_back(&mut self) {
        if let Some(queue) = self.queue.take()
            && queue.items.capacity() <= KEPT
        {
            SPARE.with(|kept| kept.keep(queue));
        }
    }

    #[inline]
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

fn payload_len(item: &Item) -> usize {
    match item {
        Item::Message(message) => message.len(),
        Item::Chunk(chunk) => chunk.data.len(),
    }
}
