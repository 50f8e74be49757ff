use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tidewire_common::proto::CloseFrame;

use crate::shared::Shared;
use crate::state::{State, Transport};

/// How a handler ended: with its result, or in a panic.
pub(crate) type Ended<T> = Result<T, Box<dyn Any + Send>>;

/// Runs a handler and its connection in one task.
///
/// The handler is polled first. While it waits, for whatever it awaits, the driver writes what was queued, all of it
/// at once, answers pings, keeps time and reads ahead. Once the handler is done the connection is closed as `close`
/// says, and the future ends with the connection. Dropping it aborts the connection.
///
/// A handler that panicked when it was called is given as such.
pub(crate) fn drive<S, F, C>(shared: Arc<Shared<S>>, handler: Ended<Pin<Box<F>>>, close: C) -> Drive<S, F, C>
where
    S: Transport,
    F: Future,
    C: Fn(&Ended<F::Output>) -> CloseFrame<'static>,
{
    let handler = match handler {
        Ok(running) => Handler::Running(running),
        Err(panic) => Handler::Ended(Some(Box::new(Err(panic)))),
    };
    shared.with(|state| {
        state.hand_to_driver();
        if let Handler::Ended(Some(ended)) = &handler {
            state.close(close(ended));
        }
    });
    Drive {
        handler,
        close,
        driver: Driver(shared),
    }
}

/// See [`drive`]. By hand, since an `async fn` keeps its arguments twice, and every connection has one of these.
pub(crate) struct Drive<S, F: Future, C> {
    /// Goes before the driver does, which ends the connection.
    handler: Handler<F>,
    close: C,
    driver: Driver<S>,
}

enum Handler<F: Future> {
    Running(Pin<Box<F>>),
    /// Until that is told. Boxed, since there is none while a connection is idle.
    Ended(Option<Box<Ended<F::Output>>>),
}

/// Nothing in it is pinned in place.
impl<S, F: Future, C> Unpin for Drive<S, F, C> {}

impl<S, F, C> Future for Drive<S, F, C>
where
    S: Transport,
    F: Future,
    C: Fn(&Ended<F::Output>) -> CloseFrame<'static>,
{
    type Output = Ended<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let shared = &this.driver.0;
        shared.begin_turn(cx);
        let mut closing = None;
        if let Handler::Running(running) = &mut this.handler {
            // The handler is not polled again after a panic, and what it shares with us is behind a lock.
            let polled = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx)));
            let done = match polled {
                Ok(Poll::Pending) => None,
                Ok(Poll::Ready(output)) => Some(Ok(output)),
                Err(panic) => Some(Err(panic)),
            };
            if let Some(done) = done {
                // What the handler still owns may panic on its way out, too.
                let dropped = catch_unwind(AssertUnwindSafe(|| this.handler = Handler::Ended(None)));
                let done = dropped.and(done);
                closing = Some((this.close)(&done));
                this.handler = Handler::Ended(Some(Box::new(done)));
            }
        }
        let over = shared.look(|state| {
            // Only now: nobody wakes us for a handle that was dropped before.
            if closing.is_none() && !shared.has_handles() {
                closing = Some(CloseFrame::new(1000, ""));
            }
            if let Some(frame) = closing {
                state.close(frame);
            }
            state.poll_drive();
            state.session.end().is_some()
        });
        match &mut this.handler {
            Handler::Ended(ended) if over => ended.take().map_or(Poll::Pending, |ended| Poll::Ready(*ended)),
            Handler::Running(_) | Handler::Ended(_) => Poll::Pending,
        }
    }
}

/// Ends the connection when its driver goes.
struct Driver<S>(Arc<Shared<S>>);

impl<S> Drop for Driver<S> {
    fn drop(&mut self) {
        self.0.abort();
        self.0.forget_driver();
    }
}

/// Drives a connection in a task of its own, until it has ended or nobody has a handle any more.
pub(crate) fn spawn<S: Transport + Send + 'static>(shared: Arc<Shared<S>>) {
    shared.with(State::hand_to_driver);
    tokio::spawn(async move {
        let watched = shared.clone();
        let orphaned = poll_fn(move |_| {
            let ended = watched.with(|state| state.session.end().is_some());
            if ended || !watched.has_handles() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        drive(shared, Ok(Box::pin(orphaned)), |_| CloseFrame::new(1000, "")).await
    });
}
