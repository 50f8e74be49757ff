use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::client::retry::StopToken;

/// Sends for an application and stops it, from anywhere; a clone is a handle of the same.
pub struct ApplicationHandle<S>(Arc<Inner<S>>);

struct Inner<S> {
    stop: StopToken,
    sender: Mutex<Option<S>>,
}

impl<S> ApplicationHandle<S> {
    /// A handle of one that this token stops.
    pub fn new(stop: StopToken) -> Self {
        Self(Arc::new(Inner {
            stop,
            sender: Mutex::new(None),
        }))
    }

    /// Notes the connection that there is now, or that there is none.
    pub fn note(&self, sender: Option<S>) {
        let before = mem::replace(&mut *self.lock(), sender);
        // Dropped after the lock is.
        drop(before);
    }

    /// Stops it: its connection is closed with 1000, attempts and delays are broken off. Returns at once.
    pub fn stop(&self) {
        self.0.stop.stop();
    }

    /// Whether it was stopped.
    pub fn is_stopped(&self) -> bool {
        self.0.stop.is_stopped()
    }

    fn lock(&self) -> MutexGuard<'_, Option<S>> {
        self.0.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Clone> ApplicationHandle<S> {
    /// What sends on the connection that there is now; `None` where there is none.
    pub fn sender(&self) -> Option<S> {
        self.lock().clone()
    }
}

impl<S> Clone for ApplicationHandle<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> fmt::Debug for ApplicationHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplicationHandle")
            .field("is_open", &self.lock().is_some())
            .field("is_stopped", &self.is_stopped())
            .finish()
    }
}
