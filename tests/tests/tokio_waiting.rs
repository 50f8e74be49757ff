//! Nobody who waits for a connection is forgotten, whoever else uses it and wherever it is polled.
//!
//! Where the clock is paused, it moves once all tasks sleep: a lost wake-up shows at once.

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tidewire_tests::live::{LARGE, accepted, bounded, drive, echo, large, pair, promptly, small_queue};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::{Frame, stream};
use tidewire_tokio::{Config, Error, Message, Transport, WebSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// The capacities of pipe that the tests run over: less than a frame, and more than all of them.
const CAPACITIES: [usize; 3] = [1, 16, 1 << 20];

/// Polls a future once.
async fn once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.poll_unpin(cx))).await
}

/// Receives `count` messages.
async fn drain<S: Transport>(mut ws: WebSocket<S>, count: usize) -> Result<usize, Error> {
    let mut bytes = 0;
    for _ in 0..count {
        bytes += ws.recv().await?.map_or(0, |message| message.len());
    }
    ws.close(1000, "").await?;
    Ok(bytes)
}

#[tokio::test(start_paused = true)]
async fn undriven_recv_in_futures_unordered_gets_its_message() {
    bounded(async {
        for capacity in CAPACITIES {
            let (mut server, client) = pair(small_queue(), capacity).await;
            let (release, released) = oneshot::channel::<()>();
            let mut all = FuturesUnordered::new();
            all.push(async { server.recv().await.map(|message| message.map_or(0, |m| m.len())) }.boxed());
            all.push(released.map(|_| Ok(0)).boxed());
            assert!(all.next().now_or_never().is_none());
            let sender = tokio::spawn(async move {
                client.send("hello").await?;
                release.send(()).ok();
                Ok::<_, Error>(client)
            });
            let mut sum = promptly("recv", all.next())
                .await
                .expect("two futures")
                .expect("open");
            sum += promptly("recv", all.next())
                .await
                .expect("two futures")
                .expect("open");
            assert_eq!(sum, 5, "capacity {capacity}");
            sender.await.expect("no panic").expect("sent");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn undriven_blocked_sends_in_futures_unordered_all_end() {
    bounded(async {
        for capacity in CAPACITIES {
            let (server, client) = pair(small_queue(), capacity).await;
            let reader = tokio::spawn(drain(client, 5));
            let mut all: FuturesUnordered<_> = (0..5).map(|_| server.send(large())).collect();
            while let Some(sent) = promptly("send", all.next()).await {
                sent.expect("open");
            }
            drop(all);
            assert_eq!(
                promptly("close", server.wait_closed()).await.code().as_u16(),
                1000
            );
            assert_eq!(
                reader.await.expect("no panic").expect("open"),
                5 * LARGE,
                "{capacity}"
            );
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn driven_blocked_sends_in_futures_unordered_all_end() {
    bounded(async {
        for capacity in CAPACITIES {
            let (server, client) = pair(small_queue(), capacity).await;
            let reader = tokio::spawn(drain(client, 5));
            let run = drive(server, async |server| {
                let mut all: FuturesUnordered<_> = (0..5).map(|_| server.send(large())).collect();
                while let Some(sent) = all.next().await {
                    sent.expect("open");
                }
            });
            promptly("run", run).await;
            assert_eq!(
                reader.await.expect("no panic").expect("open"),
                5 * LARGE,
                "{capacity}"
            );
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn recv_in_select_beside_a_busy_future_gets_its_message() {
    bounded(async {
        for driven in [false, true] {
            for capacity in CAPACITIES {
                let (server, client) = pair(small_queue(), capacity).await;
                let (tick, mut ticks) = mpsc::channel::<()>(1);
                let mut handler = async |mut server: WebSocket<_>| {
                    let (mut received, mut ticked) = (0, 0);
                    while received < 10 || ticked < 10 {
                        tokio::select! {
                            message = server.recv() => {
                                received += usize::from(message.expect("open").is_some());
                            }
                            Some(()) = ticks.recv() => ticked += 1,
                        }
                    }
                };
                let feeder = tokio::spawn(async move {
                    for _ in 0..10 {
                        client.send("hello").await.expect("open");
                        tick.send(()).await.expect("wanted");
                        tokio::task::yield_now().await;
                    }
                    client
                });
                let what = format!("driven: {driven}, capacity {capacity}");
                if driven {
                    tokio::spawn(async { drain(feeder.await.expect("no panic"), 1).await });
                    promptly(&what, drive(server, handler)).await;
                } else {
                    promptly(&what, handler(server)).await;
                }
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_in_select_beside_recv_gets_its_answer() {
    bounded(async {
        for capacity in CAPACITIES {
            let (server, client) = pair(small_queue(), capacity).await;
            tokio::spawn(echo(client));
            let run = drive(server, async |server| {
                let (tx, mut rx) = server.split();
                // Both are polled each time, the receiver last: it may be the one who reads the Pong.
                tokio::select! {
                    biased;
                    round_trip = tx.ping() => round_trip.expect("open"),
                    message = rx.recv() => panic!("{message:?}"),
                }
            });
            promptly("ping", run).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_in_a_task_beside_a_receiving_task_gets_its_answer() {
    bounded(async {
        for capacity in CAPACITIES {
            let (server, client) = pair(small_queue(), capacity).await;
            let client = tokio::spawn(echo(client));
            let (tx, mut rx) = server.split();
            let receiver = tokio::spawn(async move { rx.recv().await });
            for _ in 0..20 {
                promptly("ping", tx.ping()).await.expect("open");
            }
            promptly("close", tx.close(1000, "")).await.expect("a fine code");
            assert!(matches!(receiver.await, Ok(Ok(None))));
            client.await.expect("no panic").expect("a clean end");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_pong_behind_a_message_in_one_read_is_not_missed() {
    bounded(async {
        let (server, mut peer) = accepted(Config::default(), 1 << 16).await;
        let (message, seen) = oneshot::channel();
        let run = tokio::spawn(drive(server, async |server| {
            let (tx, mut rx) = server.split();
            tokio::select! {
                biased;
                round_trip = tx.ping() => round_trip.expect("open"),
                never = async {
                    message.send(rx.recv().await.expect("open")).ok();
                    rx.recv().await
                } => panic!("{never:?}"),
            }
        }));
        let (opcode, payload) = peer.next().await;
        assert_eq!(opcode, 0x89);
        let input = [Frame::text("first"), Frame::pong(payload)];
        peer.send_bytes(&stream(&input, Sender::Client)).await;
        let first = promptly("the message", seen)
            .await
            .expect("sent")
            .expect("a message");
        assert_eq!(first, Message::from("first"));
        assert_eq!(promptly("close", peer.next()).await.0, 0x88);
        peer.send(&Frame::close_with(1000, "")).await;
        drop(peer);
        promptly("run", run).await.expect("no panic");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn split_halves_in_a_join_set_finish() {
    bounded(async {
        for capacity in CAPACITIES {
            let (server, client) = pair(small_queue(), capacity).await;
            let mut tasks = JoinSet::new();
            for (name, ws) in [("server", server), ("client", client)] {
                let (tx, mut rx) = ws.split();
                for number in 0..3 {
                    let tx = tx.clone();
                    tasks.spawn(async move {
                        for _ in 0..20 {
                            tx.send(vec![number; 2 * 1024]).await.expect(name);
                        }
                    });
                }
                tasks.spawn(async move {
                    for _ in 0..60 {
                        rx.recv().await.expect(name).expect(name);
                    }
                    tx.close(1000, "").await.expect(name);
                });
            }
            while let Some(done) = promptly("tasks", tasks.join_next()).await {
                done.expect("no panic");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_sender_in_another_task_is_not_left_waiting_by_a_handler() {
    bounded(async {
        for capacity in CAPACITIES {
            let (server, client) = pair(small_queue(), capacity).await;
            let reader = tokio::spawn(drain(client, 20));
            let run = drive(server, async |server| {
                let (tx, mut rx) = server.split();
                let other = tokio::spawn(async move {
                    for _ in 0..20 {
                        tx.send(large()).await?;
                    }
                    Ok::<_, Error>(())
                });
                // The handler waits for input that does not come before the other task is done.
                assert!(rx.recv().await.expect("a clean end").is_none());
                other.await.expect("no panic").expect("sent");
            });
            promptly("run", run).await;
            assert_eq!(reader.await.expect("no panic").expect("open"), 20 * LARGE);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_another_task_queues_leaves_while_the_handler_waits_for_something_else() {
    bounded(async {
        let (server, mut client) = pair(small_queue(), 1 << 16).await;
        let (sender, senders) = oneshot::channel();
        let run = tokio::spawn(drive(server, async |server| {
            let (tx, rx) = server.split();
            sender.send(tx).ok();
            std::future::pending::<()>().await;
            drop(rx);
        }));
        let tx = promptly("the sender", senders).await.expect("sent");
        tx.try_send("one").expect("room");
        assert_eq!(
            promptly("one", client.recv()).await.expect("open"),
            Some("one".into())
        );
        promptly("send", tx.send("two")).await.expect("open");
        assert_eq!(
            promptly("two", client.recv()).await.expect("open"),
            Some("two".into())
        );
        run.abort();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn recv_may_move_to_another_task_halfway() {
    bounded(async {
        for capacity in CAPACITIES {
            let (mut server, client) = pair(small_queue(), capacity).await;
            let mut recv = Box::pin(async move {
                let message = server.recv().await;
                (server, message)
            });
            assert!(once(&mut recv).await.is_pending());
            let receiver = tokio::spawn(recv);
            client.feed("moved").await.expect("open");
            promptly("flush", client.flush()).await.expect("open");
            let (_server, message) = promptly("recv", receiver).await.expect("no panic");
            assert_eq!(
                message.expect("open"),
                Some("moved".into()),
                "capacity {capacity}"
            );
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn send_ends_after_a_recv_was_polled_and_dropped() {
    bounded(async {
        for driven in [false, true] {
            for capacity in CAPACITIES {
                let (server, client) = pair(small_queue(), capacity).await;
                let reader = tokio::spawn(drain(client, 1));
                let handler = async |mut server: WebSocket<_>| {
                    {
                        let mut recv = pin!(server.recv());
                        assert!(once(&mut recv).await.is_pending());
                    }
                    server.send(large()).await.expect("open");
                    server.flush().await.expect("open");
                    assert!(server.recv().await.expect("a clean end").is_none());
                };
                let what = format!("driven: {driven}, capacity {capacity}");
                if driven {
                    promptly(&what, drive(server, handler)).await;
                } else {
                    promptly(&what, handler(server)).await;
                }
                assert_eq!(reader.await.expect("no panic").expect("open"), LARGE);
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_undriven_peers_that_send_before_they_receive_both_finish() {
    bounded(async {
        let (server, client) = pair(small_queue(), 16).await;
        let send = async |mut ws: WebSocket<_>| {
            for _ in 0..16 {
                ws.send(vec![1; 3 * 1024]).await.expect("open");
            }
            for _ in 0..16 {
                ws.recv().await.expect("open").expect("a message");
            }
            ws
        };
        promptly("both", async { tokio::join!(send(server), send(client)) }).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_after_the_end_does_not_spin() {
    bounded(async {
        let (server, client) = pair(small_queue(), 1 << 16).await;
        drop(client);
        // A task that is always ready would never let the paused clock move.
        let run = drive(server, async |ws| {
            tokio::time::sleep(Duration::from_secs(5)).await;
            ws.closed().map(|closed| closed.code().as_u16())
        });
        assert_eq!(run.await, Some(1006));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_keeps_its_connection_after_the_end_holds_nobody_up() {
    bounded(async {
        let (server, mut client) = pair(small_queue(), 1 << 16).await;
        let closing = tokio::spawn(async move {
            server.close(1000, "").await.expect("a fine code");
        });
        assert!(
            promptly("the end", client.recv())
                .await
                .expect("a clean end")
                .is_none()
        );
        // The server waits for the client's end of TCP.
        promptly("close", closing).await.expect("no panic");
        assert!(client.with_transport(|_| ()).is_none(), "the socket was dropped");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn keepalive_survives_a_first_poll_that_used_up_the_budget() {
    bounded(async {
        let (server, mut peer) = accepted(Config::default(), 1 << 20).await;
        for _ in 0..300 {
            peer.send(&Frame::text("x")).await;
        }
        let run = tokio::spawn(drive(
            server,
            async |mut ws| while let Ok(Some(_)) = ws.recv().await {},
        ));
        let pinged = tokio::time::timeout(Duration::from_secs(25), peer.next()).await;
        assert_eq!(pinged.map(|(opcode, _)| opcode), Ok(0x89));
        run.abort();
    })
    .await;
}
