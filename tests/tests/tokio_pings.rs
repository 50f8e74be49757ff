//! Pings of the application: their round trips, their answers, and how many may wait.

use futures_util::FutureExt as _;
use std::time::Duration;
use tidewire_tests::live::{ROOMY, accepted, bounded, drive, promptly, quiet};
use tidewire_tests::wire::Frame;
use tidewire_tokio::{Error, SendError, WebSocket};
use tokio::io::DuplexStream;

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
            let round_trip = if driven {
                drive(ws, ask).await
            } else {
                ask(ws).await
            };
            assert_eq!(round_trip.as_millis(), 250, "driven: {driven}");
        }
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
                    () = drive(ws, async |ws| { ask(ws).await; }) => {}
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
                promptly("run", drive(ws, ask)).await
            } else {
                promptly("ping", ask(ws)).await
            };
            assert!(end.is_err(), "driven: {driven}: {end:?}");
        }
    })
    .await;
}
