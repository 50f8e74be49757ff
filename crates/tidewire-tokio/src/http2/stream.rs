use std::convert::Infallible;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::{RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;

use super::error::to_io;

/// A stream of HTTP/2 as the byte stream of a connection: its end is that of TCP (RFC 8441 §5.1).
pub(super) struct Stream {
    sending: SendStream<Bytes>,
    receiving: RecvStream,
    /// What of a frame has not been read.
    input: Bytes,
    ended: Ended,
    /// Keeps the connection below.
    _user: Option<mpsc::Sender<Infallible>>,
}

/// Which sides of it have ended.
#[derive(Clone, Copy, Debug, Default)]
struct Ended {
    ours: bool,
    theirs: bool,
}

impl Stream {
    pub(super) fn new(
        sending: SendStream<Bytes>,
        receiving: RecvStream,
        user: Option<mpsc::Sender<Infallible>>,
    ) -> Self {
        Self {
            sending,
            receiving,
            input: Bytes::new(),
            ended: Ended::default(),
            _user: user,
        }
    }

    /// Sends `END_STREAM`, once.
    fn end(&mut self) -> io::Result<()> {
        if self.ended.ours {
            return Ok(());
        }
        self.ended.ours = true;
        self.sending.send_data(Bytes::new(), true).map_err(to_io)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.input.is_empty() {
            match ready!(self.receiving.poll_data(cx)) {
                Some(Ok(input)) => self.input = input,
                Some(Err(error)) => return Poll::Ready(Err(to_io(error))),
                None => {
                    self.ended.theirs = true;
                    return Poll::Ready(Ok(()));
                }
            }
        }
        let len = self.input.len().min(buffer.remaining());
        buffer.put_slice(&self.input[..len]);
        self.input.advance(len);
        // The server may send as much more.
        let released = self.receiving.flow_control().release_capacity(len);
        Poll::Ready(released.map_err(to_io))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.sending.reserve_capacity(bytes.len());
        let room = loop {
            // What was assigned before is not told of again.
            let room = self.sending.capacity();
            if room > 0 {
                break room;
            }
            match ready!(self.sending.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(to_io(error))),
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            }
        };
        let bytes = bytes.get(..room).unwrap_or(bytes);
        let sent = self.sending.send_data(Bytes::copy_from_slice(bytes), false);
        Poll::Ready(sent.map(|()| bytes.len()).map_err(to_io))
    }

    /// Whatever was taken is on its way: the connection's task writes it.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.end())
    }
}

/// Whoever drops it in good order, behind the server's end, ends our side; otherwise h2 resets it with `CANCEL`, which
/// stands for a reset of TCP (RFC 8441 §5.1).
impl Drop for Stream {
    fn drop(&mut self) {
        if self.ended.theirs {
            // A stream that broke has no end.
            let _ = self.end();
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("id", &self.sending.stream_id())
            .finish_non_exhaustive()
    }
}
