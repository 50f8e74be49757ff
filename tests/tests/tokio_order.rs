//! What was received first is answered first.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tidewire_tests::live::{Peer, drive, echo, promptly};
use tidewire_tokio::Accept;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

/// A stream on which input arrives just after a read has found none.
struct Late(DuplexStream, Arc<AtomicBool>);

impl AsyncRead for Late {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.1.swap(false, Ordering::Relaxed) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Late {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_before_a_fault_is_answered_by_a_handler_that_receives() {
    let (near, far) = duplex(1 << 16);
    let late = Arc::new(AtomicBool::new(false));
    let near = Late(near, late.clone());
    let (ws, mut peer) = tokio::join!(async { Accept::new().accept(near).await }, Peer::client(far));
    let ws = ws.expect("an accepted client");
    peer.send_bytes(b"\x81\x85\0\0\0\0hello\x85\x80\0\0\0\0").await;
    late.store(true, Ordering::Relaxed);
    let run = tokio::spawn(drive(ws, echo));
    assert_eq!(promptly("echo", peer.next()).await, (0x81, b"hello".to_vec()));
    assert_eq!(promptly("close", peer.next()).await.0, 0x88);
    run.abort();
}
