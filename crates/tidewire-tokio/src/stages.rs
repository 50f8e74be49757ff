//! What the opening handshake is made of on either side: a read, a write, and a deadline over both.

use std::future::{Future, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Poll, ready};

use tidewire_common::HandshakeError;
use tokio::io::{AsyncWriteExt, ReadBuf};
use tokio::time::timeout_at;

use crate::state::Transport;

/// How much of a head is read at once.
const READ: usize = 4 * 1024;

/// Runs `work` up to the deadline.
pub(crate) async fn within<T>(
    deadline: Option<tokio::time::Instant>,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, HandshakeError> {
    match deadline {
        Some(deadline) => Ok(timeout_at(deadline, work)
            .await
            .map_err(|_| HandshakeError::Timeout)??),
        None => Ok(work.await?),
    }
}

/// Reads what is there, and gives it to `take`; nothing at the end. The buffer is on the stack while a poll lasts, so
/// that no connection owns one while it waits.
pub(crate) async fn read<S: Transport, T>(stream: &mut S, mut take: impl FnMut(&[u8]) -> T) -> io::Result<T> {
    poll_fn(|cx| {
        let mut room = [MaybeUninit::uninit(); READ];
        let mut input = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut input))?;
        Poll::Ready(Ok(take(input.filled())))
    })
    .await
}

pub(crate) async fn write<S: Transport>(stream: &mut S, out: &[u8]) -> io::Result<()> {
    stream.write_all(out).await?;
    stream.flush().await
}
