use std::collections::VecDeque;
use std::task::{Context, Poll};

use tidewire_common::proto::End;
use tidewire_common::{Chunk, Error, Message};

use crate::shared::Handle;
use crate::state::{State, Transport};

/// How many messages are taken along with one: as many small allocations as an allocator keeps at hand, glibc's seven.
const ALONG: usize = 6;

/// Messages that were whole in the input when the one before them was taken, and came along with it: to take the lock
/// for each costs as much as to receive it.
///
/// They are the receiver's; nobody else sees them any more.
#[derive(Default)]
pub(crate) struct AtHand {
    /// Gone when the receiver waits, like every buffer.
    #[expect(
        clippy::box_collection,
        reason = "an idle connection has room for the pointer alone"
    )]
    messages: Option<Box<VecDeque<Message>>>,
}

impl AtHand {
    #[inline]
    fn pop(&mut self) -> Option<Message> {
        self.messages.as_mut()?.pop_front()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.as_ref().is_none_or(|messages| messages.is_empty())
    }

    #[inline]
    fn take_along(&mut self, mut next: impl FnMut() -> Option<Message>) {
        let Some(message) = next() else {
            return;
        };
        let messages = self
            .messages
            .get_or_insert_with(|| Box::new(VecDeque::with_capacity(ALONG)));
        messages.push_back(message);
        while messages.len() < ALONG
            && let Some(message) = next()
        {
            messages.push_back(message);
        }
    }

    fn release(&mut self) {
        self.messages = None;
    }
}

impl<S: Transport> Handle<S> {
    /// Polls for the next message; `None` after a good end.
    #[inline]
    pub(crate) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        if !self.at_hand.is_empty() {
            // Taking the first of them was counted against the task's budget.
            return Poll::Ready(Ok(self.at_hand.pop()));
        }
        let (shared, at_hand) = self.receiving();
        shared.poll_received(cx, |state| {
            let received = state.poll_message();
            match received {
                Poll::Ready(_) => {
                    at_hand.take_along(|| state.message_at_hand());
                    state.note_taken();
                }
                Poll::Pending => at_hand.release(),
            }
            received
        })
    }

    /// Polls for the next part of a message; a message at hand is one part.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Chunk>, Error>> {
        match self.at_hand.pop() {
            Some(data) => Poll::Ready(Ok(Some(Chunk { data, end: End::Last }))),
            None => self.poll_received(cx, State::poll_chunk),
        }
    }
}
