//! Transports that keep some of what they are given, as a layer over another stream does.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tidewire_blocking::{Config, Transport, WebSocket};

use crate::support::{accepted, bounded, read_exact, read_rest};

/// Sends with a flush alone, and reads more from its stream than it gives at once.
struct Layer {
    stream: UnixStream,
    input: Mutex<Vec<u8>>,
    output: Mutex<Vec<u8>>,
    /// It lets go of two bytes only, and then of the rest.
    is_stingy: bool,
    /// Writing ends when the output has left.
    ends: AtomicBool,
}

impl Layer {
    fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            input: Mutex::default(),
            output: Mutex::default(),
            is_stingy: false,
            ends: AtomicBool::new(false),
        }
    }

    fn stingy(stream: UnixStream) -> Self {
        Self {
            is_stingy: true,
            ..Self::new(stream)
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics with it")
}

impl Transport for Layer {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        let mut input = lock(&self.input);
        let mut more = Vec::with_capacity(1 << 20);
        if input.is_empty() {
            Transport::read(&self.stream, &mut more, timeout)?;
            input.append(&mut more);
        }
        // Whoever reads is given a frame's worth at a time.
        let len = input.len().min(if self.is_stingy { 7 } else { 1 << 20 });
        let len = len.min(buffer.capacity() - buffer.len());
        buffer.extend(input.drain(..len));
        Ok(len)
    }

    fn write(&self, bytes: &[u8], _timeout: Option<Duration>) -> io::Result<usize> {
        let mut output = lock(&self.output);
        assert!(output.is_empty(), "what was taken before leaves first");
        output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&self, timeout: Option<Duration>) -> io::Result<()> {
        let mut output = lock(&self.output);
        while !output.is_empty() {
            let written = Transport::write(&self.stream, &output, timeout)?;
            output.drain(..written);
        }
        if self.ends.load(Ordering::SeqCst) {
            UnixStream::shutdown(&self.stream, Shutdown::Write)?;
        }
        Ok(())
    }

    fn holds_output(&self) -> bool {
        !lock(&self.output).is_empty()
    }

    fn holds_input(&self) -> bool {
        !lock(&self.input).is_empty()
    }

    /// Says goodbye, with the next flush.
    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if how == Shutdown::Write {
            lock(&self.output).extend_from_slice(b"bye");
            self.ends.store(true, Ordering::SeqCst);
            return Ok(());
        }
        UnixStream::shutdown(&self.stream, how)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Transport::fd(&self.stream)
    }
}

fn open(layer: impl FnOnce(UnixStream) -> Layer) -> (WebSocket<Layer>, UnixStream) {
    accepted(Config::default(), layer)
}

#[test]
fn what_a_layer_keeps_leaves_with_the_message() {
    bounded(|| {
        let (ws, mut peer) = open(Layer::new);
        for _ in 0..3 {
            ws.send("hi").expect("open");
            assert!(!ws.transport().holds_output());
            assert_eq!(&read_exact::<4>(&mut peer), b"\x81\x02hi");
        }
    });
}

#[test]
fn the_keeper_sends_what_did_not_leave_at_once() {
    bounded(|| {
        let (ws, mut peer) = open(Layer::new);
        // More than a pair has room for.
        let message = vec![7; 8 << 20];
        ws.send(message.clone()).expect("open");
        assert!(ws.transport().holds_output());
        assert_eq!(read_exact::<10>(&mut peer)[..2], *b"\x82\x7f");
        let mut arrived = vec![0; message.len()];
        peer.read_exact(&mut arrived).expect("the rest leaves");
        assert!(arrived == message);
    });
}

#[test]
fn the_keeper_takes_what_a_layer_has_read_already() {
    bounded(|| {
        let (_ws, mut peer) = open(Layer::stingy);
        peer.write_all(&b"\x89\x81\0\0\0\0a".repeat(200))
            .expect("the server reads");
        peer.write_all(b"\x89\x81\0\0\0\0z").expect("the server reads");
        while read_exact::<3>(&mut peer) != *b"\x8a\x01z" {}
    });
}

#[test]
fn a_layer_says_its_own_end_before_that_of_the_stream() {
    bounded(|| {
        let (ws, mut peer) = open(Layer::new);
        drop(ws);
        assert_eq!(&read_exact::<4>(&mut peer), b"\x88\x02\x03\xe8");
        peer.write_all(b"\x88\x82\0\0\0\0\x03\xe8")
            .expect("the server reads");
        assert_eq!(read_rest(&mut peer), b"bye");
    });
}
