//! The deadlines of handshakes, writes and closes, on a clock that moves once all tasks sleep.

use std::time::Duration;
use tidewire_tests::live::{Peer, ROOMY, accepted, bounded, connected, drive, pair, promptly, quiet};
use tidewire_tests::reference::Sender;
use tidewire_tokio::{
    Accept, CloseCode, Config, Connect, Error, HandshakeError, ProtocolError, RequestError, WebSocket,
};
use tokio::io::{DuplexStream, duplex};
use tokio::time::Instant;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The time since `start` in seconds; timers are exact to a millisecond.
fn since(start: Instant) -> u64 {
    start.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_is_given_up() {
    bounded(async {
        for server in [true, false] {
            for driven in [true, false] {
                let (ws, _peer) = if server {
                    accepted(quiet(), 1024).await
                } else {
                    connected(quiet(), 1024).await
                };
                let start = Instant::now();
                let send = async |ws: WebSocket<DuplexStream>| {
                    ws.send(vec![0; 4096]).await?;
                    ws.flush().await?;
                    Ok::<_, Error>(())
                };
                let end = if driven {
                    drive(ws, send).await
                } else {
                    send(ws).await
                };
                assert!(
                    matches!(end, Err(Error::Protocol(ProtocolError::PeerNotReading { .. }))),
                    "server: {server}, driven: {driven}: {end:?}"
                );
                assert_eq!(since(start), 30, "server: {server}, driven: {driven}");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_a_byte_now_and_then_is_not_given_up() {
    bounded(async {
        let (ws, mut peer) = accepted(quiet(), 16).await;
        let sent = tokio::spawn(async move { ws.send(vec![0; 200]).await });
        let slow = tokio::spawn(async move {
            let mut byte = [0];
            for _ in 0..204 {
                tokio::time::sleep(seconds(29)).await;
                tokio::io::AsyncReadExt::read_exact(&mut peer.stream, &mut byte)
                    .await
                    .expect("open");
            }
        });
        sent.await.expect("no panic").expect("open");
        slow.await.expect("no panic");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_peers_that_both_only_send_end_and_do_not_hang() {
    bounded(async {
        let (server, client) = pair(quiet(), 1024).await;
        let start = Instant::now();
        let flood = async |ws: WebSocket<DuplexStream>| {
            loop {
                if let Err(error) = ws.send(vec![0; 64 * 1024]).await {
                    break error;
                }
            }
        };
        let (server, client) = tokio::join!(drive(server, flood), drive(client, flood));
        let not_reading =
            |error: &Error| matches!(error, Error::Protocol(ProtocolError::PeerNotReading { .. }));
        assert!(
            not_reading(&server) || not_reading(&client),
            "{server:?}, {client:?}"
        );
        assert_eq!(since(start), 30);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_a_close_costs_the_close_timeout() {
    bounded(async {
        for server in [true, false] {
            for driven in [true, false] {
                let config = Config::builder()
                    .close_timeout(seconds(7))
                    .build()
                    .expect("no contradiction");
                let (ws, _peer) = if server {
                    accepted(config, ROOMY).await
                } else {
                    connected(config, ROOMY).await
                };
                let start = Instant::now();
                let close = async |ws: WebSocket<DuplexStream>| {
                    ws.close(1000, "bye").await.expect("a fine code");
                    ws.wait_closed().await
                };
                let closed = if driven {
                    drive(ws, close).await
                } else {
                    close(ws).await
                };
                assert_eq!(since(start), 7, "server: {server}, driven: {driven}");
                assert!(!closed.is_clean(), "{closed:?}");
                assert_eq!(closed.code(), CloseCode::ABNORMAL);
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_close_behind_output_that_nobody_reads_is_given_up_in_time() {
    bounded(async {
        let (ws, _peer) = accepted(Config::default(), 16).await;
        let start = Instant::now();
        ws.feed(vec![0; 100_000]).await.expect("open");
        ws.close(1000, "").await.expect("a fine code");
        assert_eq!(since(start), 10);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_gives_a_slow_request_up_with_408() {
    bounded(async {
        let (near, far) = duplex(ROOMY);
        let mut peer = Peer::raw(far, Sender::Client);
        let start = Instant::now();
        peer.send_bytes(b"GET / HTTP/1.1\r\nHost: local").await;
        let accepting = tokio::spawn(async move { Accept::new().accept(near).await.map(drop) });
        let head = peer.head().await;
        assert_eq!(since(start), 10);
        assert!(head.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{head}");
        assert_eq!(
            peer.rest_of_bytes().await,
            b"request head did not arrive in time\n"
        );
        drop(peer);
        let end = promptly("accept", accepting).await.expect("no panic");
        assert!(
            matches!(end, Err(HandshakeError::Request(RequestError::Timeout))),
            "{end:?}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_that_stays_is_left_after_a_while() {
    bounded(async {
        let (near, far) = duplex(ROOMY);
        let mut peer = Peer::raw(far, Sender::Client);
        peer.send_bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await;
        let start = Instant::now();
        let end = Accept::new().accept(near).await.map(drop);
        assert!(
            matches!(end, Err(HandshakeError::Request(RequestError::NotAnUpgrade))),
            "{end:?}"
        );
        assert_eq!(since(start), 5);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_gives_a_silent_server_up() {
    bounded(async {
        for answer in ["", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: web"] {
            let (near, far) = duplex(ROOMY);
            let mut peer = Peer::raw(far, Sender::Server);
            peer.send_bytes(answer.as_bytes()).await;
            let start = Instant::now();
            let end = Connect::new("ws://localhost/").over(near).await.map(drop);
            assert!(
                matches!(end, Err(HandshakeError::Timeout(_))),
                "{answer}: {end:?}"
            );
            assert_eq!(since(start), 10, "{answer}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_open_timeout_may_be_chosen() {
    bounded(async {
        let config = Config::builder()
            .open_timeout(seconds(2))
            .build()
            .expect("no contradiction");
        let (near, _far) = duplex(ROOMY);
        let start = Instant::now();
        let end = Connect::new("ws://localhost/")
            .config(config)
            .over(near)
            .await
            .map(drop);
        assert!(matches!(end, Err(HandshakeError::Timeout(_))), "{end:?}");
        assert_eq!(since(start), 2);
    })
    .await;
}
