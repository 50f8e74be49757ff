use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::corpus::Random;

/// Whether a stream takes several slices in one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slices {
    /// It takes as many as fit.
    Several,
    /// It takes some of the first.
    First,
}

/// A stream that reads and writes odd, small portions, and now and then none for a while.
#[derive(Debug)]
pub struct Portioned<S> {
    stream: S,
    slices: Slices,
    random: Random,
}

impl<S> Portioned<S> {
    /// Portions of `stream`.
    pub fn new(stream: S, slices: Slices, seed: u64) -> Self {
        Self {
            stream,
            slices,
            random: Random::new(seed),
        }
    }

    /// How much the next call moves.
    fn poll_portion(&mut self, cx: &Context<'_>) -> Poll<usize> {
        if self.random.one_in(5) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(1 + self.random.below(5000))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Portioned<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut portion = vec![0; ready!(self.poll_portion(cx)).min(buf.remaining())];
        let mut portion = ReadBuf::new(&mut portion);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut portion))?;
        buf.put_slice(portion.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Portioned<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let portion = ready!(self.poll_portion(cx)).min(buf.len());
        Pin::new(&mut self.stream).poll_write(cx, &buf[..portion])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes: Vec<u8> = match self.slices {
            Slices::First => slices
                .iter()
                .find(|slice| !slice.is_empty())
                .map_or(Vec::new(), |slice| slice.to_vec()),
            Slices::Several => {
                let portion = ready!(self.poll_portion(cx));
                slices
                    .iter()
                    .flat_map(|slice| slice.iter().copied())
                    .take(portion)
                    .collect()
            }
        };
        self.poll_write(cx, &bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.slices == Slices::Several
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
