//! What the opening handshake is made of on either side: a read, a write, and a deadline over both.

use std::future::Future;
use std::io;

use tidewire_common::HandshakeError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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

/// Reads what is there; nothing at the end.
pub(crate) async fn read<S: Transport>(stream: &mut S) -> io::Result<Vec<u8>> {
    let mut input = Vec::with_capacity(READ);
    stream.read_buf(&mut input).await?;
    Ok(input)
}

pub(crate) async fn write<S: Transport>(stream: &mut S, out: &[u8]) -> io::Result<()> {
    stream.write_all(out).await?;
    stream.flush().await
}
