use std::ops::AddAssign;

use crate::addressee::Reached;

/// What became of a message for one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// It is in the connection's own queue.
    Sent,
    /// It waits for room in that.
    Queued,
    /// It waits in place of an older one.
    DroppedOldest,
    /// It was not taken, since as many wait as may.
    DroppedNewest,
    /// It waits in place of the only other one.
    Replaced,
    /// The connection was closed for it.
    Disconnected,
    /// The connection was not open.
    Closed,
}

impl Delivery {
    /// Whether that left something to be written.
    pub(crate) fn reached(self) -> Reached {
        match self {
            Self::Sent | Self::Disconnected => Reached::Queued,
            Self::Queued | Self::DroppedOldest | Self::DroppedNewest | Self::Replaced | Self::Closed => {
                Reached::Unchanged
            }
        }
    }
}

/// What became of messages to the members of a room: of one message, or of all so far. Each counts once for each
/// member that it was for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deliveries {
    /// Those that a connection had room for at once.
    pub sent: u64,
    /// Those that had to wait for a slow member, whether they were dropped later or not.
    pub queued: u64,
    /// Those that had waited, and were dropped for a newer one.
    pub dropped_oldest: u64,
    /// Those that were dropped since as many waited as may.
    pub dropped_newest: u64,
    /// Those that had waited, and of which a newer one took the place.
    pub replaced: u64,
    /// Members that were closed for being slow.
    pub disconnected: u64,
}

impl Deliveries {
    pub(super) fn count(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Sent => self.sent += 1,
            Delivery::Queued => self.queued += 1,
            Delivery::DroppedOldest => {
                self.queued += 1;
                self.dropped_oldest += 1;
            }
            Delivery::DroppedNewest => self.dropped_newest += 1,
            Delivery::Replaced => {
                self.queued += 1;
                self.replaced += 1;
            }
            Delivery::Disconnected => self.disconnected += 1,
            Delivery::Closed => {}
        }
    }
}

impl AddAssign for Deliveries {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.queued += other.queued;
        self.dropped_oldest += other.dropped_oldest;
        self.dropped_newest += other.dropped_newest;
        self.replaced += other.replaced;
        self.disconnected += other.disconnected;
    }
}
