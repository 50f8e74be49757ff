//! The connections that broadcasts and rooms reach.

use tidewire_common::proto::Instant;
use tidewire_common::{Addressee, Reached, Session};

use crate::calls;
use crate::split::Sender;
use crate::state::Transport;
use crate::websocket::WebSocket;

impl<S: Transport + Send + 'static> Addressee for Sender<S> {
    fn reach(&self, work: &mut dyn FnMut(&mut Session, Instant) -> Reached) {
        calls::reach(&self.handle, work);
    }

    fn share(&self) -> Box<dyn Addressee> {
        Box::new(self.clone())
    }
}

impl<S: Transport + Send + 'static> Addressee for WebSocket<S> {
    fn reach(&self, work: &mut dyn FnMut(&mut Session, Instant) -> Reached) {
        calls::reach(&self.handle, work);
    }

    fn share(&self) -> Box<dyn Addressee> {
        Box::new(Sender {
            handle: self.handle.clone(),
        })
    }
}
