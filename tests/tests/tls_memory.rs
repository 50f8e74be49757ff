//! How much memory a connection over TLS keeps, counted on one side of it.

use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tidewire_blocking::{TlsSocket, Transport};
use tidewire_tests::live::Certificate;

const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

/// How many bytes more, or fewer, are allocated on this thread after some work.
fn growth(work: impl FnOnce()) -> i64 {
    allocation_counter::measure(work).bytes_current
}

#[test]
fn an_idle_connection_keeps_8_kib_also_after_a_long_record() {
    let certificate = Certificate::new();
    let (near, far) = UnixStream::pair().expect("a pair");
    let tls = certificate.client();
    let (tell, told) = mpsc::channel::<usize>();
    let client = thread::spawn(move || {
        let client = TlsSocket::connect(far, &tls, "localhost", PATIENCE).expect("the server agrees");
        for len in told {
            assert_eq!(client.write(&vec![7; len], PATIENCE).expect("room"), len);
        }
    });

    let tls = certificate.server();
    let mut server = None;
    let mut buffer = Vec::with_capacity(64 * 1024);
    let mut receive = |len: usize, server: &Option<Box<TlsSocket<UnixStream>>>| {
        let server = server.as_ref().expect("it is there");
        tell.send(len).expect("the client waits");
        buffer.clear();
        let mut read = 0;
        while read < len {
            read += server.read(&mut buffer, PATIENCE).expect("the client sends");
        }
        let nothing = server.read(&mut buffer, Some(Duration::ZERO));
        assert!(nothing.is_err(), "{nothing:?}");
    };
    let opened = growth(|| {
        let accepted = TlsSocket::accept(near, &tls, PATIENCE).expect("the client agrees");
        server = Some(Box::new(accepted));
        receive(5, &server);
    });
    assert!((1..9 * 1024).contains(&opened), "{opened} bytes");
    let more = growth(|| {
        receive(16 * 1024, &server);
        receive(32 * 1024, &server);
    });
    assert!(more < 256, "{more} bytes more");

    drop(tell);
    client.join().expect("the client is content");
}
