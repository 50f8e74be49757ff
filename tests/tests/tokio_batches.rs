//! What leaves in one write, and what waits where a peer does not read.

use tidewire_tests::live::{Counted, Counts, Peer, accepted, bounded, drive, echo, promptly};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::{Frame, stream};
use tidewire_tokio::{Accept, Config, Message, TrySendError, WebSocket};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::oneshot;

use futures_util::{FutureExt as _, SinkExt};

/// A server under test whose writes are counted, and its client.
async fn counted(capacity: usize) -> (WebSocket<Counted<DuplexStream>>, Counts, Peer<DuplexStream>) {
    let (near, far) = duplex(capacity);
    let (near, counts) = Counted::new(near);
    let (ws, peer) = tokio::join!(async { Accept::new().accept(near).await }, Peer::client(far));
    counts.take();
    (ws.expect("an accepted client"), counts, peer)
}

/// Sixteen small messages, as one write.
fn pipelined() -> Vec<u8> {
    let frames: Vec<_> = (0..16)
        .map(|number| Frame::text(format!("message {number}")))
        .collect();
    stream(&frames, Sender::Client)
}

#[tokio::test(start_paused = true)]
async fn sixteen_pipelined_messages_to_a_driven_echo_leave_in_one_write() {
    bounded(async {
        let (ws, counts, mut peer) = counted(1 << 16).await;
        peer.send_bytes(&pipelined()).await;
        let run = tokio::spawn(drive(ws, echo));
        for number in 0..16 {
            let frame = promptly("echo", peer.next()).await;
            assert_eq!(frame, (0x81, format!("message {number}").into_bytes()));
        }
        assert_eq!(counts.take().len(), 1);
        run.abort();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn pipelined_pings_and_messages_are_answered_in_one_write() {
    bounded(async {
        let (ws, counts, mut peer) = counted(1 << 16).await;
        let frames = [
            Frame::ping("a"),
            Frame::text("b"),
            Frame::ping("c"),
            Frame::text("d"),
        ];
        peer.send_bytes(&stream(&frames, Sender::Client)).await;
        let run = tokio::spawn(drive(ws, echo));
        for _ in 0..4 {
            promptly("answer", peer.next()).await;
        }
        assert_eq!(counts.take().len(), 1);
        run.abort();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_two_halves_in_a_driven_handler_leaves_in_one_write() {
    bounded(async {
        let (ws, counts, mut peer) = counted(1 << 16).await;
        peer.send_bytes(&pipelined()).await;
        let run = tokio::spawn(drive(ws, async |ws| {
            let (tx, mut rx) = ws.split();
            while let Ok(Some(message)) = rx.recv().await {
                tx.send(message).await.expect("open");
            }
        }));
        for _ in 0..16 {
            promptly("echo", peer.next()).await;
        }
        assert_eq!(counts.take().len(), 1);
        run.abort();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_undriven_send_writes_at_once() {
    bounded(async {
        let (ws, counts, mut peer) = counted(1 << 16).await;
        for text in ["one", "two", "three"] {
            promptly("send", ws.send(text)).await.expect("open");
            assert_eq!(counts.take(), [2 + text.len()]);
            assert_eq!(peer.next().await.1, text.as_bytes());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_fed_leaves_in_one_write_with_the_flush() {
    bounded(async {
        let (ws, counts, mut peer) = counted(1 << 16).await;
        for _ in 0..10 {
            ws.feed("hello").await.expect("open");
        }
        assert!(counts.take().is_empty());
        promptly("flush", ws.flush()).await.expect("open");
        assert_eq!(counts.take(), [70]);
        for _ in 0..10 {
            assert_eq!(peer.next().await, (0x81, b"hello".to_vec()));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_flush_in_a_driven_handler_does_not_wait_for_its_end() {
    bounded(async {
        let (ws, counts, mut peer) = counted(1 << 16).await;
        let (sender, counted) = oneshot::channel();
        let run = tokio::spawn(drive(ws, async move |ws| {
            ws.send("progress").await.expect("open");
            let before = counts.take();
            ws.flush().await.expect("open");
            sender.send((before, counts.take())).ok();
        }));
        assert_eq!(promptly("progress", peer.next()).await.1, b"progress");
        let (before, after) = promptly("counts", counted).await.expect("sent");
        assert!(before.is_empty());
        assert_eq!(after, [10]);
        run.abort();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn send_of_the_sink_forces_a_write_a_message_even_with_a_driver() {
    bounded(async {
        let (ws, counts, mut peer) = counted(1 << 16).await;
        let run = tokio::spawn(drive(ws, async |mut ws| {
            for text in ["one", "two"] {
                SinkExt::send(&mut ws, text).await.expect("open");
            }
            for text in ["three", "four"] {
                SinkExt::<&str>::feed(&mut ws, text).await.expect("open");
            }
            SinkExt::<&str>::flush(&mut ws).await.expect("open");
            std::future::pending::<()>().await;
        }));
        for text in ["one", "two", "three", "four"] {
            assert_eq!(promptly(text, peer.next()).await.1, text.as_bytes());
        }
        assert_eq!(counts.take(), [5, 5, 13]);
        run.abort();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_makes_send_wait_and_try_send_give_back() {
    bounded(async {
        for driven in [true, false] {
            let (ws, mut peer) = accepted(Config::default(), 1024).await;
            let fill = async |ws: WebSocket<DuplexStream>| {
                let mut taken = 0;
                let back = loop {
                    match ws.try_send(vec![taken; 10 * 1024]) {
                        Ok(()) => taken += 1,
                        Err(TrySendError::Full(message)) => break message,
                        Err(error) => panic!("{error}"),
                    }
                };
                // 256 KiB in messages of 10 KiB with 4 bytes of header, one beyond at most, and what the pipe holds.
                assert!((26..=27).contains(&taken), "driven: {driven}: {taken}");
                assert_eq!(
                    back.as_message(),
                    Message::from(vec![taken; 10 * 1024]).as_proto()
                );
                assert!(ws.send("waits").now_or_never().is_none());
                tokio::spawn(async move { peer.rest().await });
                promptly("room", ws.send("goes")).await.expect("open");
            };
            if driven {
                drive(ws, fill).await;
            } else {
                fill(ws).await;
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_message_goes_beyond_the_high_water_mark() {
    bounded(async {
        let (ws, _peer) = accepted(Config::default(), 1024).await;
        ws.try_send(vec![0; 10 << 20]).expect("an empty queue has room");
        assert!(matches!(ws.try_send("one more"), Err(TrySendError::Full(_))));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_blocked_write_does_not_block_reading() {
    bounded(async {
        for driven in [true, false] {
            let (ws, mut peer) = accepted(Config::default(), 1024).await;
            ws.try_send(vec![0; 1 << 20]).expect("an empty queue has room");
            let (done, received) = oneshot::channel();
            let receive = async move |mut ws: WebSocket<DuplexStream>| {
                for number in 0..100 {
                    let message = ws.recv().await.expect("open").expect("a message");
                    assert_eq!(message.as_text(), Some(number.to_string().as_str()));
                }
                done.send(()).expect("wanted");
            };
            // The peer never reads the Close at the end, so the task is left behind.
            if driven {
                tokio::spawn(drive(ws, receive));
            } else {
                tokio::spawn(receive(ws));
            }
            for number in 0..100 {
                promptly("room", peer.send(&Frame::text(number.to_string()))).await;
            }
            promptly("all", received).await.expect("all messages");
        }
    })
    .await;
}
