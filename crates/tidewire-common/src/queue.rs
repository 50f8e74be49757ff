use std::collections::VecDeque;

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
    items: VecDeque<Item>,
    bytes: usize,
}

impl ReadAhead {
    pub(crate) fn push(&mut self, item: Item) {
        self.bytes += payload_len(&item);
        self.items.push_back(item);
    }

    pub(crate) fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.bytes -= payload_len(&item);
        if self.items.is_empty() {
            // An idle connection owns no queue.
            self.items = VecDeque::new();
        }
        Some(item)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a chunk stands at the front.
    pub(crate) fn begins_with_chunk(&self) -> bool {
        matches!(self.items.front(), Some(Item::Chunk(_)))
    }
}

fn payload_len(item: &Item) -> usize {
    match item {
        Item::Message(message) => message.len(),
        Item::Chunk(chunk) => chunk.data.len(),
    }
}
