//! How a connection says that it ended, and how `Stream` and `Sink` do.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt as _};
use tidewire_tests::live::{Peer, ROOMY, accepted, bounded, drive, endpoint, pair, promptly, quiet};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::Frame;
use tidewire_tokio::{CloseCode, Config, Error, Kind, Message, SendError, Side, TrySendError, WebSocket};
use tokio::io::DuplexStream;

async fn server() -> (WebSocket<DuplexStream>, Peer<DuplexStream>) {
    endpoint(Sender::Server, Config::default()).await
}

#[tokio::test(start_paused = true)]
async fn a_close_that_may_not_be_sent_changes_nothing() {
    bounded(async {
        let (ws, mut peer) = server().await;
        let mut writer = ws.send_pieces(Kind::Text).await.expect("open");
        writer.write("a").await.expect("open");
        for code in [0, 999, 1004, 1005, 1006, 1015, 5000] {
            let refused = ws.close(code, "").await;
            assert!(
                matches!(refused, Err(SendError::CloseCode { .. })),
                "{code}: {refused:?}"
            );
        }
        let refused = ws.close(1000, &"x".repeat(124)).await;
        assert_eq!(refused, Err(SendError::LongReason { len: 124 }));
        // The message in pieces still keeps the others waiting.
        assert!(matches!(ws.try_send("no"), Err(TrySendError::Full(_))));
        writer.finish_with("b").await.expect("open");
        assert_eq!(peer.next().await, (0x01, b"a".to_vec()));
        assert_eq!(peer.next().await, (0x80, b"b".to_vec()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_quietly_after_a_clean_close() {
    bounded(async {
        for code in [1000, 1001] {
            let (mut ws, mut peer) = server().await;
            peer.send(&Frame::text("one")).await;
            peer.send(&Frame::close_with(code, "")).await;
            drop(peer);
            assert!(matches!(
                promptly("one", ws.next()).await,
                Some(Ok(Message::Text(_)))
            ));
            assert!(promptly("end", ws.next()).await.is_none(), "{code}");
            assert!(promptly("end", ws.next()).await.is_none(), "{code}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_gives_one_error_and_ends() {
    bounded(async {
        let (ws, mut peer) = server().await;
        peer.send(&Frame::close_with(4000, "mine")).await;
        drop(peer);
        let (_tx, mut rx) = ws.split();
        let end = promptly("error", rx.next()).await;
        assert!(
            matches!(&end, Some(Err(Error::Closed(closed))) if closed.code().as_u16() == 4000),
            "{end:?}"
        );
        assert!(promptly("end", rx.next()).await.is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_forwards_into_a_sink() {
    bounded(async {
        let (server, client) = pair(Config::default(), 64).await;
        tokio::spawn(async move {
            let (tx, rx) = server.split();
            rx.forward(tx).await
        });
        let (mut tx, mut rx) = client.split();
        for number in 0..50 {
            let text = "x".repeat(number);
            promptly("send", SinkExt::send(&mut tx, text.as_str()))
                .await
                .expect("open");
            assert_eq!(
                promptly("echo", rx.next()).await.expect("open").expect("open"),
                text.into()
            );
        }
        promptly("close", SinkExt::<Message>::close(&mut tx))
            .await
            .expect("a clean end");
        assert!(promptly("end", rx.next()).await.is_none());
        assert!(tx.wait_closed().await.is_clean());
    })
    .await;
}

/// Codes that a peer may send, each with whether it is a good end.
const RECEIVED: [(Option<u16>, bool); 9] = [
    (None, true),
    (Some(1000), true),
    (Some(1001), true),
    (Some(1002), false),
    (Some(1008), false),
    (Some(1011), false),
    (Some(1014), false),
    (Some(3000), false),
    (Some(4999), false),
];

#[tokio::test(start_paused = true)]
async fn a_received_close_is_echoed_and_told_in_both_roles() {
    bounded(async {
        for side in [Sender::Server, Sender::Client] {
            for (code, is_good) in RECEIVED {
                let what = format!("{side:?}: {code:?}");
                let (mut ws, mut peer) = endpoint(side, Config::default()).await;
                let frame = code.map_or(Frame::close(""), |code| Frame::close_with(code, "because"));
                peer.send(&frame).await;
                let echo = async {
                    let echo = peer.next().await;
                    let expected = code.map_or(Vec::new(), |code| code.to_be_bytes().to_vec());
                    assert_eq!(echo, (0x88, expected), "{what}");
                    drop(peer);
                };
                let (end, ()) = promptly(&what, async { tokio::join!(ws.recv(), echo) }).await;
                match end {
                    Ok(None) => assert!(is_good, "{what}"),
                    Err(Error::Closed(closed)) => {
                        assert!(!is_good, "{what}");
                        assert_eq!(Some(closed.code().as_u16()), code, "{what}");
                    }
                    end => panic!("{what}: {end:?}"),
                }
                let closed = promptly(&what, ws.wait_closed()).await;
                assert_eq!(closed.code().as_u16(), code.unwrap_or(1005), "{what}");
                assert_eq!(closed.reason(), code.map_or("", |_| "because"), "{what}");
                assert_eq!(closed.first(), Some(Side::Remote), "{what}");
                assert!(closed.is_clean(), "{what}");
                let sent = ws.send("late").await;
                assert!(sent.is_err(), "{what}");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_close_of_ours_is_told_in_both_roles() {
    bounded(async {
        for side in [Sender::Server, Sender::Client] {
            let (ws, mut peer) = endpoint(side, Config::default()).await;
            let answer = async {
                let (opcode, payload) = peer.next().await;
                assert_eq!((opcode, payload), (0x88, [&[0x0f, 0xa1], &b"done"[..]].concat()));
                peer.send(&Frame::close_with(4001, "")).await;
                if side == Sender::Server {
                    assert_eq!(peer.frame().await, None);
                }
                drop(peer);
            };
            let (closed, ()) =
                promptly("close", async { tokio::join!(ws.close(4001, "done"), answer) }).await;
            closed.expect("a fine code");
            let closed = ws.closed().expect("closed");
            assert!(closed.is_clean(), "{closed:?}");
            assert_eq!(
                (closed.code().as_u16(), closed.first()),
                (4001, Some(Side::Local))
            );
            assert_eq!(closed.sent().map(|note| note.reason.as_str()), Some("done"));
            // Again, and it sends nothing and ends at once.
            promptly("again", ws.close(1000, "")).await.expect("a fine code");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_message_is_never_given() {
    bounded(async {
        for driven in [true, false] {
            let (ws, mut peer) = server().await;
            peer.send(&Frame::text("whole")).await;
            peer.send(&Frame::text("half").more()).await;
            peer.send(&Frame::ping("alive")).await;
            drop(peer);
            let receive = async |mut ws: WebSocket<DuplexStream>| {
                // The driver may read ahead.
                tokio::task::yield_now().await;
                assert_eq!(ws.recv().await.expect("open"), Some("whole".into()));
                let end = ws.recv().await;
                assert!(
                    matches!(&end, Err(Error::Closed(closed)) if closed.code() == CloseCode::ABNORMAL
                    && !closed.is_clean())
                        || matches!(end, Err(Error::Io(_))),
                    "{end:?}"
                );
                ws.wait_closed().await
            };
            let closed = promptly("end", async {
                if driven {
                    drive(ws, receive).await
                } else {
                    receive(ws).await
                }
            })
            .await;
            assert_eq!(closed.code(), CloseCode::ABNORMAL);
            assert_eq!(closed.first(), None);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_undriven_connection_ends_at_once_and_a_driven_one_with_1000() {
    bounded(async {
        let (ws, mut peer) = server().await;
        drop(ws);
        assert_eq!(promptly("end", peer.frame()).await, None);
        let (ws, mut peer) = server().await;
        let (tx, rx) = ws.split();
        drop(tx);
        drop(rx);
        assert_eq!(promptly("close", peer.next()).await, (0x88, vec![0x03, 0xe8]));
        peer.send(&Frame::close_with(1000, "")).await;
        assert_eq!(promptly("end", peer.frame()).await, None);
        drop(peer);
        let metrics = tokio::runtime::Handle::current().metrics();
        promptly("no task is left", async {
            while metrics.num_alive_tasks() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_close_that_waited_for_a_slow_handler_is_answered() {
    bounded(async {
        for driven in [true, false] {
            let (ws, mut peer) = accepted(quiet(), ROOMY).await;
            peer.send(&Frame::text("takes long")).await;
            peer.send(&Frame::close_with(1000, "")).await;
            let handle = async |mut ws: WebSocket<DuplexStream>| {
                assert_eq!(ws.recv().await.expect("open"), Some("takes long".into()));
                // Longer than the close timeout.
                tokio::time::sleep(Duration::from_secs(60)).await;
                ws.recv().await.expect("a good end")
            };
            let serve = async {
                if driven {
                    drive(ws, handle).await
                } else {
                    handle(ws).await
                }
            };
            let end = async {
                let frame = peer.frame().await;
                assert_eq!(frame, Some((0x88, vec![0x03, 0xe8])), "driven: {driven}");
                drop(peer);
            };
            let (received, ()) = tokio::join!(serve, end);
            assert_eq!(received, None, "driven: {driven}");
        }
    })
    .await;
}
