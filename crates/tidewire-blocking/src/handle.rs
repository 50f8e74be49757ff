use std::ops::Deref;
use std::sync::Arc;

use tidewire_common::{Error, Message, Session};

use crate::link::Link;
use crate::receive_error::forever;
use crate::transport::Transport;

/// What the application's halves of a connection share: when the last of them is gone, the connection is closed.
pub(crate) struct Handle<S: Transport>(Arc<Link<S>>);

impl<S: Transport> Handle<S> {
    pub(crate) fn new(link: Arc<Link<S>>) -> Arc<Self> {
        Arc::new(Self(link))
    }
}

impl<S: Transport> Handle<S> {
    /// The next step of an iteration over messages.
    pub(crate) fn next_item(&self, ended: &mut bool) -> Option<Result<Message, Error>> {
        if *ended {
            return None;
        }
        let next = forever(self.receive(None, Session::next_message)).transpose();
        *ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl<S: Transport> Deref for Handle<S> {
    type Target = Arc<Link<S>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<S: Transport> Drop for Handle<S> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
