use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Stops clients that connect again and again, from any task and any thread; a clone is the same token.
///
/// ```
/// # use tidewire_common::StopToken;
/// let stop = StopToken::new();
/// let elsewhere = stop.clone();
/// std::thread::spawn(move || elsewhere.stop()).join().expect("no panic");
/// assert!(stop.is_stopped());
/// ```
#[derive(Clone, Default)]
pub struct StopToken(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_stopped: bool,
    next: u64,
    calls: BTreeMap<u64, Call>,
}

/// What follows a stop.
enum Call {
    Wake(Waker),
    Run(Box<dyn FnOnce() + Send>),
}

impl Call {
    fn call(self) {
        match self {
            Self::Wake(waker) => waker.wake(),
            Self::Run(run) => run(),
        }
    }
}

impl StopToken {
    /// One that is not stopped.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops all who have this token, once and for all. Returns at once.
    pub fn stop(&self) {
        let mut state = self.lock();
        state.is_stopped = true;
        let calls = mem::take(&mut state.calls);
        drop(state);
        for call in calls.into_values() {
            call.call();
        }
    }

    /// Whether it was stopped.
    pub fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    /// Waits until it is stopped, on any runtime.
    ///
    /// # Cancel safety
    /// Safe: may be dropped and called again.
    pub fn stopped(&self) -> Stopped {
        Stopped {
            token: self.clone(),
            id: None,
        }
    }

    /// Has `call` called when it is stopped, on the thread that does it; at once where it was already. Not any more once
    /// what this gives is dropped.
    pub fn on_stop(&self, call: impl FnOnce() + Send + 'static) -> OnStop {
        let call = Call::Run(Box::new(call));
        OnStop {
            id: self.add(None, call),
            token: self.clone(),
        }
    }

    /// Adds a call, or one in the place of another; without an id where it was called at once.
    fn add(&self, place: Option<u64>, call: Call) -> Option<u64> {
        let mut state = self.lock();
        if state.is_stopped {
            drop(state);
            call.call();
            return None;
        }
        let id = place.unwrap_or(state.next);
        state.next = state.next.max(id + 1);
        let before = state.calls.insert(id, call);
        drop(state);
        drop(before);
        Some(id)
    }

    fn remove(&self, id: Option<u64>) {
        let call = id.and_then(|id| self.lock().calls.remove(&id));
        // Dropped after the lock is.
        drop(call);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for StopToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopToken")
            .field("is_stopped", &self.is_stopped())
            .finish()
    }
}

/// A call that follows a stop, as long as this is kept.
#[derive(Debug)]
#[must_use = "nothing is called once this is dropped"]
pub struct OnStop {
    token: StopToken,
    id: Option<u64>,
}

impl Drop for OnStop {
    fn drop(&mut self) {
        self.token.remove(self.id);
    }
}

/// Waits for a stop: see [`StopToken::stopped`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Stopped {
    token: StopToken,
    id: Option<u64>,
}

impl Future for Stopped {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.token.is_stopped() {
            return Poll::Ready(());
        }
        self.id = self.token.add(self.id, Call::Wake(cx.waker().clone()));
        // Where it was stopped meanwhile, we were woken at once, too.
        match self.id {
            Some(_) => Poll::Pending,
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.token.remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::Wake;

    use super::*;

    struct Told(mpsc::Sender<()>);

    impl Wake for Told {
        fn wake(self: Arc<Self>) {
            self.0.send(()).expect("the test is there");
        }
    }

    #[test]
    fn whoever_waits_is_woken_by_a_stop() {
        let (tell, told) = mpsc::channel();
        let waker = Waker::from(Arc::new(Told(tell)));
        let mut cx = Context::from_waker(&waker);
        let token = StopToken::new();
        let mut stopped = pin!(token.stopped());
        for _ in 0..3 {
            assert!(stopped.as_mut().poll(&mut cx).is_pending());
        }
        token.stop();
        assert_eq!(told.try_iter().count(), 1);
        assert!(stopped.as_mut().poll(&mut cx).is_ready());
        assert!(pin!(token.stopped()).poll(&mut cx).is_ready());
    }

    #[test]
    fn a_call_is_made_once_unless_it_was_dropped() {
        let (tell, told) = mpsc::channel();
        let token = StopToken::new();
        let call = |name: &'static str| {
            let tell = tell.clone();
            token.on_stop(move || tell.send(name).expect("the test is there"))
        };
        let _kept = call("kept");
        drop(call("dropped"));
        token.stop();
        token.stop();
        let _late = call("late");
        assert_eq!(told.try_iter().collect::<Vec<_>>(), ["kept", "late"]);
    }

    #[test]
    fn a_call_may_use_the_token() {
        let token = StopToken::new();
        let inner = token.clone();
        let _kept = token.on_stop(move || drop(inner.on_stop(|| ())));
        token.stop();
        assert!(token.is_stopped());
    }
}
