//! What goes on when a half, a handler or the patience ends.

use std::future::{Future, Ready};
use std::time::Duration;

use tidewire_tests::live::{Peer, accepted, bounded, echo, promptly};
use tidewire_tests::wire::Frame;
use tidewire_tokio::{CloseCode, Config, Error, ProtocolError, Server, Socket, WebSocket};
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};

#[tokio::test(start_paused = true)]
async fn what_came_before_a_write_timeout_is_received_and_what_never_left_is_counted() {
    bounded(async {
        let config = Config::builder()
            .keepalive(None)
            .write_timeout(Duration::from_secs(1))
            .build()
            .expect("valid");
        let (ws, mut peer) = accepted(config, 4096).await;
        let (sender, mut receiver) = ws.split();
        for number in 0..100 {
            peer.send(&Frame::text(format!("{number:02}"))).await;
        }
        // More than the pipe takes of a peer that does not read.
        for _ in 0..3 {
            sender.feed(vec![0; 10_000]).await.expect("there is room");
        }
        assert!(!sender.wait_closed().await.is_clean());
        for number in 0..100 {
            let message = receiver.recv().await.expect("messages come first");
            assert_eq!(message, Some(format!("{number:02}").into()));
        }
        let end = receiver.recv().await;
        assert!(
            matches!(end, Err(Error::Protocol(ProtocolError::PeerNotReading { .. }))),
            "{end:?}"
        );
        assert_eq!(sender.metrics().queued_messages, 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_receiver_pings_are_answered_and_the_close_is_seen() {
    bounded(async {
        let (ws, mut peer) = accepted(Config::default(), 64 * 1024).await;
        let (sender, receiver) = ws.split();
        drop(receiver);
        for _ in 0..100 {
            peer.send(&Frame::text("hi")).await;
        }
        peer.send(&Frame::ping("a")).await;
        assert_eq!(promptly("a pong", peer.next()).await, (0x8a, b"a".to_vec()));
        peer.send(&Frame::close_with(1000, "")).await;
        assert_eq!(promptly("a close", peer.next()).await.0, 0x88);
        drop(peer);
        let closed = promptly("an end", sender.wait_closed()).await;
        assert!(closed.is_clean());
        assert_eq!(closed.code(), CloseCode::NORMAL);
    })
    .await;
}

/// Runs a handler that panics, and checks what the peer sees of it.
async fn panics_with_1011<Fut>(handler: impl FnOnce(WebSocket<DuplexStream>) -> Fut + Send + 'static)
where
    Fut: Future<Output = Result<(), Error>> + Send + 'static,
{
    bounded(async {
        let (ws, mut peer) = accepted(Config::default(), 1024).await;
        let running = tokio::spawn(ws.run(handler));
        let (opcode, payload) = promptly("a close", peer.next()).await;
        assert_eq!(opcode, 0x88);
        assert!(payload.starts_with(&1011_u16.to_be_bytes()), "{payload:?}");
        peer.send(&Frame::close_with(1011, "")).await;
        drop(peer);
        let panic = running.await.expect_err("it goes on from run");
        assert!(panic.is_panic());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_of_run_that_panics_closes_with_1011() {
    panics_with_1011(async |_| panic!("the test's own")).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_of_run_that_panics_before_it_is_a_future_closes_with_1011() {
    panics_with_1011(|_| -> Ready<Result<(), Error>> { panic!("the test's own") }).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_of_run_that_splits_at_once_has_the_driver_of_run() {
    bounded(async {
        let (ws, mut peer) = accepted(Config::default(), 1024).await;
        let running = tokio::spawn(ws.run(|ws: WebSocket<DuplexStream>| {
            let (sender, mut receiver) = ws.split();
            async move {
                while let Some(message) = receiver.recv().await? {
                    sender.send(message).await?;
                }
                Ok::<(), Error>(())
            }
        }));
        peer.send(&Frame::text("hi")).await;
        assert_eq!(promptly("an echo", peer.next()).await, (0x81, b"hi".to_vec()));
        let alive = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        assert_eq!(alive, 1, "tasks");
        peer.send(&Frame::close_with(1000, "")).await;
        assert_eq!(promptly("a close", peer.next()).await.0, 0x88);
        drop(peer);
        running.await.expect("no panic").expect("a clean end");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_of_run_that_fails_closes_with_1011_and_gives_its_error() {
    bounded(async {
        let (ws, mut peer) = accepted(Config::default(), 1024).await;
        let running = tokio::spawn(ws.run(async |_: WebSocket<DuplexStream>| Err::<(), _>("the test's own")));
        let (opcode, payload) = promptly("a close", peer.next()).await;
        assert_eq!(opcode, 0x88);
        assert!(payload.starts_with(&1011_u16.to_be_bytes()), "{payload:?}");
        peer.send(&Frame::close_with(1011, "")).await;
        drop(peer);
        assert_eq!(running.await.expect("no panic"), Err("the test's own"));
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_without_a_limit_waits_for_the_clients() {
    bounded(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = Server::new(listener, echo::<Socket>);
        let handle = server.handle();
        let address = handle.local_addr().expect("an address");
        let task = tokio::spawn(server.into_future());
        let stream = TcpStream::connect(address).await.expect("a listener");
        let mut peer = Peer::client(stream).await;
        // The handler runs.
        peer.send(&Frame::text("hi")).await;
        assert_eq!(peer.next().await, (0x81, b"hi".to_vec()));
        handle.shutdown(Duration::MAX);
        let (opcode, payload) = peer.next().await;
        assert_eq!(opcode, 0x88);
        assert!(payload.starts_with(&1001_u16.to_be_bytes()), "{payload:?}");
        assert!(!task.is_finished());
        peer.send(&Frame::close_with(1001, "")).await;
        assert_eq!(peer.frame().await, None);
        drop(peer);
        let counts = task.await.expect("no panic").expect("served");
        assert_eq!((counts.finished, counts.aborted), (1, 0));
    })
    .await;
}
