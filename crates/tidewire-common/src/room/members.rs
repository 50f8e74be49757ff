use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{Delivery, Rules};
use crate::addressee::{Addressee, Reached};
use crate::outgoing::Outgoing;

/// Names a membership, one of all rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MembershipId(u64);

impl MembershipId {
    /// One that was not there before.
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
impl From<u64> for MembershipId {
    fn from(id: u64) -> Self {
        Self(id)
    }
}

/// A connection in a room.
pub(super) struct Member {
    id: MembershipId,
    /// Changed before the connection's lock is taken, and looked at under it.
    left: AtomicBool,
    connection: Box<dyn Addressee>,
}

impl Member {
    pub(super) fn new(connection: &impl Addressee) -> Self {
        Self {
            id: MembershipId::next(),
            left: AtomicBool::new(false),
            connection: connection.share(),
        }
    }

    /// Hands a message over, unless the member left.
    pub(super) fn deliver(&self, message: &Arc<Outgoing>, rules: Rules) -> Delivery {
        let mut delivery = Delivery::Closed;
        self.connection.reach(&mut |session, now| {
            if self.left.load(Ordering::Relaxed) {
                return Reached::Unchanged;
            }
            delivery = session.deliver(now, message, self.id, rules);
            delivery.reached()
        });
        delivery
    }

    /// Ends the membership: nothing is handed over any more, and what waits is dropped. So the messages that wait on a
    /// connection are never more than its memberships allow, however often it joins and leaves.
    pub(super) fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
        self.connection.reach(&mut |session, _| {
            session.forget_membership(self.id);
            Reached::Unchanged
        });
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The members of a room, each in a seat that another may have after it.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    seats: Vec<Option<Arc<Member>>>,
    free: Vec<usize>,
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.seats.len() - self.free.len()
    }

    /// Gives a member a seat.
    pub(super) fn seat(&mut self, member: Arc<Member>) -> usize {
        if let Some(number) = self.free.pop()
            && let Some(seat) = self.seats.get_mut(number)
        {
            *seat = Some(member);
            return number;
        }
        self.seats.push(Some(member));
        self.seats.len() - 1
    }

    /// Whether this member has this seat.
    pub(super) fn has(&self, number: usize, member: &Arc<Member>) -> bool {
        let seat = self.seats.get(number).and_then(Option::as_ref);
        seat.is_some_and(|seated| Arc::ptr_eq(seated, member))
    }

    /// Frees a seat.
    pub(super) fn free(&mut self, number: usize) -> Option<Arc<Member>> {
        let member = self.seats.get_mut(number)?.take()?;
        self.free.push(number);
        if self.len() == 0 {
            *self = Self::default();
        }
        Some(member)
    }

    /// The members with their seats.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Arc<Member>)> {
        let seats = self.seats.iter().enumerate();
        seats.filter_map(|(number, seat)| seat.as_ref().map(|member| (number, member)))
    }
}
