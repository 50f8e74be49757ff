//! Large messages: their payloads are written from where they lie, and read to where they will.

use std::time::Duration;

use futures_util::FutureExt as _;
use tidewire_tests::live::{
    Portioned, Slices, accepted, bounded, connected, drive, echo, large_messages, no_task_is_left, promptly,
    watched,
};
use tidewire_tests::wire::Frame;
use tidewire_tokio::{Accept, Config, Connect, Message, WebSocket};
use tokio::io::{DuplexStream, duplex};

type Stream = Portioned<DuplexStream>;

/// A server and a client, both over streams that move odd portions.
async fn portioned(slices: Slices) -> (WebSocket<Stream>, WebSocket<Stream>) {
    let (near, far) = duplex(100_000);
    let (accept, connect) = (Accept::new(), Connect::new("ws://localhost/"));
    let (server, client) = tokio::join!(
        accept.accept(Portioned::new(near, slices, 1)),
        connect.over(Portioned::new(far, slices, 2))
    );
    (server.expect("an accepted client"), client.expect("a connection"))
}

/// Sends all of these, and receives all of those at the same time.
async fn exchange(ws: WebSocket<Stream>, messages: Vec<Message>, expected: Vec<Message>) {
    let (tx, mut rx) = ws.split();
    let send = async {
        for message in messages {
            tx.feed(message).await.expect("open");
        }
        tx.flush().await.expect("open");
    };
    let receive = async {
        for (number, expected) in expected.into_iter().enumerate() {
            let message = rx.recv().await.expect("open").expect("a message");
            assert!(
                message == expected,
                "message {number}: {message:?} for {expected:?}"
            );
        }
    };
    tokio::join!(send, receive);
}

#[tokio::test]
async fn large_messages_both_ways_at_once_arrive_as_they_are_in_any_portions() {
    bounded(async {
        for slices in [Slices::Several, Slices::First] {
            let (server, client) = portioned(slices).await;
            let (down, up) = (large_messages(1), large_messages(2));
            tokio::join!(
                exchange(server, down.clone(), up.clone()),
                exchange(client, up, down)
            );
        }
    })
    .await;
}

#[tokio::test]
async fn large_messages_are_echoed_as_they_are_in_any_portions() {
    bounded(async {
        for slices in [Slices::Several, Slices::First] {
            for driven in [true, false] {
                let (server, client) = portioned(slices).await;
                let server = if driven {
                    tokio::spawn(drive(server, echo))
                } else {
                    tokio::spawn(echo(server))
                };
                let messages = large_messages(3);
                exchange(client, messages.clone(), messages).await;
                server.await.expect("no panic").ok();
            }
        }
        no_task_is_left().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_right_while_a_large_payload_is_half_written() {
    const PIPE: usize = 100_000;
    const LEN: usize = 1 << 20;
    // Of a server's frame with a 64-bit length.
    const HEADER: usize = 10;
    bounded(async {
        let config = Config::builder().write_queue(4 * LEN).build().expect("valid");
        let (ws, mut peer) = accepted(config, PIPE).await;
        for _ in 0..2 {
            ws.try_send(vec![7; LEN]).expect("an empty queue has room");
        }
        ws.try_send("behind").expect("room");
        let total = 2 * (HEADER + LEN) + 8;
        let mut read = 0;
        while read < total {
            assert!(ws.flush().now_or_never().is_none() || total - read <= PIPE);
            let metrics = ws.metrics();
            let left = (read + PIPE).min(total);
            assert_eq!(metrics.queued, total - left, "{read} bytes were read");
            let whole = [HEADER + LEN, 2 * (HEADER + LEN), total];
            let messages = whole.iter().filter(|end| **end > left).count();
            assert_eq!(metrics.queued_messages, messages, "{read} bytes were read");
            assert_eq!(metrics.traffic.bytes_sent, left as u64);
            // Of no size that means anything.
            let mut bytes = vec![0; 37_123.min(total - read)];
            tokio::io::AsyncReadExt::read_exact(&mut peer.stream, &mut bytes)
                .await
                .expect("bytes");
            read += bytes.len();
        }
        assert_eq!((ws.metrics().queued, ws.metrics().queued_messages), (0, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_keepalive_ping_stands_between_two_large_messages() {
    const LEN: usize = 1 << 20;
    bounded(async {
        for is_server in [true, false] {
            let config = Config::builder()
                .write_queue(4 * LEN)
                .write_timeout(None)
                .build()
                .expect("valid");
            let (mut ws, mut peer) = if is_server {
                accepted(config, 50_000).await
            } else {
                connected(config, 50_000).await
            };
            ws.try_send(vec![1; LEN]).expect("room");
            let waited = tokio::time::timeout(Duration::from_secs(25), ws.recv()).await;
            assert!(waited.is_err(), "nothing comes");
            ws.try_send(vec![2; LEN]).expect("room");
            let frames = async {
                for (opcode, len, first) in [(0x82, LEN, 1), (0x89, 8, 0), (0x82, LEN, 2)] {
                    let (received, payload) = peer.next().await;
                    assert_eq!((received, payload.len(), payload[0]), (opcode, len, first));
                    assert!(opcode == 0x89 || payload.iter().all(|byte| *byte == first));
                }
                peer.send(&Frame::text("done")).await;
            };
            let (received, ()) = tokio::join!(ws.recv(), frames);
            assert_eq!(
                received.expect("open"),
                Some("done".into()),
                "server: {is_server}"
            );
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_large_message_is_let_go_when_its_peer_is_gone() {
    bounded(async {
        for driven in [true, false] {
            let (mut ws, peer) = accepted(Config::default(), 1000).await;
            let (message, watch) = watched(1 << 20);
            ws.try_send(message).expect("room");
            assert!(ws.flush().now_or_never().is_none(), "half of it is left");
            assert_eq!(watch.strong_count(), 1, "it is not copied");
            drop(peer);
            let check = async move |ws: &mut WebSocket<DuplexStream>| {
                ws.recv().await.expect_err("a broken pipe");
                assert_eq!(watch.strong_count(), 0, "driven: {driven}");
            };
            if driven {
                drive(ws, async move |mut ws| check(&mut ws).await).await;
            } else {
                check(&mut ws).await;
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_large_message_is_let_go_when_its_sender_drops_the_connection() {
    bounded(async {
        let (ws, peer) = accepted(Config::default(), 1000).await;
        let (message, watch) = watched(1 << 20);
        ws.try_send(message).expect("room");
        assert!(ws.flush().now_or_never().is_none(), "half of it is left");
        drop(ws);
        drop(peer);
        no_task_is_left().await;
        assert_eq!(watch.strong_count(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_large_message_is_let_go_once_it_has_left() {
    bounded(async {
        let (ws, mut peer) = accepted(Config::default(), 1000).await;
        let (message, watch) = watched(1 << 20);
        let read = async {
            let (_, payload) = peer.next().await;
            assert_eq!(payload.len(), 1 << 20);
        };
        let (sent, ()) = promptly("all", async { tokio::join!(ws.send(message), read) }).await;
        sent.expect("open");
        assert_eq!(watch.strong_count(), 0);
    })
    .await;
}
