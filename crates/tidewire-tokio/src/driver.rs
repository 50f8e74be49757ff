use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tidewire_common::proto::CloseFrame;

use crate::shared::Shared;
use crate::state::Transport;

/// How a handler ended: with its result, or in a panic.
pub(crate) type Ended<T> = Result<T, Box<dyn Any + Send>>;

/// Runs a handler and its connection in one task.
///
/// The handler is polled first. While it waits, for whatever it awaits, the driver writes what was queued, all of it
/// at once, answers pings, keeps time and reads ahead. Once the handler is done the connection is closed as `close`
/// says, and the future ends with the connection. Dropping it aborts the connection.
pub(crate) async fn drive<S: Transport, F: Future>(
    shared: Arc<Shared<S>>,
    handler: F,
    close: impl Fn(&Ended<F::Output>) -> CloseFrame<'static>,
) -> Ended<F::Output> {
    shared.with(|state, _| state.driven = true);
    let driver = Driver(shared);
    let shared = &driver.0;
    let mut handler = pin!(Some(handler));
    let mut ended = None;
    poll_fn(|cx| {
        shared.before_handler(cx);
        let mut closing = None;
        if let Some(running) = handler.as_mut().as_pin_mut() {
            // The handler is not polled again after a panic, and what it shares with us is behind a lock.
            let polled = catch_unwind(AssertUnwindSafe(|| running.poll(cx)));
            let done = match polled {
                Ok(Poll::Pending) => None,
                Ok(Poll::Ready(output)) => Some(Ok(output)),
                Err(panic) => Some(Err(panic)),
            };
            if let Some(done) = done {
                // What the handler still owns may panic on its way out, too.
                let dropped = catch_unwind(AssertUnwindSafe(|| handler.set(None)));
                let done = dropped.and(done);
                closing = Some(close(&done));
                ended = Some(done);
            }
        }
        let over = shared.look(|state, cx| {
            // Only now: nobody wakes us for a handle that was dropped before.
            if closing.is_none() && !shared.has_handles() {
                closing = Some(CloseFrame::new(1000, ""));
            }
            if let Some(frame) = closing {
                let now = state.now();
                // Where closing has begun already, nothing is left to do.
                let _ = state.session.close(now, Some(frame));
            }
            state.poll_drive(cx);
            state.session.end().is_some()
        });
        match ended.take() {
            Some(done) if over => Poll::Ready(done),
            running => {
                ended = running;
                Poll::Pending
            }
        }
    })
    .await
}

/// Ends the connection when its driver goes.
struct Driver<S>(Arc<Shared<S>>);

impl<S> Drop for Driver<S> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Drives a connection in a task of its own, until it has ended or nobody has a handle any more.
pub(crate) fn spawn<S: Transport + Send + 'static>(shared: Arc<Shared<S>>) {
    shared.with(|state, _| state.driven = true);
    tokio::spawn(async move {
        let watched = shared.clone();
        let orphaned = poll_fn(move |_| {
            let ended = watched.with(|state, _| state.session.end().is_some());
            if ended || !watched.has_handles() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        drive(shared, orphaned, |_| CloseFrame::new(1000, "")).await
    });
}
