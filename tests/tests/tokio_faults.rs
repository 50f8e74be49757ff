//! What bad input gets: the Close frame with its code, the end, and one error for the application.

use tidewire_tests::live::{accepted, bounded, drive, endpoint, promptly};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::{self, Frame, stream};
use tidewire_tokio::{CloseCode, Config, Error, Limits, ProtocolError, WebSocket};
use tokio::io::DuplexStream;

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
                            drive(ws, application).await
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
