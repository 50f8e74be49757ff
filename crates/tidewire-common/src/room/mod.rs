//! Messages for many connections, of which some may be slow.

mod deliveries;
mod members;
mod membership;
mod rules;

pub use deliveries::Deliveries;
pub(crate) use deliveries::Delivery;
pub(crate) use members::MembershipId;
pub use membership::Membership;
pub(crate) use rules::Rules;
pub use rules::{RoomBuilder, WhenFull};

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::addressee::Addressee;
use crate::outgoing::Outgoing;
use members::{Member, Members};

/// A group of connections that get the same messages; to send never waits for a slow one. Cheap to clone: each is the
/// same room, for use from any task or thread.
///
/// A message goes straight into the queue of a member's connection. Where that has [no
/// room](crate::ConfigBuilder::write_queue), since the peer reads too slowly, or a message in pieces is open, the
/// message waits in a queue of its own, with at most as many others as the [capacity](RoomBuilder::capacity) says;
/// beyond that, the room does what [`WhenFull`] says. All of them share the message, so that a slow member costs its
/// connection's queue and the pointers to the messages that wait.
///
/// **Order.** A member gets what one task or thread sends in that order, whichever of its rooms it is sent to; what
/// several send at the same time may come to each member in another order. What is sent on the member's connection
/// directly may pass room messages that wait: they go on once half of its queue is empty, so that a room which is sent
/// to without end does not keep its members' handlers waiting for ever.
///
/// **The end.** When a connection begins to close, the messages that wait for it are dropped, and counted among those
/// that were not sent: `queued_messages` of its [metrics](crate::Metrics). Its membership ends with the next message.
///
/// ```
/// # use tidewire_common::{Room, WhenFull};
/// let prices = Room::builder().capacity(16).when_full(WhenFull::DropOldest).build()?;
/// // In a handler: `let _membership = prices.join(&ws);`. From anywhere:
/// prices.send("1 kg of apples: 2.50");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Room(Arc<Shared>);

#[derive(Default)]
struct Shared {
    rules: Rules,
    /// A message goes to the list as it was when it was sent; the list is copied where somebody comes or leaves
    /// meanwhile, once for each message at most. So neither waits for the other.
    members: Mutex<Arc<Members>>,
    deliveries: Mutex<Deliveries>,
}

impl Room {
    /// A room in which 64 messages may wait for a slow member, which is disconnected with 1013 (try again later) then.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts from these settings.
    pub fn builder() -> RoomBuilder {
        RoomBuilder::default()
    }

    fn with(rules: Rules) -> Self {
        Self(Arc::new(Shared {
            rules,
            ..Shared::default()
        }))
    }

    /// Makes a connection a member, until it ends or the membership is dropped.
    ///
    /// It gets what is sent from now on. The membership keeps the connection open as a `Sender` does. A connection that
    /// joins twice has two memberships, and gets each message twice.
    ///
    /// On tokio, a connection without a driver writes what does not leave at once only while one of its futures is
    /// polled.
    pub fn join(&self, connection: &impl Addressee) -> Membership {
        let member = Arc::new(Member::new(connection));
        let seat = Arc::make_mut(&mut self.members()).seat(member.clone());
        Membership::new(self.clone(), seat, member)
    }

    /// Sends a message to all members, and says what became of it. Never waits.
    ///
    /// The message is encoded once, and compressed once for each size of window that was agreed on; connections whose
    /// messages refer to earlier ones (context takeover) compress it each for itself.
    pub fn send(&self, message: impl Into<Outgoing>) -> Deliveries {
        self.deliver(message.into(), None)
    }

    /// Sends a message to all members but one, its author for example; otherwise as [`send`](Self::send).
    pub fn send_except(&self, member: &Membership, message: impl Into<Outgoing>) -> Deliveries {
        self.deliver(message.into(), Some(member.member()))
    }

    fn deliver(&self, message: Outgoing, except: Option<&Arc<Member>>) -> Deliveries {
        let message = Arc::new(message.prepare());
        let members = self.members().clone();
        let mut deliveries = Deliveries::default();
        let mut gone = Vec::new();
        for (seat, member) in members.iter() {
            if except.is_some_and(|except| Arc::ptr_eq(except, member)) {
                continue;
            }
            let delivery = member.deliver(&message, self.0.rules);
            deliveries.count(delivery);
            if matches!(delivery, Delivery::Closed | Delivery::Disconnected) {
                gone.push((seat, member.clone()));
            }
        }
        // Before the list is changed, so that it need not be copied.
        drop(members);
        for (seat, member) in &gone {
            self.remove(*seat, member);
        }
        *lock(&self.0.deliveries) += deliveries;
        deliveries
    }

    /// How many members there are; one whose connection has ended counts until the next message.
    pub fn len(&self) -> usize {
        self.members().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What became of all messages so far.
    pub fn metrics(&self) -> Deliveries {
        *lock(&self.0.deliveries)
    }

    /// Takes a member off the list, if it is on it.
    fn remove(&self, seat: usize, member: &Arc<Member>) {
        let mut members = self.members();
        if members.has(seat, member) {
            Arc::make_mut(&mut members).free(seat);
        }
    }

    fn members(&self) -> MutexGuard<'_, Arc<Members>> {
        lock(&self.0.members)
    }
}

/// Nothing that is done under these locks panics half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("rules", &self.0.rules)
            .field("members", &self.len())
            .field("deliveries", &self.metrics())
            .finish()
    }
}
