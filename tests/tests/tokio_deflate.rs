//! permessage-deflate through the tokio adapter: switched on by one call, seen on the wire and in the metrics.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::thread;

use flate2::{Compress, Compression, FlushCompress};
use tidewire_blocking as blocking;
use tidewire_tests::live::{Peer, ROOMY, bounded, echo};
use tidewire_tests::wire::Frame;
use tidewire_tokio::{
    Accept, Connect, Deflate, DeflateBuilder, Error, HandshakeError, Message, Prepared, WebSocket,
};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::net::TcpListener;
use tokio::task::LocalSet;

/// A server and a client with these settings.
async fn pair(
    server: Option<Deflate>,
    client: Option<Deflate>,
) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(ROOMY);
    let mut accept = Accept::new();
    if let Some(deflate) = server {
        accept = accept.deflate(deflate);
    }
    let mut connect = Connect::new("ws://localhost/");
    if let Some(deflate) = client {
        connect = connect.deflate(deflate);
    }
    let (server, client) = tokio::join!(accept.accept(near), connect.over(far));
    (server.expect("an accepted client"), client.expect("a connection"))
}

/// A server with these settings, and a client that offers compression and makes its frames by hand.
async fn accepted(deflate: Deflate) -> (WebSocket<DuplexStream>, Peer<DuplexStream>) {
    let (near, far) = duplex(ROOMY);
    let accept = Accept::new().deflate(deflate);
    let (ws, peer) = tokio::join!(
        accept.accept(near),
        Peer::client_with(far, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
    );
    (ws.expect("an accepted client"), peer)
}

fn build(settings: DeflateBuilder) -> Deflate {
    settings.build().expect("no contradiction")
}

fn extensions(ws: &WebSocket<DuplexStream>) -> Vec<String> {
    ws.handshake().extensions().collect()
}

fn json(len: usize) -> String {
    "{\"id\":12345,\"name\":\"somebody\",\"tags\":[\"a\",\"b\"]},".repeat(len / 48)
}

/// A message of so many zeros, compressed as well as can be.
fn bomb(len: usize) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut bomb = Vec::with_capacity(len / 500);
    compress
        .compress_vec(&vec![0; len], &mut bomb, FlushCompress::Sync)
        .expect("zeros compress");
    bomb.truncate(bomb.len() - 4);
    bomb
}

#[tokio::test]
async fn both_sides_know_what_was_agreed_on() {
    bounded(async {
        let plain = Deflate::default;
        let no_takeover = || {
            build(
                Deflate::builder()
                    .server_no_context_takeover()
                    .client_no_context_takeover(),
            )
        };
        let table = [
            (None, None, None),
            (Some(plain()), None, None),
            (None, Some(plain()), None),
            (
                Some(plain()),
                Some(plain()),
                Some("permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"),
            ),
            (
                Some(no_takeover()),
                Some(plain()),
                Some(
                    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                     server_max_window_bits=12; client_max_window_bits=12",
                ),
            ),
            (
                Some(build(
                    Deflate::builder()
                        .server_max_window_bits(15)
                        .client_max_window_bits(15),
                )),
                Some(build(
                    Deflate::builder()
                        .server_max_window_bits(9)
                        .client_max_window_bits(10),
                )),
                Some("permessage-deflate; server_max_window_bits=9; client_max_window_bits=10"),
            ),
        ];
        for (row, (server, client, agreed)) in table.into_iter().enumerate() {
            let (server, client) = pair(server, client).await;
            let agreed = Vec::from_iter(agreed);
            assert_eq!(extensions(&server), agreed, "row {row}");
            assert_eq!(extensions(&client), agreed, "row {row}");
        }
    })
    .await;
}

#[tokio::test]
async fn messages_come_back_and_are_smaller_on_the_wire() {
    bounded(async {
        let settings = [
            Deflate::builder(),
            Deflate::builder().server_no_context_takeover(),
            Deflate::builder().client_no_context_takeover().level(6),
            Deflate::builder()
                .server_max_window_bits(8)
                .client_max_window_bits(15),
        ];
        for settings in settings {
            let deflate = build(settings);
            let (mut server, mut client) = pair(Some(deflate.clone()), Some(deflate)).await;
            for len in [0, 1, 63, 64, 1024, 20_000, 300_000] {
                for message in [Message::from(json(len)), Message::from(json(len).into_bytes())] {
                    let (sent, received) = tokio::join!(client.send(message.clone()), server.recv());
                    sent.expect("open");
                    let received = received.expect("open").expect("a message");
                    assert_eq!(received, message);
                    let (sent, received) = tokio::join!(server.send(received), client.recv());
                    sent.expect("open");
                    assert_eq!(received.expect("open").expect("a message"), message);
                }
            }
            for traffic in [server.metrics().traffic, client.metrics().traffic] {
                assert!(traffic.bytes_sent * 5 < traffic.payload_sent, "{traffic:?}");
                assert!(
                    traffic.bytes_received * 5 < traffic.payload_received,
                    "{traffic:?}"
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_may_be_exempt_or_prepared() {
    bounded(async {
        for takeover in [true, false] {
            let settings = Deflate::builder();
            let deflate = build(if takeover {
                settings
            } else {
                settings.server_no_context_takeover()
            });
            let (server, mut client) = pair(Some(deflate.clone()), Some(deflate)).await;
            let text = json(1000);
            let sent = |ws: &WebSocket<DuplexStream>| ws.metrics().traffic.bytes_sent;
            let mut costs = Vec::new();
            let prepared = Prepared::new(text.clone());
            for round in 0..2 {
                let before = sent(&server);
                server
                    .send(Message::from(text.clone()).uncompressed())
                    .await
                    .expect("open");
                costs.push(sent(&server) - before);
                let before = sent(&server);
                server.send(&prepared).await.expect("open");
                costs.push(sent(&server) - before);
                for _ in 0..2 {
                    let received = client.recv().await.expect("open");
                    assert_eq!(received, Some(text.clone().into()), "round {round}");
                }
            }
            let raw = text.len() as u64;
            let [first_raw, first, second_raw, second] = costs[..] else {
                panic!("four messages: {costs:?}")
            };
            assert!(first_raw > raw && second_raw > raw, "{costs:?}");
            assert!(first * 4 < raw, "{costs:?}");
            // With takeover, the second refers to the first.
            assert_eq!(second < first, takeover, "{costs:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bomb_ends_in_1009() {
    bounded(async {
        let (mut ws, mut peer) = accepted(Deflate::default()).await;
        let bomb = bomb(64 << 20);
        assert!(bomb.len() < 70_000, "{}", bomb.len());
        peer.send(&Frame::new(0xc2, bomb)).await;
        let error = ws.recv().await.expect_err("a bomb");
        assert!(
            matches!(error, Error::Protocol(error) if error.to_string() == "message of 16777217 bytes exceeds the limit of 16777216"),
            "{error}"
        );
        let (first, payload) = peer.next().await;
        assert_eq!((first, &payload[..2]), (0x88, &1009_u16.to_be_bytes()[..]));
    })
    .await;
}

/// Counts how often another task of the thread gets its turn until `work` is done.
async fn turns_of_others<T>(work: impl Future<Output = T>) -> (T, usize) {
    let turns = Rc::new(Cell::new(0));
    let counter = turns.clone();
    let other = tokio::task::spawn_local(async move {
        loop {
            counter.set(counter.get() + 1);
            tokio::task::yield_now().await;
        }
    });
    let done = work.await;
    other.abort();
    (done, turns.get())
}

#[tokio::test(flavor = "current_thread")]
async fn much_that_little_input_becomes_leaves_others_their_turns() {
    // One message of the limit; many small ones, each of which the application takes at once.
    for (len, messages) in [(16 << 20, 1), (200 << 10, 80)] {
        bounded(LocalSet::new().run_until(async {
            let (mut ws, mut peer) = accepted(build(Deflate::builder().client_no_context_takeover())).await;
            let bomb = Frame::new(0xc2, bomb(len));
            for _ in 0..messages {
                peer.send(&bomb).await;
            }
            let receive = async {
                for _ in 0..messages {
                    let message = ws.recv().await.expect("open").expect("a message");
                    assert_eq!(message.len(), len);
                }
            };
            let ((), turns) = turns_of_others(receive).await;
            // 256 KiB a turn, and what 1 KiB of input makes of itself.
            let fewest = messages * len / ((256 + 1024 + 200) << 10);
            assert!(
                turns >= fewest,
                "{messages} of {len} bytes: {turns} turns, {fewest} are due"
            );
        }))
        .await;
    }
}

#[tokio::test(flavor = "current_thread")]
async fn sockets_are_looked_at_between_the_turns_of_a_bomb() {
    bounded(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        // Another client of the same thread, in a thread of its own.
        let (stop, echoed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let client = {
            let (stop, echoed) = (stop.clone(), echoed.clone());
            thread::spawn(move || {
                let mut ws = blocking::connect(format!("ws://{address}/"))
                    .open()
                    .expect("accepted");
                while !stop.load(Ordering::Relaxed) {
                    ws.send("?").expect("open");
                    ws.recv().expect("open").expect("an echo");
                    echoed.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let (stream, _) = listener.accept().await.expect("a client");
        let served = tokio::spawn(echo(Accept::new().accept(stream).await.expect("a client")));
        let (mut ws, mut peer) = accepted(build(Deflate::builder().client_no_context_takeover())).await;
        let bomb = Frame::new(0xc2, bomb(16 << 20));
        for _ in 0..8 {
            peer.send(&bomb).await;
        }
        let before = echoed.load(Ordering::Relaxed);
        let receive = async move {
            for _ in 0..8 {
                ws.recv().await.expect("open").expect("a message");
            }
        };
        // In a task: the future of the runtime itself is polled less often.
        tokio::spawn(receive).await.expect("no panic");
        let during = echoed.load(Ordering::Relaxed) - before;
        stop.store(true, Ordering::Relaxed);
        served.await.expect("no panic").expect("closed by who dropped it");
        client.join().expect("no panic");
        // More than a hundred turns; a task that woke itself would have 61 before tokio looks at a socket.
        assert!(during >= 20, "{during} echoes");
    })
    .await;
}

/// Gives 1 KiB a read, as TLS does with small records.
struct Records(DuplexStream);

impl AsyncRead for Records {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut record = [0; 1024];
        let len = buffer.remaining().min(record.len());
        let mut part = ReadBuf::new(&mut record[..len]);
        let read = Pin::new(&mut self.0).poll_read(cx, &mut part);
        buffer.put_slice(part.filled());
        read
    }
}

impl AsyncWrite for Records {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_message_in_small_reads_leaves_others_their_turns() {
    // One byte more than the limit, so that the end tells when all was inflated.
    let bomb = bomb((16 << 20) + 1);
    let fewest = (16 << 20) / ((256 + 1024 + 1024) << 10);
    bounded(LocalSet::new().run_until(async {
        // Received by the application, and read ahead while that waits for something else.
        for receives in [true, false] {
            let (near, far) = duplex(ROOMY);
            let accept = Accept::new().deflate(Deflate::default());
            let (ws, mut peer) = tokio::join!(
                accept.accept(Records(near)),
                Peer::client_with(far, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
            );
            let mut ws = ws.expect("an accepted client");
            peer.send(&Frame::new(0xc2, bomb.clone())).await;
            drop(peer);
            let end = async {
                if receives {
                    ws.recv().await.expect_err("too much");
                } else {
                    ws.ping().await.expect_err("no answer");
                }
            };
            let ((), turns) = turns_of_others(end).await;
            assert!(
                turns >= fewest,
                "receives: {receives}, {turns} turns, {fewest} are due"
            );
        }
    }))
    .await;
}

#[tokio::test]
async fn a_wrong_answer_names_the_parameter() {
    bounded(async {
        for (answer, named) in [
            (
                "permessage-deflate; server_max_window_bits=16",
                "server_max_window_bits",
            ),
            (
                "permessage-deflate; client_max_window_bits",
                "client_max_window_bits",
            ),
            ("permessage-deflate; memory=1", "memory"),
            (
                "permessage-deflate; server_no_context_takeover=1",
                "server_no_context_takeover",
            ),
        ] {
            let (near, far) = duplex(ROOMY);
            let connect = Connect::new("ws://localhost/").deflate(Deflate::default());
            let answer = format!("Sec-WebSocket-Extensions: {answer}\r\n");
            let (opened, _peer) = tokio::join!(connect.over(near), Peer::server_with(far, &answer));
            let error = opened.expect_err("a wrong answer");
            assert!(
                matches!(error, HandshakeError::Response(_)),
                "{answer}: {error:?}"
            );
            assert!(error.to_string().contains(named), "{answer}: {error}");
        }
    })
    .await;
}
