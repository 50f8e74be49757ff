use std::collections::VecDeque;
use std::sync::Arc;

use crate::outgoing::Outgoing;
use crate::room::MembershipId;

/// The messages of rooms that a connection has no room for, in the order in which they were sent.
///
/// They are in one queue whichever room they are of, so that a member of two rooms has them in order; how many are of
/// which membership is counted beside it, since each is bounded by its own room.
#[derive(Debug, Default)]
pub(super) struct Overflow {
    waiting: VecDeque<(MembershipId, Arc<Outgoing>)>,
    lens: Vec<(MembershipId, usize)>,
    /// How many were dropped since closing began: they are still told of.
    given_up: usize,
}

impl Overflow {
    /// How many messages wait of this membership.
    pub(super) fn len_of(&self, membership: MembershipId) -> usize {
        let found = self.lens.iter().find(|(id, _)| *id == membership);
        found.map_or(0, |(_, len)| *len)
    }

    /// How many messages have not left, those that never will among them.
    pub(super) fn unsent(&self) -> usize {
        self.waiting.len() + self.given_up
    }

    pub(super) fn push(&mut self, membership: MembershipId, message: Arc<Outgoing>) {
        self.waiting.push_back((membership, message));
        match self.lens.iter_mut().find(|(id, _)| *id == membership) {
            Some((_, len)) => *len += 1,
            None => self.lens.push((membership, 1)),
        }
    }

    /// Takes the oldest message out.
    pub(super) fn pop(&mut self) -> Option<Arc<Outgoing>> {
        let (membership, message) = self.waiting.pop_front()?;
        self.note_gone(membership);
        Some(message)
    }

    /// Drops the oldest message of this membership.
    pub(super) fn drop_oldest(&mut self, membership: MembershipId) {
        if let Some(at) = self.waiting.iter().position(|(id, _)| *id == membership) {
            self.waiting.remove(at);
            self.note_gone(membership);
        }
    }

    /// Drops all messages of this membership.
    pub(super) fn forget(&mut self, membership: MembershipId) {
        self.waiting.retain(|(id, _)| *id != membership);
        self.lens.retain(|(id, _)| *id != membership);
    }

    /// Drops all messages, and keeps their count.
    pub(super) fn give_up(&mut self) {
        *self = Self {
            given_up: self.unsent(),
            ..Self::default()
        };
    }

    fn note_gone(&mut self, membership: MembershipId) {
        if let Some(at) = self.lens.iter().position(|(id, _)| *id == membership)
            && let Some((_, len)) = self.lens.get_mut(at)
        {
            *len -= 1;
            if *len == 0 {
                self.lens.swap_remove(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::message::Message;

    #[derive(Clone, Debug)]
    enum Step {
        Push(u64),
        Pop,
        DropOldest(u64),
        Forget(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..3_u64).prop_map(Step::Push),
            2 => Just(Step::Pop),
            1 => (0..3_u64).prop_map(Step::DropOldest),
            1 => (0..3_u64).prop_map(Step::Forget),
        ]
    }

    proptest! {
        #[test]
        fn an_overflow_is_a_list_in_order_that_counts_by_membership(steps in vec(step(), 0..60)) {
            let (mut overflow, mut model) = (Overflow::default(), Vec::new());
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(of) => {
                        overflow.push(MembershipId::from(of), Arc::new(Message::from(number.to_string()).into()));
                        model.push((of, number.to_string()));
                    }
                    Step::Pop => {
                        let popped = overflow.pop().map(|message| message.as_message().as_bytes().to_vec());
                        let expected = (!model.is_empty()).then(|| model.remove(0).1.into_bytes());
                        prop_assert_eq!(popped, expected);
                    }
                    Step::DropOldest(of) => {
                        overflow.drop_oldest(MembershipId::from(of));
                        if let Some(at) = model.iter().position(|(id, _)| *id == of) {
                            model.remove(at);
                        }
                    }
                    Step::Forget(of) => {
                        overflow.forget(MembershipId::from(of));
                        model.retain(|(id, _)| *id != of);
                    }
                }
                prop_assert_eq!(overflow.unsent(), model.len());
                for of in 0..3 {
                    let len = model.iter().filter(|(id, _)| *id == of).count();
                    prop_assert_eq!(overflow.len_of(MembershipId::from(of)), len);
                }
            }
            overflow.give_up();
            prop_assert!(overflow.pop().is_none(), "none of them leaves");
            prop_assert_eq!(overflow.unsent(), model.len(), "they are counted");
        }
    }
}
