//! What a deadline leaves to the application, and deadlines that never come.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use tidewire_blocking::{
    Accept, Config, Connect, Error, HandshakeError, Keepalive, ProtocolError, Server, WebSocket,
};

use crate::support::{
    PATIENCE, accepted, bounded, echo, listener, raw_client, read_exact, read_rest, serve, start,
};

#[test]
fn what_came_before_a_write_timeout_is_received_and_what_never_left_is_counted() {
    let config = Config::builder()
        .write_timeout(Duration::from_millis(100))
        .write_queue(8 << 20)
        .build()
        .expect("valid");
    bounded(move || {
        let (mut ws, mut peer) = accepted(config, |stream| stream);
        for number in 0..100 {
            let mut frame = b"\x81\x82\0\0\0\0".to_vec();
            frame.extend_from_slice(format!("{number:02}").as_bytes());
            peer.write_all(&frame).expect("a pair has room");
        }
        // More than a pair takes of a peer that does not read.
        for _ in 0..3 {
            ws.feed(vec![0; 1 << 20]).expect("there is room");
        }
        assert!(!ws.wait_closed().is_clean());
        for number in 0..100 {
            let message = ws.recv().expect("messages come first").expect("100 messages");
            assert_eq!(message.as_text(), Some(format!("{number:02}").as_str()));
        }
        let end = ws.recv();
        assert!(
            matches!(end, Err(Error::Protocol(ProtocolError::PeerNotReading { .. }))),
            "{end:?}"
        );
        assert_eq!(ws.metrics().queued_messages, 3);
    });
}

#[test]
fn a_shutdown_without_a_limit_waits_for_the_handlers() {
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let server = serve(move |ws: WebSocket| {
        ws.send("in")?;
        let _ = wait.lock().expect("one handler").recv();
        Ok(())
    });
    let mut stream = raw_client(server.address);
    assert_eq!(&read_exact::<4>(&mut stream), b"\x81\x02in");
    server.handle.shutdown(Duration::MAX);
    assert_eq!(&read_exact::<4>(&mut stream), b"\x88\x13\x03\xe9", "1001");
    stream
        .write_all(b"\x88\x82\0\0\0\0\x03\xe9")
        .expect("the server reads");
    read_rest(&mut stream);
    drop(stream);
    assert_eq!(server.served.try_recv(), Err(mpsc::TryRecvError::Empty));
    drop(go);
    let counts = server.served.recv_timeout(PATIENCE).expect("the server ends");
    assert_eq!((counts.finished, counts.aborted), (1, 0));
}

#[test]
fn durations_without_a_limit_work() {
    let config = Config::builder()
        .open_timeout(Duration::MAX)
        .close_timeout(Duration::MAX)
        .write_timeout(Duration::MAX)
        .keepalive(Keepalive {
            interval: Duration::MAX,
            timeout: Some(Duration::MAX),
        })
        .build()
        .expect("valid");
    let server = start(Server::new(listener(), echo).config(config.clone()));
    // A name, which is looked up in time.
    let url = format!("ws://localhost:{}/", server.address.port());
    bounded(move || {
        let mut ws = Connect::new(url)
            .config(config)
            .open()
            .expect("the server accepts");
        ws.send("hi").expect("the server reads");
        let message = ws.recv_timeout(Duration::MAX).expect("it goes on");
        assert_eq!(message, Some("hi".into()));
        ws.ping().expect("the server answers");
        ws.close(1000, "").expect("a code that may be sent");
        assert!(ws.wait_closed().is_clean());
    });
}

#[test]
fn a_refused_client_that_stays_is_left_when_the_time_of_its_handshake_is_over() {
    let timeout = Duration::from_millis(1500);
    let (mut peer, ours) = UnixStream::pair().expect("a pair");
    peer.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("a pair has room");
    let (refused, took) = bounded(move || {
        let config = Config::builder().open_timeout(timeout).build().expect("valid");
        let start = Instant::now();
        let refused = Accept::new().config(config).accept(ours);
        (refused.map(|_| ()), start.elapsed())
    });
    assert!(matches!(refused, Err(HandshakeError::Request(_))), "{refused:?}");
    assert!(
        took >= timeout && took < timeout + Duration::from_secs(2),
        "{took:?}"
    );
}
