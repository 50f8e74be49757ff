use crate::addressee::{Addressee, Reached};
use crate::outgoing::Outgoing;

/// What became of a message that was handed to one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handed {
    /// It is in the connection's queue.
    Sent,
    /// There was no room for it.
    Full,
    /// The connection was not open.
    Closed,
}

/// What became of a message that was [broadcast].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broadcast {
    /// The connections that have taken it.
    pub sent: usize,
    /// Those that were skipped, since they were not open.
    pub closed: usize,
    /// Those that missed it, since they had no room for it at once.
    pub full: usize,
}

/// Sends a message on many connections, and never waits for any of them: one that is closed is skipped, and one whose
/// [queue](crate::ConfigBuilder::write_queue) is full, or that is sending a message in pieces, misses it.
///
/// The message is encoded once, and compressed once for each size of window that was agreed on; connections whose
/// messages refer to earlier ones (context takeover) compress it each for itself. A payload of 16 KiB or more that a
/// server sends uncompressed is shared, not copied. Each connection has it behind what was sent on it before.
///
/// To have slow connections get what they missed, or closed, use a [`Room`](crate::Room).
///
/// ```
/// # use tidewire_common::{Addressee, broadcast};
/// fn announce(senders: &[impl Addressee]) -> bool {
///     let told = broadcast(senders, "the kettle has boiled");
///     told.sent == senders.len()
/// }
/// ```
pub fn broadcast<A: Addressee>(
    connections: impl IntoIterator<Item = A>,
    message: impl Into<Outgoing>,
) -> Broadcast {
    let message = message.into().prepare();
    let mut broadcast = Broadcast::default();
    for connection in connections {
        connection.reach(&mut |session, now| match session.hand_over(now, &message) {
            Handed::Sent => {
                broadcast.sent += 1;
                Reached::Queued
            }
            Handed::Full => {
                broadcast.full += 1;
                Reached::Unchanged
            }
            Handed::Closed => {
                broadcast.closed += 1;
                Reached::Unchanged
            }
        });
    }
    broadcast
}
