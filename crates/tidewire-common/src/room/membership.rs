use std::fmt;
use std::sync::Arc;

use super::Room;
use super::members::Member;

/// The place of a connection in a [`Room`], which it leaves when this is dropped.
///
/// Once it has left, it gets no more messages of this room: those that waited for room are dropped.
#[must_use = "the connection leaves the room when this is dropped"]
pub struct Membership {
    room: Room,
    seat: usize,
    member: Arc<Member>,
}

impl Membership {
    pub(super) fn new(room: Room, seat: usize, member: Arc<Member>) -> Self {
        Self { room, seat, member }
    }

    pub(super) fn member(&self) -> &Arc<Member> {
        &self.member
    }

    /// The room.
    pub fn room(&self) -> &Room {
        &self.room
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.room.remove(self.seat, &self.member);
        self.member.leave();
    }
}

impl fmt::Debug for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership")
            .field("member", &self.member)
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}
