//! Messages in pieces.

use futures_util::FutureExt as _;
use std::iter;
use tidewire_tests::live::{Peer, accepted, bounded, drive, endpoint, promptly};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::Frame;
use tidewire_tokio::{Config, Error, Kind, Message, SendError, TrySendError, WebSocket};
use tokio::io::DuplexStream;

async fn server() -> (WebSocket<DuplexStream>, Peer<DuplexStream>) {
    endpoint(Sender::Server, Config::default()).await
}

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
                    drive(ws, give_up).await
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
async fn behind_pieces_given_up_halfway_come_the_pieces_of_the_next_message() {
    bounded(async {
        let (mut ws, mut peer) = server().await;
        peer.send(&Frame::text("first").more()).await;
        drop(promptly("the first", ws.recv_pieces()).await.expect("open"));
        // The rest of the first is skipped whenever it comes.
        assert!(ws.recv_pieces().now_or_never().is_none());
        peer.send(&Frame::continuation("second").more()).await;
        assert!(ws.recv_pieces().now_or_never().is_none());
        peer.send(&Frame::continuation("third")).await;
        peer.send(&Frame::binary("next").more()).await;
        let mut pieces = promptly("the next", ws.recv_pieces())
            .await
            .expect("open")
            .expect("a message");
        assert_eq!(pieces.kind(), Kind::Binary);
        let piece = promptly("its start", pieces.next()).await.expect("open");
        assert_eq!(piece, Some(Message::from(b"next".to_vec())));
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
async fn an_iterator_or_a_stream_of_pieces_is_one_message() {
    bounded(async {
        let (ws, mut peer) = server().await;
        ws.send_iter(["known ", "last"]).await.expect("open");
        // An iterator that does not know how much is left.
        let mut once = Some("x");
        ws.send_iter(iter::from_fn(|| once.take())).await.expect("open");
        ws.send_stream(futures_util::stream::iter([vec![1], vec![2]]))
            .await
            .expect("open");
        ws.send_iter(Vec::<Vec<u8>>::new())
            .await
            .expect("nothing to send");
        ws.send("next").await.expect("open");
        let expected: [(u8, &[u8]); 8] = [
            (0x01, b"known "),
            (0x80, b"last"),
            (0x01, b"x"),
            (0x80, b""),
            (0x02, &[1]),
            (0x00, &[2]),
            (0x80, b""),
            (0x81, b"next"),
        ];
        for (first, payload) in expected {
            assert_eq!(peer.next().await, (first, payload.to_vec()));
        }
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
                tokio::spawn(drive(ws, send));
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
                tokio::spawn(drive(ws, async |ws| {
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
