//! Keepalive and the latency it measures, on a clock that moves once all tasks sleep.

use std::time::Duration;
use tidewire_tests::live::{ROOMY, accepted, bounded, connected, drive, promptly, quiet};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::Frame;
use tidewire_tokio::{CloseCode, Config, Error, Keepalive, ProtocolError};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
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
        let run = tokio::spawn(drive(ws, async |mut ws| {
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
        let run = tokio::spawn(drive(ws, async |mut ws| {
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
        let run = tokio::spawn(drive(ws, async |mut ws| ws.recv().await));
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
        let run = tokio::spawn(drive(ws, async |mut ws| ws.recv().await));
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
        let run = tokio::spawn(drive(ws, async |mut ws| {
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
