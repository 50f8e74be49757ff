//! The echo of bare bytes, which every server is compared with.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};

/// How much is read at once.
pub const BUFFER: usize = 256 << 10;

thread_local! {
    /// One for all connections: an idle one owns no buffer.
    static INPUT: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// Sends back whatever comes, as it comes.
///
/// # Errors
/// Those of the stream.
pub async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Result<()> {
    while let Some(rest) = poll_fn(|cx| poll_echo(&mut stream, cx)).await? {
        stream.write_all(&rest).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// Reads once and writes what came; gives what could not be written at once, `None` at the end.
fn poll_echo<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Option<Vec<u8>>>> {
    INPUT.with_borrow_mut(|input| {
        let mut stream = Pin::new(stream);
        let mut input = ReadBuf::new(input);
        ready!(stream.as_mut().poll_read(cx, &mut input))?;
        let mut rest = input.filled();
        if rest.is_empty() {
            return Poll::Ready(Ok(None));
        }
        while !rest.is_empty() {
            match stream.as_mut().poll_write(cx, rest)? {
                Poll::Ready(len) => rest = &rest[len..],
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(Some(rest.to_vec())))
    })
}
