use std::sync::Arc;

use tidewire_proto::Instant;

use crate::session::Session;

/// A connection that messages can be handed to from anywhere: a `WebSocket` or a `Sender` of an adapter.
///
/// Applications name it as a bound and do not implement it.
pub trait Addressee: Send + Sync {
    /// Works on the session, and sees that what was queued leaves, without waiting for that.
    #[doc(hidden)]
    fn reach(&self, work: &mut dyn FnMut(&mut Session, Instant) -> Reached);

    /// A handle of the same connection, to be kept.
    #[doc(hidden)]
    fn share(&self) -> Box<dyn Addressee>;
}

/// What was done to a session.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Something was queued that is to be written.
    Queued,
    /// There is nothing new to write.
    Unchanged,
}

impl<T: Addressee + ?Sized> Addressee for &T {
    fn reach(&self, work: &mut dyn FnMut(&mut Session, Instant) -> Reached) {
        (**self).reach(work);
    }

    fn share(&self) -> Box<dyn Addressee> {
        (**self).share()
    }
}

impl<T: Addressee + ?Sized> Addressee for Arc<T> {
    fn reach(&self, work: &mut dyn FnMut(&mut Session, Instant) -> Reached) {
        (**self).reach(work);
    }

    fn share(&self) -> Box<dyn Addressee> {
        (**self).share()
    }
}
