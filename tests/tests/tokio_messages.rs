//! Messages in pieces, `Stream` and `Sink`, what bad input gets, and how a connection says that it ended.

use futures_util::{FutureExt as _, SinkExt, StreamExt as _};
use tidewire_tests::live::{Peer, accepted, bounded, connected, pair, promptly};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::{self, Frame, stream};
use tidewire_tokio::{
    CloseCode, Config, Error, Kind, Limits, Message, ProtocolError, SendError, Side, TrySendError, WebSocket,
};
use tokio::io::DuplexStream;

const ROOMY: usize = 1 << 20;

/// An endpoint under test and its peer.
async fn endpoint(side: Sender, config: Config) -> (WebSocket<DuplexStream>, Peer<DuplexStream>) {
    match side {
        Sender::Server => accepted(config, ROOMY).await,
        Sender::Client => connected(config, ROOMY).await,
    }
}

async fn server() -> (WebSocket<DuplexStream>, Peer<DuplexStream>) {
    endpoint(Sender::Server, Config::default()).await
}

// --- receiving in pieces

#[tokio::test(start_paused = true)]
async fn pieces_of_text_end_on_character_boundaries() {
    bounded(async {
        let (mut ws, mut peer) = server().await;
        let text = "aé漢🦀".repeat(3);
        let frame = Frame::text(text.as_str()).sent_by(Sender::Client);
        let send = async {
            for byte in &frame {
                peer.send_bytes(&[*byte]).await;
                tokio::task::yield_now().await;
            }
        };
        let receive = async {
            let mut pieces = ws.recv_pieces().await.expect("open").expect("a message");
            assert_eq!(pieces.kind(), Kind::Text);
            let (mut joined, mut count) = (String::new(), 0);
            while let Some(piece) = pieces.next().await.expect("open") {
                joined.push_str(piece.as_text().expect("text"));
                count += 1;
            }
            (joined, count)
        };
        let ((joined, count), ()) = promptly("pieces", async { tokio::join!(receive, send) }).await;
        assert_eq!(joined, text);
        assert!(count > 5, "{count} pieces");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_first_piece_is_there_before_the_message_is() {
    bounded(async {
        let (mut ws, mut peer) = server().await;
        let bytes = Frame::binary(vec![5; 100_000]).sent_by(Sender::Client);
        peer.send_bytes(&bytes[..1000]).await;
        let mut pieces = promptly("the first", ws.recv_pieces())
            .await
            .expect("open")
            .expect("a message");
        let mut len = promptly("a piece", pieces.next())
            .await
            .expect("open")
            .expect("a piece")
            .len();
        assert!(len > 0 && len < 1000, "{len}");
        assert!(pieces.next().now_or_never().is_none());
        peer.send_bytes(&bytes[1000..]).await;
        while let Some(piece) = promptly("a piece", pieces.next()).await.expect("open") {
            assert!(piece.as_bytes().iter().all(|byte| *byte == 5));
            len += piece.len();
        }
        assert_eq!(len, 100_000);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn pieces_given_up_halfway_leave_the_connection_usable() {
    bounded(async {
        for driven in [false, true] {
            let (ws, mut peer) = server().await;
            peer.send(&Frame::text("first").more()).await;
            let mut give_up = async |mut ws: WebSocket<DuplexStream>| {
                let mut pieces = ws.recv_pieces().await.expect("open").expect("a message");
                assert_eq!(pieces.next().await.expect("open"), Some("first".into()));
                drop(pieces);
                peer.send(&Frame::continuation("second").more()).await;
                peer.send(&Frame::continuation("third")).await;
                peer.send(&Frame::text("whole")).await;
                assert_eq!(ws.recv().await.expect("open"), Some("whole".into()));
                peer.send(&Frame::close_with(1000, "")).await;
                (ws.recv().await, peer.next().await.0)
            };
            let run = async {
                if driven {
                    ws.run(give_up).await
                } else {
                    give_up(ws).await
                }
            };
            // The close is answered, and the peer's stream ends with the handler's.
            let (end, opcode) = tokio::time::timeout(std::time::Duration::from_secs(20), run)
                .await
                .expect("an end");
            assert!(matches!(end, Ok(None)), "driven: {driven}: {end:?}");
            assert_eq!(opcode, 0x88, "driven: {driven}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_request_for_pieces_that_was_dropped_gives_the_message_whole() {
    bounded(async {
        let (mut ws, mut peer) = server().await;
        peer.send(&Frame::text("first ").more()).await;
        // The start of the message may have been read, and no piece was taken.
        drop(ws.recv().now_or_never());
        {
            let mut pieces = promptly("pieces", ws.recv_pieces())
                .await
                .expect("open")
                .expect("a message");
            assert_eq!(
                promptly("one", pieces.next()).await.expect("open"),
                Some("first ".into())
            );
            peer.send(&Frame::continuation("second")).await;
            assert_eq!(
                promptly("two", pieces.next()).await.expect("open"),
                Some("second".into())
            );
            assert_eq!(promptly("end", pieces.next()).await.expect("open"), None);
        }
        assert!(ws.recv_pieces().now_or_never().is_none());
        peer.send(&Frame::text("a").more()).await;
        peer.send(&Frame::continuation("b")).await;
        assert_eq!(
            promptly("whole", ws.recv()).await.expect("open"),
            Some("ab".into())
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn pieces_of_a_message_that_is_cut_off_end_in_an_error() {
    bounded(async {
        let (mut ws, mut peer) = server().await;
        peer.send(&Frame::text("half").more()).await;
        drop(peer);
        let mut pieces = promptly("pieces", ws.recv_pieces())
            .await
            .expect("open")
            .expect("a message");
        assert_eq!(
            promptly("half", pieces.next()).await.expect("open"),
            Some("half".into())
        );
        let end = promptly("end", pieces.next()).await;
        assert!(matches!(end, Err(Error::Closed(_))), "{end:?}");
    })
    .await;
}

// --- sending in pieces

#[tokio::test(start_paused = true)]
async fn a_message_in_pieces_is_one_message_without_an_empty_frame() {
    bounded(async {
        let (ws, mut peer) = server().await;
        let mut writer = ws.send_pieces(Kind::Text).await.expect("open");
        writer.write("one ").await.expect("open");
        writer.write("two ").await.expect("open");
        writer.finish_with("three").await.expect("open");
        ws.send("next").await.expect("open");
        let expected = [(0x01, "one "), (0x00, "two "), (0x80, "three"), (0x81, "next")];
        for (first, payload) in expected {
            assert_eq!(peer.next().await, (first, payload.as_bytes().to_vec()));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_in_pieces_may_end_with_an_empty_frame() {
    bounded(async {
        let (ws, mut peer) = server().await;
        let mut writer = ws.send_pieces(Kind::Binary).await.expect("open");
        writer.write(vec![1]).await.expect("open");
        writer.finish().await.expect("open");
        assert_eq!(peer.next().await, (0x02, vec![1]));
        assert_eq!(peer.next().await, (0x80, vec![]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn other_senders_wait_for_the_end_of_a_message_in_pieces() {
    bounded(async {
        for driven in [true, false] {
            let (ws, mut peer) = server().await;
            let send = async |ws: WebSocket<DuplexStream>| {
                let mut writer = ws.send_pieces(Kind::Text).await.expect("open");
                writer.write("one").await.expect("open");
                let mut other = Box::pin(ws.send("other"));
                assert!((&mut other).now_or_never().is_none());
                assert!(matches!(ws.try_send("no"), Err(TrySendError::Full(_))));
                let mut more = Box::pin(ws.send_pieces(Kind::Binary));
                assert!((&mut more).now_or_never().is_none());
                let finish = async {
                    writer.write("two").await.expect("open");
                    ws.ping().now_or_never();
                    writer.finish_with("three").await.expect("open");
                };
                let (sent, ()) = tokio::join!(other, finish);
                sent.expect("open");
                let more = more.await.expect("open");
                more.finish_with(vec![4]).await.expect("open");
                ws.flush().await.expect("open");
            };
            if driven {
                tokio::spawn(ws.run(send));
            } else {
                promptly("send", send(ws)).await;
            }
            let mut opcodes = Vec::new();
            for _ in 0..6 {
                opcodes.push(promptly("frames", peer.next()).await.0);
            }
            assert_eq!(opcodes, [0x01, 0x00, 0x89, 0x80, 0x81, 0x82], "driven: {driven}");
        }
    })
    .await;
}

/// Drops a message in pieces halfway.
async fn abandon(ws: WebSocket<DuplexStream>) -> WebSocket<DuplexStream> {
    let mut writer = ws.send_pieces(Kind::Text).await.expect("open");
    writer.write("half").await.expect("open");
    drop(writer);
    let sent = ws.send("more").await;
    assert!(matches!(sent, Err(Error::Send(SendError::Closed))), "{sent:?}");
    ws
}

#[tokio::test(start_paused = true)]
async fn a_writer_dropped_before_its_end_closes_with_1011() {
    bounded(async {
        for driven in [true, false] {
            let (ws, mut peer) = server().await;
            let ws = if driven {
                tokio::spawn(ws.run(async |ws| {
                    abandon(ws).await;
                }));
                None
            } else {
                Some(abandon(ws).await)
            };
            assert_eq!(promptly("half", peer.next()).await, (0x01, b"half".to_vec()));
            let (opcode, payload) = promptly("close", peer.next()).await;
            assert_eq!((opcode, &payload[..2]), (0x88, &1011_u16.to_be_bytes()[..]));
            drop(ws);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_last_piece_that_was_queued_is_the_end_even_if_nobody_waits_for_it_to_leave() {
    bounded(async {
        let (ws, mut peer) = accepted(Config::default(), 16).await;
        let mut writer = ws.send_pieces(Kind::Text).await.expect("open");
        assert!(writer.write("x".repeat(100)).now_or_never().is_none());
        // Queued whole, and dropped before it was written.
        assert!(writer.finish_with("y".repeat(100)).now_or_never().is_none());
        let next = async { ws.send("next").await.expect("open") };
        let frames = async { [peer.next().await.0, peer.next().await.0, peer.next().await.0] };
        let ((), opcodes) = promptly("all", async { tokio::join!(next, frames) }).await;
        assert_eq!(opcodes, [0x01, 0x80, 0x81]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_piece_of_the_other_type_is_refused_and_not_sent() {
    bounded(async {
        for first in [None, Some("first")] {
            let (ws, mut peer) = server().await;
            let mut writer = ws.send_pieces(Kind::Text).await.expect("open");
            if let Some(first) = first {
                writer.write(first).await.expect("open");
            }
            let refused = writer.write(vec![1]).await;
            assert!(
                matches!(refused, Err(Error::Send(SendError::FragmentKind))),
                "{first:?}: {refused:?}"
            );
            writer.finish_with("last").await.expect("open");
            let mut text = Vec::new();
            for _ in 0..=usize::from(first.is_some()) {
                text.extend(peer.next().await.1);
            }
            assert_eq!(text, [first.unwrap_or_default(), "last"].concat().as_bytes());
        }
    })
    .await;
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

// --- Stream and Sink

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

// --- bad input

/// What a peer sends, what names the fault, and the code it is answered with.
type Fault = (&'static str, Vec<u8>, fn(&ProtocolError) -> bool, u16);

/// Faults of headers that either side may commit; `sender` is the one who does.
fn header_faults(sender: Sender) -> Vec<Fault> {
    use ProtocolError as P;
    let one = |frame: Frame| frame.sent_by(sender);
    let (other, bit) = match sender {
        Sender::Client => (Sender::Server, 0x80),
        Sender::Server => (Sender::Client, 0x00),
    };
    vec![
        (
            "rsv1",
            one(Frame::new(0xc1, "x")),
            |e| matches!(e, P::ReservedBits { .. }),
            1002,
        ),
        (
            "rsv3",
            one(Frame::new(0x91, "x")),
            |e| matches!(e, P::ReservedBits { .. }),
            1002,
        ),
        (
            "opcode 3",
            one(Frame::new(0x83, "")),
            |e| matches!(e, P::ReservedOpcode { opcode: 3 }),
            1002,
        ),
        (
            "opcode 11",
            one(Frame::new(0x8b, "")),
            |e| matches!(e, P::ReservedOpcode { opcode: 11 }),
            1002,
        ),
        (
            "mask direction",
            Frame::text("x").sent_by(other),
            |e| matches!(e, P::MaskMissing | P::MaskForbidden),
            1002,
        ),
        (
            "ping in parts",
            one(Frame::ping("x").more()),
            |e| matches!(e, P::FragmentedControl),
            1002,
        ),
        (
            "long ping",
            one(Frame::ping([0; 126])),
            |e| matches!(e, P::LongControl),
            1002,
        ),
        (
            "length 125 as 16 bit",
            vec![0x82, bit | 0x7e, 0, 125],
            |e| matches!(e, P::LengthNotMinimal { .. }),
            1002,
        ),
        (
            "length of 64 bit",
            vec![0x82, bit | 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0],
            |e| matches!(e, P::LengthOverflow),
            1002,
        ),
    ]
}

/// Faults of messages and of Close frames.
fn content_faults(sender: Sender) -> Vec<Fault> {
    use ProtocolError as P;
    let one = |frame: Frame| frame.sent_by(sender);
    vec![
        (
            "nothing to continue",
            one(Frame::continuation("x")),
            |e| matches!(e, P::NothingToContinue),
            1002,
        ),
        (
            "interrupted",
            stream(&[Frame::text("x").more(), Frame::text("y")], sender),
            |e| matches!(e, P::MessageInterrupted),
            1002,
        ),
        (
            "close of one byte",
            one(Frame::close([3])),
            |e| matches!(e, P::CloseLength),
            1002,
        ),
        (
            "close with 1005",
            one(Frame::close_with(1005, "")),
            |e| matches!(e, P::CloseCode { .. }),
            1002,
        ),
        (
            "close with 2999",
            one(Frame::close_with(2999, "")),
            |e| matches!(e, P::CloseCode { .. }),
            1002,
        ),
        (
            "bad text",
            one(Frame::text([0xc3, 0x28])),
            |e| matches!(e, P::InvalidText),
            1007,
        ),
        (
            "text cut in a character",
            one(Frame::text([0xc3])),
            |e| matches!(e, P::InvalidText),
            1007,
        ),
        (
            "bad reason",
            one(Frame::close([0x03, 0xe8, 0xff])),
            |e| matches!(e, P::CloseReason),
            1007,
        ),
        (
            "announced beyond the limit",
            wire::header(0x82, 1001, sender),
            |e| {
                matches!(
                    e,
                    P::FrameTooBig { limit: 1000, .. } | P::MessageTooBig { limit: 1000, .. }
                )
            },
            1009,
        ),
        (
            "parts beyond the limit",
            stream(
                &[Frame::text([b'x'; 600]).more(), Frame::continuation([b'x'; 600])],
                sender,
            ),
            |e| matches!(e, P::MessageTooBig { limit: 1000, .. }),
            1009,
        ),
        (
            "too many parts",
            stream(
                &[
                    Frame::text("").more(),
                    Frame::continuation("").more(),
                    Frame::continuation(""),
                ],
                sender,
            ),
            |e| matches!(e, P::TooManyFragments { limit: 2 }),
            1008,
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_fault_gets_its_close_code_then_the_end_and_the_application_one_error() {
    bounded(async {
        let config = Config::builder()
            .limits(Limits::default().message(1000).fragments(2))
            .build()
            .expect("no contradiction");
        for (side, sender) in [(Sender::Server, Sender::Client), (Sender::Client, Sender::Server)] {
            for driven in [true, false] {
                for (what, bytes, is_fault, code) in
                    header_faults(sender).into_iter().chain(content_faults(sender))
                {
                    let what = format!("{what} to {side:?}, driven: {driven}");
                    let (ws, mut peer) = endpoint(side, config.clone()).await;
                    peer.send(&Frame::text("before")).await;
                    peer.send_bytes(&bytes).await;
                    let application = async |mut ws: WebSocket<DuplexStream>| {
                        assert_eq!(ws.recv().await.expect("open"), Some("before".into()), "{what}");
                        let first = ws.recv().await;
                        let again = ws.recv().await;
                        for end in [first, again] {
                            assert!(
                                matches!(&end, Err(Error::Protocol(e)) if is_fault(e)),
                                "{what}: {end:?}"
                            );
                        }
                        ws.closed().expect("closed")
                    };
                    let the_peer = async {
                        let (opcode, payload) = peer.next().await;
                        assert_eq!(
                            (opcode, &payload[..2]),
                            (0x88, &u16::to_be_bytes(code)[..]),
                            "{what}"
                        );
                        if side == Sender::Server {
                            // §7.1.1: the server closes first.
                            assert_eq!(peer.frame().await, None, "{what}");
                        }
                        drop(peer);
                    };
                    let run = async {
                        if driven {
                            ws.run(application).await
                        } else {
                            application(ws).await
                        }
                    };
                    let (closed, ()) = promptly(&what, async { tokio::join!(run, the_peer) }).await;
                    assert_eq!(closed.code(), CloseCode::ABNORMAL, "{what}");
                    assert!(
                        !closed.is_clean() && closed.cause().is_some_and(|e| is_fault(&e)),
                        "{what}"
                    );
                }
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_behind_which_the_peer_shuts_down_is_still_answered() {
    bounded(async {
        let (mut ws, mut peer) = accepted(Config::default(), 8).await;
        let fault = tokio::spawn(async move {
            peer.send_bytes(&[0xff, 0xff]).await;
            tokio::io::AsyncWriteExt::shutdown(&mut peer.stream)
                .await
                .expect("open");
            peer.rest().await
        });
        assert!(matches!(ws.recv().await, Err(Error::Protocol(_))));
        let frames = fault.await.expect("no panic");
        assert_eq!(
            frames.iter().map(|(opcode, _)| *opcode).collect::<Vec<_>>(),
            [0x88]
        );
    })
    .await;
}

// --- closing

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
                    ws.run(receive).await
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
