use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tidewire_common::proto::CloseFrame;

use crate::link::{Link, Owner, Sending};
use crate::transport::Transport;
use crate::websocket::WebSocket;

/// Runs a handler, closes the connection as its end asks for, and waits for the connection's end.
pub(crate) fn run<S: Transport, T, E>(
    ws: WebSocket<S>,
    handler: impl FnOnce(WebSocket<S>) -> Result<T, E>,
) -> Result<Result<T, E>, Box<dyn Any + Send>> {
    let link = ws.link().clone();
    {
        let mut state = link.lock();
        state.owner = Owner::Handler;
        state.sending = Sending::Corked;
    }
    // What the handler leaves behind is its own; nothing of ours is used after a panic but the link, whose state is
    // changed by whole steps.
    let result = catch_unwind(AssertUnwindSafe(|| handler(ws)));
    let (code, reason) = match result {
        Ok(Ok(_)) => (1000, ""),
        Ok(Err(_)) | Err(_) => (1011, "handler failed"),
    };
    finish(&link, CloseFrame::new(code, reason));
    result
}

fn finish<S: Transport>(link: &Arc<Link<S>>, frame: CloseFrame<'_>) {
    // Both codes may be sent, and where closing has begun, that is the end of it.
    let _ = link.start_closing(frame);
    // Only now: a handle that is dropped when the connection is nobody's closes it.
    link.lock().owner = Owner::Nobody;
    link.wait_closed();
}
