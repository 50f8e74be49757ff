//! The task of a connection of HTTP/2.

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use tidewire_common::{Config, HandshakeError};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::debug;

use super::error;
use crate::state::Transport;

/// What a server may send on a stream before it is received.
const WINDOW: u32 = 256 * 1024;
/// What it may send on all of them: more than any number of streams has room for, so that none holds up the others.
const ALL_WINDOWS: u32 = (1 << 31) - 1;
/// What h2 takes of a stream's output before it has left.
const OUTPUT: usize = 64 * 1024;
/// How long a connection that nobody uses any more may take to say so.
const FAREWELL: Duration = Duration::from_secs(10);

/// Begins HTTP/2, and waits for the server's settings; gives what requests are sent by, and what keeps the connection.
pub(super) async fn begin<S: Transport + Send + 'static>(
    config: &Config,
    stream: S,
) -> Result<(SendRequest<Bytes>, mpsc::Sender<Infallible>), HandshakeError> {
    let handshake = Builder::new()
        .enable_push(false)
        // None before the server has said how many, which tells that it has.
        .initial_max_send_streams(0)
        .initial_window_size(WINDOW)
        .initial_connection_window_size(ALL_WINDOWS)
        .max_send_buffer_size(OUTPUT)
        .max_header_list_size(config.head_bytes())
        .handshake(stream);
    let (requests, mut connection) = handshake.await.map_err(error::of)?;
    poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
        Poll::Ready(Ok(())) => Poll::Ready(Err(HandshakeError::UnexpectedEnd)),
        Poll::Ready(Err(error)) => Poll::Ready(Err(error::of(error))),
        Poll::Pending if connection.max_concurrent_send_streams() > 0 => Poll::Ready(Ok(())),
        Poll::Pending => Poll::Pending,
    })
    .await?;
    let (user, users) = mpsc::channel(1);
    tokio::spawn(run(connection, users));
    Ok((requests, user))
}

/// Runs the connection until it ends, or nobody uses it: a server that does not read must not keep it.
async fn run<S: Transport>(connection: Connection<S, Bytes>, mut users: mpsc::Receiver<Infallible>) {
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        _ = users.recv() => match timeout(FAREWELL, connection).await {
            Ok(ended) => ended,
            Err(_) => return,
        },
    };
    if let Err(error) = ended {
        debug!(%error, "connection of HTTP/2 failed");
    }
}
