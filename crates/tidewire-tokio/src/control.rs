use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidewire_common::proto::{CloseCode, CloseFrame};
use tidewire_common::{ConnectionId, ServerControl, Traffic};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::clock;
use crate::shared::Shared;
use crate::state::Transport;

/// What a server and its handles share.
pub(crate) struct Control {
    /// The deadline, once the server is to stop.
    stop: watch::Sender<Option<Instant>>,
    open: Mutex<HashMap<ConnectionId, Arc<dyn Open>>>,
    /// What the connections that have ended did.
    ended: Mutex<Traffic>,
    address: Option<SocketAddr>,
}

impl Control {
    pub(crate) fn new(address: Option<SocketAddr>) -> Self {
        Self {
            stop: watch::Sender::new(None),
            open: Mutex::default(),
            ended: Mutex::default(),
            address,
        }
    }

    /// Waits until the server is told to stop; gives its deadline.
    pub(crate) async fn stopped(&self) -> Instant {
        let mut stop = self.stop.subscribe();
        // The other end lives in `self`, so there is always an answer.
        let deadline = stop.wait_for(Option::is_some).await.ok().and_then(|stop| *stop);
        deadline.unwrap_or_else(Instant::now)
    }

    /// Closes all open connections, since the server shuts down.
    pub(crate) fn leave(&self) {
        for connection in self.each() {
            connection.leave();
        }
    }

    /// Puts a connection on the list, for as long as the guard lives.
    pub(crate) fn list<S: Transport + Send + 'static>(self: Arc<Self>, shared: &Arc<Shared<S>>) -> Listed {
        let id = shared.with(|state, _| state.session.id());
        let open: Arc<dyn Open> = shared.clone();
        self.open().insert(id, open.clone());
        // Whoever is listed too late for the server's farewell takes it from here.
        if !self.is_serving() {
            open.leave();
        }
        Listed { control: self, id }
    }

    fn each(&self) -> Vec<Arc<dyn Open>> {
        self.open().values().cloned().collect()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<ConnectionId, Arc<dyn Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> MutexGuard<'_, Traffic> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServerControl for Control {
    fn shut_down(&self, deadline: Duration) {
        self.stop.send_if_modified(|stop| match stop {
            Some(_) => false,
            None => stop.replace(clock::after(deadline)).is_none(),
        });
    }

    fn is_serving(&self) -> bool {
        self.stop.borrow().is_none()
    }

    fn connections(&self) -> usize {
        self.open().len()
    }

    fn traffic(&self) -> Traffic {
        let open = self.each();
        let mut traffic = *self.ended();
        for connection in open {
            traffic += connection.traffic();
        }
        traffic
    }

    fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

/// An open connection, whatever its stream.
trait Open: Send + Sync {
    /// Closes it, since the server shuts down.
    fn leave(&self);

    fn traffic(&self) -> Traffic;
}

impl<S: Transport + Send> Open for Shared<S> {
    fn traffic(&self) -> Traffic {
        self.with(|state, _| state.session.metrics().traffic)
    }

    fn leave(&self) {
        self.with(|state, _| {
            state.to_wake.driver = true;
            state.close(CloseFrame::new(CloseCode::GOING_AWAY, "server shuts down"));
        });
    }
}

/// Takes a connection off the list when its task ends, however it does.
pub(crate) struct Listed {
    control: Arc<Control>,
    id: ConnectionId,
}

impl Listed {
    pub(crate) fn id(&self) -> ConnectionId {
        self.id
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let removed = self.control.open().remove(&self.id);
        if let Some(connection) = removed {
            *self.control.ended() += connection.traffic();
        }
    }
}
