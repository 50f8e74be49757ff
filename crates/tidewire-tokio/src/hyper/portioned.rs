use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::state::Transport;

/// The most that is handed over in one call.
const PORTION: usize = 64 * 1024;

/// A stream that is given a message in portions. hyper's over HTTP/2 copies whatever it is given, though the peer may have no
/// room for it: of a large message there would be two.
pub(super) struct Portioned<S>(pub(super) S);

impl<S: Transport> AsyncRead for Portioned<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: Transport> AsyncWrite for Portioned<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let portion = bytes.get(..PORTION).unwrap_or(bytes);
        Pin::new(&mut self.0).poll_write(cx, portion)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_write_vectored() {
            // Such a stream has a socket behind it, which takes what it has room for.
            return Pin::new(&mut self.0).poll_write_vectored(cx, slices);
        }
        let first = slices.iter().find(|slice| !slice.is_empty());
        self.poll_write(cx, first.map_or(&[], |slice| slice))
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    /// Takes whatever it is given, as hyper's streams over HTTP/2 do.
    struct Greedy;

    impl AsyncRead for Greedy {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Greedy {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_stream_that_takes_all_is_given_a_portion() -> io::Result<()> {
        let message = vec![0; 3 * PORTION];
        let mut stream = Portioned(Greedy);
        assert_eq!(stream.write(&message).await?, PORTION);
        assert_eq!(stream.write(b"short").await?, 5);
        let slices = [IoSlice::new(&[]), IoSlice::new(&message), IoSlice::new(&message)];
        assert_eq!(stream.write_vectored(&slices).await?, PORTION);
        Ok(())
    }
}
