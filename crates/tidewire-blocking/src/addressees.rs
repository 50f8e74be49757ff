//! The connections that broadcasts and rooms reach.

use tidewire_common::proto::Instant;
use tidewire_common::{Addressee, Reached, Session};

use crate::split::Sender;
use crate::transport::Transport;
use crate::websocket::WebSocket;

impl<S: Transport> Addressee for Sender<S> {
    fn reach(&self, work: &mut dyn FnMut(&mut Session, Instant) -> Reached) {
        self.handle.reach(work);
    }

    fn share(&self) -> Box<dyn Addressee> {
        Box::new(self.clone())
    }
}

impl<S: Transport> Addressee for WebSocket<S> {
    fn reach(&self, work: &mut dyn FnMut(&mut Session, Instant) -> Reached) {
        self.handle.reach(work);
    }

    fn share(&self) -> Box<dyn Addressee> {
        Box::new(Sender::new(self.handle.clone()))
    }
}
