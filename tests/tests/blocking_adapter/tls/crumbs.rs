//! TLS over a stream that moves one byte at a time.

use std::io;
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use tidewire_blocking::{Accept, Connect, Message, TlsSocket, Transport};
use tidewire_tests::live::Certificate;

use super::pair;
use crate::support::{PATIENCE, bounded, in_background};

struct Crumbs(UnixStream);

impl Transport for Crumbs {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        let mut crumb = Vec::with_capacity(1);
        let read = Transport::read(&self.0, &mut crumb, timeout)?;
        buffer.append(&mut crumb);
        Ok(read)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        Transport::write(&self.0, bytes.get(..1).unwrap_or_default(), timeout)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        UnixStream::shutdown(&self.0, how)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Transport::fd(&self.0)
    }
}

#[test]
fn messages_arrive_byte_by_byte() {
    bounded(|| {
        let certificate = Certificate::new();
        let (near, far) = pair();
        let tls = certificate.server();
        let server = in_background(move || {
            let stream = TlsSocket::accept(Crumbs(near), &tls, Some(PATIENCE)).expect("the client agrees");
            let mut ws = Accept::new().accept(stream).expect("a good request");
            while let Some(message) = ws.recv().expect("a good end") {
                ws.send(message).expect("open");
            }
        });
        let stream = TlsSocket::connect(Crumbs(far), &certificate.client(), "localhost", Some(PATIENCE))
            .expect("the server agrees");
        let mut ws = Connect::new("ws://localhost/")
            .over(stream)
            .expect("the server accepts");
        for len in [0, 1, 200, 20_000] {
            let message = Message::from(vec![7; len]);
            ws.send(message.clone()).expect("open");
            assert!(ws.recv().expect("open") == Some(message), "{len} bytes");
        }
        ws.close(1000, "").expect("a good close");
        server.recv_timeout(PATIENCE).expect("it ends well");
    });
}
