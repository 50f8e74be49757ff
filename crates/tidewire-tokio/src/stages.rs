//! What the opening handshake is made of on either side: a read, a write, and a deadline over both.

use std::future::{Future, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};

use tidewire_common::HandshakeError;
use tokio::io::{AsyncWriteExt, ReadBuf};
use tokio::task::coop;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::state::{Transport, unspoken_end};

/// How much of a head is read at once.
const READ: usize = 4 * 1024;

/// The end of a handshake's time, to be pinned where the handshake begins: one for all its stages. `None` has no end.
pub(crate) fn expiry(deadline: Option<Instant>) -> Option<Sleep> {
    deadline.map(sleep_until)
}

/// Runs `work` until the handshake's time is over. Both are lent, since what is passed by value stands in the future of
/// the handshake twice.
pub(crate) fn within<T, E: Into<HandshakeError>>(
    mut expiry: Pin<&mut Option<Sleep>>,
    mut work: Pin<&mut impl Future<Output = Result<T, E>>>,
) -> impl Future<Output = Result<T, HandshakeError>> {
    poll_fn(move |cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(done.map_err(Into::into));
        }
        match expiry.as_mut().as_pin_mut() {
            // Work that always finds more uses up the task's budget, and the timer would be turned away in its place.
            Some(sleep) => pin!(coop::unconstrained(sleep))
                .poll(cx)
                .map(|()| Err(HandshakeError::TIMEOUT)),
            None => Poll::Pending,
        }
    })
}

/// Reads what is there, and gives it to `take`; nothing at the end. The buffer is on the stack while a poll lasts, so
/// that no connection owns one while it waits.
pub(crate) async fn read<S: Transport, T>(stream: &mut S, mut take: impl FnMut(&[u8]) -> T) -> io::Result<T> {
    poll_fn(|cx| {
        let mut room = [MaybeUninit::uninit(); READ];
        let mut input = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut input)).or_else(unspoken_end)?;
        Poll::Ready(Ok(take(input.filled())))
    })
    .await
}

pub(crate) async fn write<S: Transport>(stream: &mut S, out: &[u8]) -> io::Result<()> {
    stream.write_all(out).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_never_waits_ends_with_its_time() {
        let mut expiry = pin!(expiry(Some(Instant::now())));
        // As a socket that always has more: what ends its turn is the task's budget.
        let mut endless = pin!(poll_fn(|cx| -> Poll<Result<(), io::Error>> {
            loop {
                ready!(coop::poll_proceed(cx)).made_progress();
            }
        }));
        for turn in 0.. {
            assert!(turn < 1000, "it goes on");
            let mut within = within(expiry.as_mut(), endless.as_mut());
            if let Poll::Ready(end) = poll_fn(|cx| Poll::Ready(Pin::new(&mut within).poll(cx))).await {
                assert!(matches!(end, Err(HandshakeError::Timeout(_))), "{end:?}");
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}
