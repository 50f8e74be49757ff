//! Large messages: their payloads are written from where they lie, and read to where they will.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use tidewire_blocking::{Accept, Config, Connect, Message, RecvTimeoutError, Transport, WebSocket};
use tidewire_tests::corpus::Random;
use tidewire_tests::live::{Slices, large_messages, watched};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire;

use crate::queues::Opaque;
use crate::support::{PATIENCE, accepted, bounded, in_background, read_exact};

/// A stream that reads and writes odd, small portions, and now and then none.
struct Portioned {
    stream: UnixStream,
    slices: Slices,
    random: Mutex<Random>,
}

impl Portioned {
    fn new(stream: UnixStream, slices: Slices, seed: u64) -> Self {
        Self {
            stream,
            slices,
            random: Mutex::new(Random::new(seed)),
        }
    }

    fn portion(&self) -> io::Result<usize> {
        let mut random = self.random.lock().expect("nobody panics with it");
        if random.one_in(10) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(1 + random.below(9000))
    }
}

impl Transport for Portioned {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        let spare = buffer.capacity() - buffer.len();
        assert!(spare > 0, "a buffer has room");
        let mut portion = Vec::with_capacity(self.portion()?.min(spare));
        Transport::read(&self.stream, &mut portion, timeout)?;
        buffer.extend_from_slice(&portion);
        Ok(portion.len())
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        let portion = self.portion()?.min(bytes.len());
        Transport::write(&self.stream, &bytes[..portion], timeout)
    }

    fn write_vectored(&self, slices: &[IoSlice<'_>], timeout: Option<Duration>) -> io::Result<usize> {
        let first = slices.iter().find(|slice| !slice.is_empty());
        match self.slices {
            Slices::First => self.write(first.expect("something to write"), timeout),
            Slices::Several => {
                let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
                self.write(&all, timeout)
            }
        }
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.stream.shutdown(how)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Transport::fd(&self.stream)
    }
}

/// A server and a client over these streams.
fn pair<S: Transport>(over: impl Fn(UnixStream) -> S) -> (WebSocket<S>, WebSocket<S>) {
    let (near, far) = UnixStream::pair().expect("a pair");
    let near = over(near);
    let server = in_background(move || Accept::new().accept(near).expect("a good request"));
    let client = Connect::new("ws://localhost/")
        .over(over(far))
        .expect("the server accepts");
    (server.recv_timeout(PATIENCE).expect("the handshake ends"), client)
}

/// Sends all of these, and receives all of those at the same time.
fn exchange<S: Transport>(ws: WebSocket<S>, messages: Vec<Message>, expected: Vec<Message>) {
    let (tx, mut rx) = ws.split();
    thread::scope(|scope| {
        scope.spawn(move || {
            for message in messages {
                tx.send(message).expect("open");
            }
        });
        for (number, expected) in expected.into_iter().enumerate() {
            let message = rx.recv().expect("open").expect("a message");
            assert!(
                message == expected,
                "message {number}: {message:?} for {expected:?}"
            );
        }
    });
}

/// Both ways at once, and then by way of an echo.
fn check<S: Transport>(over: impl Fn(UnixStream) -> S) {
    let (server, client) = pair(&over);
    let (down, up) = (large_messages(1), large_messages(2));
    thread::scope(|scope| {
        let (down, up) = (&down, &up);
        scope.spawn(move || exchange(server, down.clone(), up.clone()));
        exchange(client, up.clone(), down.clone());
    });
    let (mut server, client) = pair(&over);
    let echoing = in_background(move || {
        for _ in 0..10 {
            let message = server.recv()?.expect("a message");
            server.send(message)?;
        }
        server.flush()
    });
    exchange(client, up.clone(), up);
    echoing
        .recv_timeout(PATIENCE)
        .expect("the echo ends")
        .expect("open");
}

#[test]
fn large_messages_arrive_as_they_are_in_any_portions() {
    for slices in [Slices::Several, Slices::First] {
        bounded(move || check(|stream| Portioned::new(stream, slices, 7)));
    }
}

#[test]
fn large_messages_arrive_as_they_are_slice_by_slice() {
    bounded(|| check(Opaque));
}

#[test]
fn large_messages_arrive_as_they_are_over_a_socket() {
    bounded(|| check(|stream| stream));
}

#[test]
fn the_queue_is_right_while_a_large_payload_is_half_written() {
    const LEN: usize = 4 << 20;
    // Of a server's frame with a 64-bit length.
    const HEADER: usize = 10;
    bounded(|| {
        let config = Config::builder().write_queue(4 * LEN).build().expect("valid");
        let (ws, mut peer) = accepted(config, |stream| stream);
        ws.try_send(vec![7; LEN]).expect("an empty queue has room");
        ws.try_send("behind").expect("room");
        let metrics = ws.metrics();
        let sent = usize::try_from(metrics.traffic.bytes_sent).expect("a small number");
        assert!((1..LEN).contains(&sent), "{sent} bytes fit into the socket");
        assert_eq!(metrics.queued, HEADER + LEN + 8 - sent);
        assert_eq!(metrics.queued_messages, 2);
        let (done, flushed) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                read_exact::<HEADER>(&mut peer);
                let mut payload = vec![0; LEN];
                peer.read_exact(&mut payload).expect("a payload");
                assert!(payload.iter().all(|byte| *byte == 7));
                assert_eq!(&read_exact::<8>(&mut peer), b"\x81\x06behind");
                // The peer stays until that was seen.
                flushed.recv_timeout(PATIENCE).expect("the flush ends");
            });
            ws.flush().expect("open");
            assert_eq!((ws.metrics().queued, ws.metrics().queued_messages), (0, 0));
            done.send(()).expect("the peer is there");
        });
    });
}

#[test]
fn a_large_message_is_let_go_when_its_peer_is_gone() {
    bounded(|| {
        let (mut ws, peer) = accepted(Config::default(), |stream| stream);
        let (message, watch) = watched(4 << 20);
        ws.try_send(message).expect("room");
        assert!(ws.metrics().queued > 0, "half of it is left");
        assert_eq!(watch.strong_count(), 1, "it is not copied");
        drop(peer);
        ws.recv().expect_err("a broken pipe");
        // The keeper may just be trying to write it.
        while watch.strong_count() > 0 {
            thread::yield_now();
        }
    });
}

#[test]
fn a_large_message_is_let_go_once_it_has_left() {
    bounded(|| {
        let (ws, mut peer) = accepted(Config::default(), |stream| stream);
        let (message, watch) = watched(4 << 20);
        let read = in_background(move || {
            read_exact::<10>(&mut peer);
            let mut payload = vec![0; 4 << 20];
            peer.read_exact(&mut payload).expect("a payload");
            peer
        });
        ws.send(message).expect("open");
        assert_eq!(watch.strong_count(), 0);
        read.recv_timeout(PATIENCE).expect("all of it is read");
    });
}

/// A binary message of a client, masked with zeros.
fn masked(len: usize) -> Vec<u8> {
    let mut bytes = wire::header(0x82, len as u64, Sender::Client);
    let key = bytes.len() - 4;
    bytes[key..].fill(0);
    bytes.extend((0..len).map(|at| at.to_le_bytes()[0]));
    bytes
}

#[test]
fn a_wait_inside_a_large_message_ends_in_time_and_loses_nothing() {
    bounded(|| {
        let (mut ws, mut peer) = accepted(Config::default(), |stream| stream);
        let bytes = masked(200_000);
        for piece in bytes.chunks(30_000) {
            let result = ws.recv_timeout(Duration::ZERO);
            assert!(matches!(result, Err(RecvTimeoutError::Timeout)), "{result:?}");
            peer.write_all(piece).expect("a pair has room");
        }
        let message = ws.recv().expect("open").expect("a message");
        assert!(message.as_bytes() == &bytes[bytes.len() - 200_000..]);
    });
}

#[test]
fn what_comes_with_the_end_of_a_large_message_is_not_a_part_of_it() {
    bounded(|| {
        let (mut ws, mut peer) = accepted(Config::default(), |stream| stream);
        let mut bytes = masked(150_000);
        let (message, behind) = (bytes[bytes.len() - 150_000..].to_vec(), b"\x81\x82\0\0\0\0hi");
        bytes.extend_from_slice(behind);
        bytes.extend_from_slice(&masked(5));
        let writing = in_background(move || {
            peer.write_all(&bytes).expect("the server reads");
            peer
        });
        assert!(ws.recv().expect("open").expect("a message").as_bytes() == message);
        assert_eq!(ws.recv().expect("open"), Some("hi".into()));
        assert_eq!(ws.recv().expect("open"), Some(vec![0, 1, 2, 3, 4].into()));
        writing.recv_timeout(PATIENCE).expect("all is written");
    });
}

#[test]
fn who_waits_inside_a_large_message_is_told_of_the_end() {
    bounded(|| {
        let (ws, mut peer) = accepted(Config::default(), |stream| stream);
        peer.write_all(&masked(200_000)[..100_000])
            .expect("a pair has room");
        let (tx, mut rx) = ws.split();
        let receiving = in_background(move || rx.recv());
        while tx.metrics().traffic.bytes_received < 100_000 {
            thread::yield_now();
        }
        tx.send("meanwhile").expect("open");
        assert_eq!(&read_exact::<11>(&mut peer), b"\x81\x09meanwhile");
        drop(peer);
        let result = receiving.recv_timeout(PATIENCE).expect("it ends");
        assert!(result.is_err(), "{result:?}");
    });
}
