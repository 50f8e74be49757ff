//! What leaves together, and what waits.

use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tidewire_blocking::{Accept, Config, Connect, Error, Message, Transport, TrySendError};

use crate::support::{
    PATIENCE, REQUEST, bounded, in_background, listener, raw_server, read_exact, read_head,
};

/// Counts the writes that took something.
struct Counting(UnixStream, Arc<AtomicUsize>);

impl Transport for Counting {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        Transport::read(&self.0, buffer, timeout)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        let written = Transport::write(&self.0, bytes, timeout)?;
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(written)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Transport::fd(&self.0)
    }
}

#[test]
fn answers_to_16_pipelined_messages_leave_in_one_write() {
    let (mut ours, theirs) = UnixStream::pair().expect("a pair");
    let writes = Arc::new(AtomicUsize::new(0));
    let counting = Counting(theirs, writes.clone());
    let mut bytes = REQUEST.to_vec();
    for _ in 0..16 {
        bytes.extend_from_slice(b"\x81\x82\0\0\0\0hi");
    }
    ours.write_all(&bytes).expect("a pair has room");
    let server = in_background(move || {
        Accept::new()
            .accept(counting)
            .expect("a good request")
            .run(|mut ws| {
                for _ in 0..16 {
                    let message = ws.recv()?.unwrap_or_else(|| "none".into());
                    ws.send(message)?;
                }
                // With the 16 answers.
                ws.flush()?;
                Ok::<(), Error>(())
            })
    });
    let answers = bounded(move || {
        read_head(&mut ours);
        read_exact::<64>(&mut ours)
    });
    assert_eq!(answers.as_slice(), b"\x81\x02hi".repeat(16));
    server
        .recv_timeout(PATIENCE)
        .expect("the server ends")
        .expect("all is sent");
    // The response to the handshake, the answers, and the Close.
    let writes = writes.load(Ordering::Relaxed);
    assert!(writes <= 3, "{writes} writes");
}

#[test]
fn what_was_fed_leaves_together_with_a_flush() {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let writes = Arc::new(AtomicUsize::new(0));
    let counting = Counting(ours, writes.clone());
    let server = in_background(move || -> Result<usize, Error> {
        let ws = Accept::new().accept(theirs)?;
        Ok(ws.flatten().count())
    });
    bounded(move || {
        let ws = Connect::new("ws://localhost/")
            .over(counting)
            .expect("the server accepts");
        for _ in 0..10 {
            ws.feed("x".repeat(100)).expect("it is queued");
        }
        ws.flush().expect("it is written");
        let writes = writes.load(Ordering::Relaxed);
        // The request, and one more; two where the keeper was faster.
        assert!(writes <= 3, "{writes} writes");
        ws.close(1000, "").expect("a code that may be sent");
    });
    let count = server.recv_timeout(PATIENCE).expect("the server ends");
    assert_eq!(count.expect("a clean end"), 10);
}

#[test]
fn what_was_fed_leaves_without_a_flush_too() {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let server =
        in_background(move || -> Result<Option<Message>, Error> { Accept::new().accept(theirs)?.recv() });
    let ws = bounded(move || Connect::new("ws://localhost/").over(ours)).expect("the server accepts");
    ws.feed("x").expect("it is queued");
    let message = server.recv_timeout(PATIENCE).expect("the server receives");
    assert_eq!(message.expect("a message"), Some("x".into()));
}

#[test]
fn try_send_gives_the_message_back_when_the_queue_is_full() {
    let server = listener();
    let address = server.local_addr().expect("an address");
    let client = in_background(move || {
        let config = Config::builder().write_queue(1000).build().expect("valid");
        Connect::new(format!("ws://{address}/")).config(config).open()
    });
    let _deaf = raw_server(&server);
    let ws = client
        .recv_timeout(PATIENCE)
        .expect("the handshake ends")
        .expect("the server accepts");
    bounded(move || {
        loop {
            match ws.try_send(vec![7; 100_000]) {
                Ok(()) => {}
                Err(TrySendError::Full(message)) => {
                    return assert_eq!(message.as_message().as_bytes().len(), 100_000);
                }
                Err(TrySendError::Failed(error)) => panic!("{error}"),
            }
        }
    });
}

/// A stream that does no more than it must: it has no descriptor to wait on, and leaves writing several slices to the trait.
pub(crate) struct Opaque(pub(crate) UnixStream);

impl Transport for Opaque {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        Transport::read(&self.0, buffer, timeout)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        Transport::write(&self.0, bytes, timeout)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }
}

#[test]
fn a_stream_without_a_descriptor_is_looked_after_too() {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let server = in_background(move || Accept::new().accept(Opaque(theirs)));
    bounded(move || {
        let ws = Connect::new("ws://localhost/")
            .over(Opaque(ours))
            .expect("the server accepts");
        let _served = server.recv_timeout(PATIENCE).expect("it accepts");
        ws.ping().expect("answered, though nobody receives");
        ws.close(1000, "").expect("a code that may be sent");
        assert!(ws.wait_closed().is_clean());
    });
}
