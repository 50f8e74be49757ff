//! Messages that are handed over from anywhere, without waiting: broadcasts, and those of rooms.

use std::sync::Arc;

use tidewire_proto::{CloseFrame, Instant, Phase};

use super::Session;
use crate::broadcast::Handed;
use crate::outgoing::Outgoing;
use crate::room::{Delivery, MembershipId, Rules, WhenFull};

/// What a member is told that is closed for being slow.
const TOO_SLOW: &str = "too slow";

impl Session {
    /// Sends a message that others share, if there is room for it at once.
    pub(crate) fn hand_over(&mut self, now: Instant, message: &Outgoing) -> Handed {
        if !self.takes_messages() {
            Handed::Closed
        } else if self.has_room() && self.output.overflow().is_none() {
            self.send_shared(now, message)
        } else {
            Handed::Full
        }
    }

    /// Sends a message of a room, or lets it wait for room as the room's rules say.
    pub(crate) fn deliver(
        &mut self,
        now: Instant,
        message: &Arc<Outgoing>,
        membership: MembershipId,
        rules: Rules,
    ) -> Delivery {
        match self.hand_over(now, message) {
            Handed::Sent => Delivery::Sent,
            Handed::Full => self.let_wait(now, message, membership, rules),
            Handed::Closed => Delivery::Closed,
        }
    }

    #[cold]
    fn let_wait(
        &mut self,
        now: Instant,
        message: &Arc<Outgoing>,
        membership: MembershipId,
        rules: Rules,
    ) -> Delivery {
        let overflow = self.output.overflow_mut();
        if overflow.len_of(membership) < rules.capacity() {
            overflow.push(membership, message.clone());
            return Delivery::Queued;
        }
        let delivery = match rules.when_full {
            WhenFull::Disconnect(code) => {
                // The code was checked with the rules.
                let _ = self.close(now, Some(CloseFrame::new(code, TOO_SLOW)));
                return Delivery::Disconnected;
            }
            WhenFull::DropNewest => return Delivery::DroppedNewest,
            WhenFull::DropOldest => Delivery::DroppedOldest,
            WhenFull::KeepLatest => Delivery::Replaced,
        };
        overflow.drop_oldest(membership);
        overflow.push(membership, message.clone());
        delivery
    }

    /// Drops what waits of a membership that is over.
    pub(crate) fn forget_membership(&mut self, membership: MembershipId) {
        if self.output.overflow().is_some() {
            self.output.overflow_mut().forget(membership);
            self.output.tidy_overflow();
        }
    }

    /// Sends what waited, in order, while there is room for it.
    #[inline]
    pub(super) fn send_waiting(&mut self, now: Instant) {
        if self.output.overflow().is_some() {
            self.send_overflow(now);
        }
    }

    #[cold]
    fn send_overflow(&mut self, now: Instant) {
        if !self.takes_messages() {
            self.output.overflow_mut().give_up();
            return;
        }
        // The upper half of the queue is for what others send on this connection: with all of it, a room that sends
        // faster than the peer reads would have them wait for ever.
        while !self.sending_pieces && self.unsent_len() < self.settings.write_queue.div_ceil(2) {
            let Some(message) = self.output.overflow_mut().pop() else {
                break;
            };
            self.send_shared(now, &message);
        }
        self.output.tidy_overflow();
    }

    /// Whether messages may still be queued.
    fn takes_messages(&self) -> bool {
        self.phase() == Phase::Open && self.broken.is_none()
    }

    fn send_shared(&mut self, now: Instant, message: &Outgoing) -> Handed {
        match self.append(now, message) {
            Ok(appended) => {
                self.note_appended(appended, || message.clone());
                Handed::Sent
            }
            Err(_) => Handed::Closed,
        }
    }
}
