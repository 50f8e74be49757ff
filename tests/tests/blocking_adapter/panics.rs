//! A transport that panics in the thread that looks after all connections.

use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use tidewire_blocking::{Config, Error, Transport, connect};

use crate::support::{accepted, bounded, echo, serve};

/// Panics where it is not to wait, as only that thread asks it.
struct Panicking(UnixStream);

impl Transport for Panicking {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        assert_ne!(timeout, Some(Duration::ZERO), "a bug of the application's");
        Transport::read(&self.0, buffer, timeout)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        Transport::write(&self.0, bytes, timeout)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        Transport::shutdown(&self.0, how)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Transport::fd(&self.0)
    }
}

#[test]
fn a_transport_that_panics_ends_its_own_connection() {
    bounded(|| {
        let (mut ws, mut peer) = accepted(Config::default(), Panicking);
        // Nobody receives, so that it is read ahead.
        peer.write_all(b"\x81\x82\0\0\0\0hi").expect("room");
        assert!(!ws.wait_closed().is_clean());
        let ended = ws.recv();
        assert!(matches!(ended, Err(Error::Io(_))), "{ended:?}");
        // Others are looked after.
        let server = serve(echo);
        let ws = connect(server.url()).open().expect("the server accepts");
        ws.ping().expect("an answer");
    });
}
