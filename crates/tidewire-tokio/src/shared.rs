use std::fmt;
use std::future::poll_fn;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::task::coop;

use crate::at_hand::AtHand;
use crate::state::{State, Transport, give_way};
use crate::wakers::{Ticket, ToWake};

/// A connection as its handles and its driver share it.
///
/// All progress lives in the state, none in the futures, which is why they can be dropped at any await. The lock is
/// held for one poll at most, never across an await.
pub(crate) struct Shared<S> {
    state: Mutex<State<S>>,
    handles: AtomicU32,
}

impl<S> Shared<S> {
    pub(crate) fn new(state: State<S>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(state),
            handles: AtomicU32::new(0),
        })
    }

    /// Works on the state; wakes those who gain from it once the lock is released.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State<S>) -> T) -> T {
        let mut state = self.lock();
        let result = work(&mut state);
        let woken = state.take_woken();
        drop(state);
        if let Some(woken) = woken {
            woken.wake();
        }
        result
    }

    /// Begins a turn of the driver, which polls its handler now: until it [looks](Self::look) at the state, nobody wakes
    /// it.
    pub(crate) fn begin_turn(&self, cx: &Context<'_>) {
        // Dropped after the lock is.
        let _before = self.lock().begin_turn(cx.waker());
    }

    /// Works on the state as its driver, at the end of its turn.
    pub(crate) fn look<T>(&self, work: impl FnOnce(&mut State<S>) -> T) -> T {
        self.with(|state| {
            state.end_turn();
            work(state)
        })
    }

    /// Forgets the task of a driver that goes; that may own a handle.
    pub(crate) fn forget_driver(&self) {
        // Dropped after the lock is.
        let _task = self.lock().forget_driver();
    }

    /// Whether the application still has a handle.
    pub(crate) fn has_handles(&self) -> bool {
        self.handles.load(Ordering::Acquire) > 0
    }

    /// Ends the connection where it stands.
    pub(crate) fn abort(&self) {
        // The socket is dropped after the lock is.
        let _socket = self.with(State::abort);
    }

    fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Transport> Shared<S> {
    /// Polls for what was received, for the one task that receives.
    #[inline]
    pub(crate) fn poll_received<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut State<S>) -> Poll<T>,
    ) -> Poll<T> {
        let coop = std::task::ready!(coop::poll_proceed(cx));
        let received = self.with(|state| {
            // Without a driver the socket wakes us directly, and may do so before we are done here.
            if !state.is_driven() {
                state.register_receiver(cx.waker());
            }
            let received = poll(state);
            if state.is_driven() && received.is_pending() {
                state.register_receiver(cx.waker());
                if state.is_drivers_turn() {
                    state.note_found_nothing();
                }
            }
            if state.gives_way() {
                // Not the connection's waker, which wakes a driver alone.
                give_way(cx);
            }
            received
        });
        if received.is_ready() {
            coop.made_progress();
        }
        received
    }
}

/// One who waits for something other than input: for room, for a flush, for a Pong, for the end.
pub(crate) struct Waiter<'s, S> {
    shared: &'s Shared<S>,
    ticket: Option<Ticket>,
}

impl<'s, S: Transport> Waiter<'s, S> {
    pub(crate) fn new(shared: &'s Shared<S>) -> Self {
        Self { shared, ticket: None }
    }

    /// Tries `step` now and whenever the connection made progress, until it is ready.
    pub(crate) async fn wait<T>(mut self, mut step: impl FnMut(&mut State<S>) -> Poll<T>) -> T {
        poll_fn(|cx| self.poll(cx, &mut step)).await
    }

    /// As [`wait`](Self::wait), for a future of one's own.
    pub(crate) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        step: impl FnMut(&mut State<S>) -> Poll<T>,
    ) -> Poll<T> {
        poll_other(self.shared, &mut self.ticket, cx, step)
    }
}

impl<S> Drop for Waiter<'_, S> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            // Dropped after the lock is.
            let _forgotten = self.shared.with(|state| state.forget(ticket));
        }
    }
}

/// Tries `step`, drives the connection where nobody else does, and registers under `ticket` where it must wait.
fn poll_other<S: Transport, T>(
    shared: &Shared<S>,
    ticket: &mut Option<Ticket>,
    cx: &mut Context<'_>,
    mut step: impl FnMut(&mut State<S>) -> Poll<T>,
) -> Poll<T> {
    let coop = std::task::ready!(coop::poll_proceed(cx));
    let done = shared.with(|state| {
        let mut done = step(state);
        if done.is_pending() {
            state.register_other(ticket, cx.waker());
            // Only now, registered, may the socket be left to wake us.
            if !state.is_driven() {
                state.poll_drive();
                done = step(state);
            }
        }
        done
    });
    if done.is_ready() {
        coop.made_progress();
    }
    done
}

/// A share in a connection; the last one to go ends it.
pub(crate) struct Handle<S> {
    shared: Arc<Shared<S>>,
    /// The place among those who wait of the `Sink` that the handle's owner is.
    sink: Option<Ticket>,
    /// What the owner has at hand, if it receives.
    pub(crate) at_hand: AtHand,
}

impl<S> Handle<S> {
    pub(crate) fn new(shared: Arc<Shared<S>>) -> Self {
        shared.handles.fetch_add(1, Ordering::Relaxed);
        Self {
            shared,
            sink: None,
            at_hand: AtHand::default(),
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared<S>> {
        &self.shared
    }

    /// What an owner that receives works on.
    pub(crate) fn receiving(&mut self) -> (&Shared<S>, &mut AtHand) {
        (&self.shared, &mut self.at_hand)
    }
}

impl<S: Transport> Handle<S> {
    /// Tries `step`, for the `Sink` that the handle's owner is.
    pub(crate) fn poll_sink<T>(
        &mut self,
        cx: &mut Context<'_>,
        step: impl FnMut(&mut State<S>) -> Poll<T>,
    ) -> Poll<T> {
        poll_other(&self.shared, &mut self.sink, cx, step)
    }
}

impl<S> Deref for Handle<S> {
    type Target = Shared<S>;

    fn deref(&self) -> &Shared<S> {
        &self.shared
    }
}

impl<S> Clone for Handle<S> {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl<S> Drop for Handle<S> {
    fn drop(&mut self) {
        if let Some(ticket) = self.sink.take() {
            let _forgotten = self.with(|state| state.forget(ticket));
        }
        if self.handles.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        let driven = self.with(|state| {
            state.progress.to_wake |= ToWake::DRIVER;
            state.is_driven()
        });
        if !driven {
            self.abort();
        }
    }
}

impl<S> fmt::Debug for Handle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lock().fmt(f)
    }
}
