use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use tidewire_common::{Interruptions, MOST_WAITING};
use tokio::task::unconstrained;
use tokio::time::sleep;

use crate::control::Control;
use crate::listener::Listener;
use crate::socket::Socket;

/// Any length of time: before a timer goes off, the runtime asks the system what is ready.
const TURN: Duration = Duration::from_millis(1);

/// All listeners of a server.
pub(crate) struct Listeners {
    /// In the order of their turns.
    list: Vec<Box<dyn Listener>>,
    interruptions: Interruptions,
}

impl Listeners {
    pub(crate) fn new(list: Vec<Box<dyn Listener>>) -> Self {
        Self {
            list,
            interruptions: Interruptions::default(),
        }
    }

    /// Waits for a connection.
    pub(crate) async fn next(&mut self) -> Socket {
        loop {
            let accepted = poll_fn(|cx| self.poll_accept(cx)).await;
            match self.judge(accepted) {
                Ok(socket) => return socket,
                Err(Some(rest)) => sleep(rest).await,
                Err(None) => {}
            }
        }
    }

    /// Gives all who have been accepted by the system but not by us, up to the deadline: those whom closing would reset.
    pub(crate) async fn empty(mut self, control: &Control, mut welcome: impl FnMut(Socket)) {
        let mut most = MOST_WAITING;
        self.take(control, &mut most, &mut welcome).await;
        // What the runtime has not heard of yet, as when all came before the server was polled first.
        sleep(TURN).await;
        self.take(control, &mut most, &mut welcome).await;
    }

    /// Gives those whom the runtime has heard of, `most` at most.
    async fn take(&mut self, control: &Control, most: &mut usize, welcome: &mut impl FnMut(Socket)) {
        // Otherwise tokio would have nothing ready after 128 of them.
        unconstrained(poll_fn(|cx| {
            while *most > 0 && !control.is_overdue() {
                let Poll::Ready(accepted) = self.poll_accept(cx) else {
                    break;
                };
                *most -= 1;
                match self.judge(accepted) {
                    Ok(socket) => welcome(socket),
                    Err(None) => {}
                    Err(Some(_)) => break,
                }
            }
            Poll::Ready(())
        }))
        .await;
    }

    /// Accepts from whichever listener has a connection; those after it have their turn first at the next one.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        for turn in 0..self.list.len() {
            if let Poll::Ready(accepted) = self.list[turn].poll_accept(cx) {
                self.list.rotate_left(turn + 1);
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    }

    /// Gives how long to rest, if at all, in the place of an error.
    fn judge(&mut self, accepted: io::Result<Socket>) -> Result<Socket, Option<Duration>> {
        accepted
            .inspect(|_| self.interruptions.end())
            .map_err(|error| self.interruptions.note(&error))
    }
}
