//! Somebody who connected to a server, from the first byte to the last.

use std::error::Error as StdError;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tidewire_common::proto::{CloseCode, CloseFrame};
use tracing::instrument::Instrumented;
use tracing::{Instrument, Level, Span, debug, debug_span, enabled, warn};

use crate::accept::Accept;
use crate::control::Seat;
use crate::driver::{self, Ended};
use crate::entrance::Entrance;
use crate::socket::Socket;
use crate::websocket::WebSocket;

/// What an error of a handler is turned into, for the log.
pub(crate) type HandlerError = Box<dyn StdError + Send + Sync>;

/// What those who connect share.
pub(crate) struct Service<H> {
    pub(crate) entrance: Entrance,
    pub(crate) accept: Accept,
    pub(crate) handler: H,
}

/// Answers the opening handshake of somebody who connected; gives what serves the connection.
pub(crate) async fn open<H, Fut, E>(
    socket: Socket,
    mut seat: Seat,
    service: Arc<Service<H>>,
) -> Option<Pin<Box<impl Future<Output = ()>>>>
where
    H: Fn(WebSocket) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<HandlerError>,
{
    let peer = enabled!(Level::DEBUG).then(|| socket.peer_addr()).flatten();
    let accepted = {
        let (control, admission) = seat.parts();
        let clock = control.clock();
        let Service { entrance, accept, .. } = &*service;
        let mut accepting = accept.begin(clock);
        let mut stopped = pin!(control.stopped());
        let led_in = entrance
            .lead_in(socket, admission, &mut accepting, clock, stopped.as_mut())
            .await;
        // Not matched, since the future would have room for what is left of it.
        let socket = led_in
            .inspect_err(|error| debug!(?peer, %error, "no connection"))
            .ok()?;
        accept.accept_until(socket, &mut accepting, clock, stopped).await
    };
    match accepted {
        Ok(ws) => {
            debug!(connection = %ws.id(), ?peer, "served");
            Some(Box::pin(begin(ws, seat, service)))
        }
        Err(error) => {
            debug!(?peer, %error, "no connection");
            None
        }
    }
}

/// The task of somebody who connected. Boxes both, so that what opens a connection leaves with the handshake, and by hand,
/// so that all of the task fits into 128 bytes, to which tokio aligns it.
pub(crate) enum Guest<Opening, Serving> {
    Opens(Pin<Box<Opening>>),
    IsServed(Pin<Box<Serving>>),
}

impl<Opening, Serving> Future for Guest<Opening, Serving>
where
    Opening: Future<Output = Option<Pin<Box<Serving>>>>,
    Serving: Future<Output = ()>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut *self {
                Self::Opens(opening) => match ready!(opening.as_mut().poll(cx)) {
                    Some(serving) => *self = Self::IsServed(serving),
                    None => return Poll::Ready(()),
                },
                Self::IsServed(serving) => return serving.as_mut().poll(cx),
            }
        }
    }
}

/// Gives a connection its seat, calls its handler and drives it.
fn begin<H, Fut, E>(
    ws: WebSocket,
    mut seat: Seat,
    service: Arc<Service<H>>,
) -> impl Future<Output = ()> + use<H, Fut, E>
where
    H: Fn(WebSocket) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<HandlerError>,
{
    seat.connect(ws.handle.shared());
    let mut driving = drive(ws, move |ws| (service.handler)(ws));
    poll_fn(move |cx| {
        ready!(Pin::new(&mut driving).poll(cx));
        seat.finish();
        Poll::Ready(())
    })
}

/// Calls the handler of a connection and gives it a driver; ends with both.
pub(crate) fn drive<H, Fut, E>(ws: WebSocket, handler: H) -> impl Future<Output = ()> + Unpin + use<H, Fut, E>
where
    H: FnOnce(WebSocket) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<HandlerError>,
{
    let shared = ws.handle.shared().clone();
    let id = ws.id();
    let span = debug_span!("connection", %id);
    shared.with(|state| {
        state.hand_to_driver();
        if let Some(socket) = state.io() {
            state.ending = socket.ending();
        }
    });
    // The call of the handler is part of what may fail. Its future is boxed, since one that is passed on by value
    // stands in the task once for each hand it went through.
    let running = span.in_scope(|| catch_unwind(AssertUnwindSafe(|| Box::pin(handler(ws)))));
    let mut driving = Spanned::new(driver::drive(shared, running, close_frame), span);
    // By hand, since an `async` block would keep the driving twice.
    poll_fn(move |cx| {
        match ready!(driving.poll(cx)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let error: HandlerError = error.into();
                warn!(connection = %id, error = %error.to_string().escape_debug(), "handler failed");
            }
            Err(_) => warn!(connection = %id, "handler panicked"),
        }
        Poll::Ready(())
    })
}

/// A future in its span, for which it has room only where somebody wants to see it.
enum Spanned<F> {
    Unseen(F),
    Seen(Box<Instrumented<F>>),
}

impl<F: Future + Unpin> Spanned<F> {
    fn new(future: F, span: Span) -> Self {
        if span.is_disabled() {
            Self::Unseen(future)
        } else {
            Self::Seen(Box::new(future.instrument(span)))
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self {
            Self::Unseen(future) => Pin::new(future).poll(cx),
            Self::Seen(future) => Pin::new(future).poll(cx),
        }
    }
}

/// What a connection is closed with when its handler ends.
fn close_frame<E>(ended: &Ended<Result<(), E>>) -> CloseFrame<'static> {
    match ended {
        Ok(Ok(())) => CloseFrame::new(CloseCode::NORMAL, ""),
        Ok(Err(_)) | Err(_) => CloseFrame::new(CloseCode::INTERNAL_ERROR, "handler failed"),
    }
}
