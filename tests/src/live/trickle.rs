use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How a [`Trickle`] ends once all of its input was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Eof,
    Reset,
}

/// The far end of a [`Trickle`]: what it is fed and what it wrote.
#[derive(Clone, Debug)]
pub struct Script(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    input: Vec<u8>,
    read: usize,
    end: End,
    output: Vec<u8>,
    shut: bool,
    fails_to_write: bool,
    reader: Option<Waker>,
    reads: Turns,
    writes: Turns,
}

/// A stream that moves one byte a call, and keeps the caller waiting before every one with a wake-up at once.
#[derive(Debug)]
pub struct Trickle(Arc<Mutex<Inner>>);

impl Script {
    /// A stream and its far end.
    pub fn new() -> (Trickle, Self) {
        let inner = Arc::new(Mutex::new(Inner {
            input: Vec::new(),
            read: 0,
            end: End::Open,
            output: Vec::new(),
            shut: false,
            fails_to_write: false,
            reader: None,
            reads: Turns::default(),
            writes: Turns::default(),
        }));
        (Trickle(inner.clone()), Self(inner))
    }

    /// Lets these bytes arrive.
    pub fn feed(&self, bytes: &[u8]) {
        self.arrive(|inner| inner.input.extend_from_slice(bytes));
    }

    /// Ends the stream behind what was fed.
    pub fn end(&self) {
        self.arrive(|inner| inner.end = End::Eof);
    }

    /// Resets the stream behind what was fed.
    pub fn reset(&self) {
        self.arrive(|inner| inner.end = End::Reset);
    }

    /// Lets every write fail from now on.
    pub fn fail_writes(&self) {
        lock(&self.0).fails_to_write = true;
    }

    fn arrive(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = lock(&self.0);
        change(&mut inner);
        let reader = inner.reader.take();
        drop(inner);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// What was written since the last call.
    pub fn take_output(&self) -> Vec<u8> {
        std::mem::take(&mut lock(&self.0).output)
    }

    /// Whether the sending side was shut down.
    pub fn is_shut(&self) -> bool {
        lock(&self.0).shut
    }

    /// Whether all that was fed has been read.
    pub fn is_read(&self) -> bool {
        let inner = lock(&self.0);
        inner.read == inner.input.len()
    }
}

/// Counts the calls in one direction.
#[derive(Debug, Default)]
struct Turns(u32);

impl Turns {
    /// Whether this call is one of those that must wait.
    fn waits(&mut self, cx: &Context<'_>) -> bool {
        self.0 = self.0.wrapping_add(1);
        let waits = self.0 % 2 == 1;
        if waits {
            cx.waker().wake_by_ref();
        }
        waits
    }
}

impl AsyncRead for Trickle {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut inner = lock(&self.0);
        if inner.reads.waits(cx) {
            return Poll::Pending;
        }
        match (inner.input.get(inner.read), inner.end) {
            (Some(byte), _) => {
                buf.put_slice(&[*byte]);
                inner.read += 1;
                Poll::Ready(Ok(()))
            }
            (None, End::Eof) => Poll::Ready(Ok(())),
            (None, End::Reset) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            (None, End::Open) => {
                inner.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Trickle {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut inner = lock(&self.0);
        if inner.writes.waits(cx) {
            return Poll::Pending;
        }
        if inner.fails_to_write {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let written = buf.len().min(1);
        inner.output.extend_from_slice(&buf[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if lock(&self.0).writes.waits(cx) {
            Poll::Pending
        } else {
            Poll::Ready(Ok(()))
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = lock(&self.0);
        if inner.writes.waits(cx) {
            return Poll::Pending;
        }
        inner.shut = true;
        Poll::Ready(Ok(()))
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}
