//! Every deadline of a connection, on a clock that moves once all tasks sleep.

use std::time::Duration;

use futures_util::FutureExt as _;
use tidewire_tests::live::{Peer, accepted, bounded, connected, pair, promptly};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::Frame;
use tidewire_tokio::{
    Accept, CloseCode, Config, Connect, Error, HandshakeError, Keepalive, ProtocolError, RequestError,
    SendError, WebSocket,
};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// More than a test sends.
const ROOMY: usize = 1 << 20;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Without keepalive, whose timers would hide or hurry others.
fn quiet() -> Config {
    Config::builder()
        .keepalive(None)
        .build()
        .expect("no contradiction")
}

/// The time since `start` in seconds; timers are exact to a millisecond.
fn since(start: Instant) -> u64 {
    start.elapsed().as_secs()
}

fn assert_keepalive_timeout(end: &Result<Option<tidewire_tokio::Message>, Error>) {
    assert!(
        matches!(end, Err(Error::Protocol(ProtocolError::KeepaliveTimeout { .. }))),
        "{end:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_busy_handler_is_kept_alive() {
    bounded(async {
        let (ws, mut peer) = accepted(Config::default(), ROOMY).await;
        let start = Instant::now();
        let (release, released) = oneshot::channel::<()>();
        let run = tokio::spawn(ws.run(async |mut ws| {
            released.await.ok();
            ws.recv().await
        }));
        for number in 1..=5 {
            let (opcode, payload) = peer.next().await;
            assert_eq!((opcode, since(start)), (0x89, 20 * number));
            peer.send(&Frame::pong(payload)).await;
        }
        release.send(()).expect("a handler");
        peer.send(&Frame::text("well")).await;
        assert_eq!(peer.next().await, (0x88, vec![0x03, 0xe8]));
        drop(peer);
        assert_eq!(run.await.expect("no panic").expect("open"), Some("well".into()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_undriven_recv_keeps_its_connection_alive() {
    bounded(async {
        for server in [true, false] {
            let (mut ws, mut peer) = if server {
                accepted(Config::default(), ROOMY).await
            } else {
                connected(Config::default(), ROOMY).await
            };
            let start = Instant::now();
            let answers = async {
                for number in 1..=5 {
                    let (opcode, payload) = peer.next().await;
                    assert_eq!((opcode, since(start)), (0x89, 20 * number));
                    peer.send(&Frame::pong(payload)).await;
                }
                peer.send(&Frame::text("well")).await;
            };
            let (received, ()) = tokio::join!(ws.recv(), answers);
            assert_eq!(received.expect("open"), Some("well".into()));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_of_a_busy_handler_is_given_up_with_1011() {
    bounded(async {
        let (ws, mut peer) = accepted(Config::default(), ROOMY).await;
        let start = Instant::now();
        let (release, released) = oneshot::channel::<()>();
        let run = tokio::spawn(ws.run(async |mut ws| {
            released.await.ok();
            (ws.recv().await, ws.closed())
        }));
        assert_eq!(peer.next().await.0, 0x89);
        let (opcode, payload) = peer.next().await;
        assert_eq!((opcode, since(start)), (0x88, 40));
        assert_eq!(payload[..2], 1011_u16.to_be_bytes());
        assert_eq!(peer.frame().await, None);
        assert_eq!(since(start), 40);
        drop(peer);
        release.send(()).expect("a handler");
        let (end, closed) = run.await.expect("no panic");
        assert_keepalive_timeout(&end);
        let closed = closed.expect("closed");
        assert_eq!(closed.code(), CloseCode::ABNORMAL);
        assert!(!closed.is_clean());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_undriven_recv_gives_a_silent_peer_up() {
    bounded(async {
        for server in [true, false] {
            let (mut ws, mut peer) = if server {
                accepted(Config::default(), ROOMY).await
            } else {
                connected(Config::default(), ROOMY).await
            };
            let start = Instant::now();
            let end = ws.recv().await;
            assert_keepalive_timeout(&end);
            // The close deadline ends the wait for a peer that does not even close its stream.
            assert_eq!(since(start), 50);
            assert_eq!(ws.closed().expect("closed").code(), CloseCode::ABNORMAL);
            assert_eq!(peer.next().await.0, 0x89);
            let (opcode, payload) = peer.next().await;
            assert_eq!((opcode, &payload[..2]), (0x88, &1011_u16.to_be_bytes()[..]));
            assert_eq!(peer.frame().await, None);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn any_byte_is_a_sign_of_life() {
    bounded(async {
        let (mut ws, mut peer) = accepted(Config::default(), ROOMY).await;
        let bytes = Frame::text("x".repeat(30)).sent_by(Sender::Client);
        let slow = async {
            for byte in &bytes {
                tokio::time::sleep(seconds(15)).await;
                peer.send_bytes(&[*byte]).await;
            }
        };
        let (received, ()) = tokio::join!(ws.recv(), slow);
        assert_eq!(received.expect("open"), Some("x".repeat(30).into()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_waits_in_the_socket_counts_for_a_sender_that_was_away() {
    bounded(async {
        let (mut ws, mut peer) = accepted(Config::default(), ROOMY).await;
        assert!(timeout(seconds(21), ws.recv()).await.is_err());
        let (_, payload) = peer.next().await;
        peer.send(&Frame::pong(payload)).await;
        // Nobody polls the connection meanwhile, so the answer stays where it is.
        tokio::time::sleep(seconds(60)).await;
        promptly("send", ws.send("back")).await.expect("open");
        let mut frames = [peer.next().await.0, peer.next().await.0];
        frames.sort_unstable();
        assert_eq!(
            frames,
            [0x81, 0x89],
            "the message and the next ping, and no Close"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn keepalive_that_is_off_sends_no_ping() {
    bounded(async {
        let (ws, mut peer) = accepted(quiet(), ROOMY).await;
        let run = tokio::spawn(ws.run(async |mut ws| ws.recv().await));
        assert!(timeout(seconds(3600), peer.frame()).await.is_err());
        peer.send(&Frame::text("still here")).await;
        assert_eq!(peer.next().await.0, 0x88);
        drop(peer);
        assert_eq!(
            run.await.expect("no panic").expect("open"),
            Some("still here".into())
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_keepalive_of_its_own_has_its_own_times() {
    bounded(async {
        let config = Config::builder()
            .keepalive(Keepalive {
                interval: seconds(3),
                timeout: Some(seconds(2)),
            })
            .build()
            .expect("no contradiction");
        let (ws, mut peer) = accepted(config, ROOMY).await;
        let start = Instant::now();
        let run = tokio::spawn(ws.run(async |mut ws| ws.recv().await));
        assert_eq!((peer.next().await.0, since(start)), (0x89, 3));
        assert_eq!((peer.next().await.0, since(start)), (0x88, 5));
        drop(peer);
        assert_keepalive_timeout(&run.await.expect("no panic"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_application_does_not_receive_stays_open() {
    bounded(async {
        let (ws, mut peer) = accepted(Config::default(), ROOMY).await;
        let (release, released) = oneshot::channel::<()>();
        let run = tokio::spawn(ws.run(async |mut ws| {
            released.await.ok();
            let mut received = 0;
            while received < 41 {
                ws.recv().await.expect("open").expect("a message");
                received += 1;
            }
            ws
        }));
        for _ in 0..40 {
            peer.send(&Frame::text("more than is read ahead")).await;
        }
        peer.send(&Frame::ping("behind")).await;
        // No answer can be expected of a peer that we do not read.
        assert!(timeout(seconds(600), peer.frame()).await.is_err());
        release.send(()).expect("a handler");
        assert_eq!(promptly("pong", peer.next()).await, (0x8a, b"behind".to_vec()));
        peer.send(&Frame::text("the last")).await;
        peer.send(&Frame::close_with(1000, "")).await;
        // A ping is due again, too, now that an answer can be read.
        let last = promptly("the end", peer.rest()).await;
        assert_eq!(last.last().map(|(opcode, _)| *opcode), Some(0x88));
        drop(peer);
        promptly("run", run).await.expect("no panic");
    })
    .await;
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
                    ws.run(send).await
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
        let (server, client) = tokio::join!(server.run(flood), client.run(flood));
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
                    ws.run(close).await
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
            assert!(matches!(end, Err(HandshakeError::Timeout)), "{answer}: {end:?}");
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
        assert!(matches!(end, Err(HandshakeError::Timeout)), "{end:?}");
        assert_eq!(since(start), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_gives_its_round_trip() {
    bounded(async {
        for driven in [true, false] {
            let (ws, mut peer) = accepted(quiet(), ROOMY).await;
            let answer = tokio::spawn(async move {
                let (opcode, payload) = peer.next().await;
                assert_eq!(opcode, 0x89);
                tokio::time::sleep(Duration::from_millis(250)).await;
                peer.send(&Frame::pong(payload)).await;
                peer
            });
            let ask = async |ws: WebSocket<DuplexStream>| {
                assert_eq!(ws.latency(), None);
                let round_trip = ws.ping().await.expect("open");
                assert_eq!(ws.latency(), Some(round_trip));
                answer.await.expect("no panic");
                round_trip
            };
            let round_trip = if driven { ws.run(ask).await } else { ask(ws).await };
            assert_eq!(round_trip.as_millis(), 250, "driven: {driven}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn keepalive_measures_the_latency() {
    bounded(async {
        let (mut ws, mut peer) = accepted(Config::default(), ROOMY).await;
        let answer = async {
            let (_, payload) = peer.next().await;
            tokio::time::sleep(Duration::from_millis(80)).await;
            peer.send(&Frame::pong(payload)).await;
            peer.send(&Frame::text("there")).await;
        };
        let (received, ()) = tokio::join!(ws.recv(), answer);
        assert_eq!(received.expect("open"), Some("there".into()));
        assert_eq!(ws.latency().expect("measured").as_millis(), 80);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_pong_answers_all_pings_before_it() {
    bounded(async {
        for driven in [true, false] {
            let (ws, mut peer) = accepted(quiet(), ROOMY).await;
            let answer = async move {
                for payload in [b"a", b"b", b"c"] {
                    assert_eq!(peer.next().await, (0x89, payload.to_vec()));
                }
                peer.send(&Frame::pong("b")).await;
                peer
            };
            let ask = async |ws: WebSocket<DuplexStream>| {
                let (a, b) = (ws.ping_with(b"a"), ws.ping_with(b"b"));
                let mut c = Box::pin(ws.ping_with(b"c"));
                let (a, b, early) = promptly("a and b", async {
                    tokio::select! {
                        biased;
                        pair = async { tokio::join!(a, b) } => (pair.0, pair.1, false),
                        _ = &mut c => panic!("c was not answered"),
                    }
                })
                .await;
                a.expect("open");
                b.expect("open");
                assert!(!early);
                assert!(c.now_or_never().is_none());
            };
            let answer = tokio::spawn(answer);
            if driven {
                // The peer is kept until the handler is done, and closes nothing itself.
                tokio::select! {
                    () = ws.run(async |ws| { ask(ws).await; }) => {}
                    () = async { let _peer = answer.await; std::future::pending().await } => {}
                }
            } else {
                ask(ws).await;
                answer.await.expect("no panic");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn sixty_four_pings_may_wait() {
    bounded(async {
        let (ws, mut peer) = accepted(quiet(), ROOMY).await;
        let mut waiting: Vec<_> = (0..64).map(|_| Box::pin(ws.ping())).collect();
        for ping in &mut waiting {
            assert!(ping.now_or_never().is_none());
        }
        let one_more = ws.ping().await;
        assert!(
            matches!(one_more, Err(Error::Send(SendError::TooManyPings))),
            "{one_more:?}"
        );
        let mut last = Vec::new();
        for _ in 0..64 {
            last = peer.next().await.1;
        }
        peer.send(&Frame::pong(last)).await;
        for ping in waiting {
            promptly("ping", ping).await.expect("open");
        }
        assert!(ws.ping().now_or_never().is_none());
        assert_eq!(promptly("a ping", peer.next()).await.0, 0x89);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_ends_with_its_connection() {
    bounded(async {
        for driven in [true, false] {
            let (ws, peer) = accepted(quiet(), ROOMY).await;
            let ask = async |ws: WebSocket<DuplexStream>| {
                drop(peer);
                ws.ping().await
            };
            let end = if driven {
                promptly("run", ws.run(ask)).await
            } else {
                promptly("ping", ask(ws)).await
            };
            assert!(end.is_err(), "driven: {driven}: {end:?}");
        }
    })
    .await;
}
