//! What is refused since it is too much: each limit names itself. And what memory a peer can make us hold.

use allocation_counter::measure;
use tidewire_tests::live::{Peer, REQUEST, accepted, bounded, promptly};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire;
use tidewire_tokio::{
    Accept, Config, Connect, Error, HandshakeError, HeadLimits, Limits, ProtocolError, RequestError,
    ResponseError, SendError, TrySendError, cut_reason,
};
use tokio::io::duplex;

/// More than a test sends.
const ROOMY: usize = 1 << 16;

/// A configuration with these limits of heads.
fn heads(limits: HeadLimits) -> Config {
    Config::builder()
        .head_limits(limits)
        .build()
        .expect("no contradiction")
}

/// Limits of heads, what names the fault of a request, and its status.
type RequestRow = (HeadLimits, fn(&RequestError) -> bool, u16);

#[tokio::test(start_paused = true)]
async fn a_request_beyond_a_limit_is_refused_by_its_name() {
    bounded(async {
        let table: [RequestRow; 4] = [
            (
                HeadLimits::default().bytes(100),
                |e| matches!(e, RequestError::HeadTooLong { limit: 100 }),
                431,
            ),
            (
                HeadLimits::default().fields(3),
                |e| matches!(e, RequestError::TooManyFields { limit: 3 }),
                431,
            ),
            (
                HeadLimits::default().line(30),
                |e| matches!(e, RequestError::LineTooLong { limit: 30 }),
                431,
            ),
            (
                HeadLimits::default().line(10),
                |e| matches!(e, RequestError::RequestLineTooLong { limit: 10 }),
                414,
            ),
        ];
        for (limits, is_expected, status) in table {
            let (near, far) = duplex(ROOMY);
            let mut peer = Peer::raw(far, Sender::Client);
            peer.send_bytes(REQUEST).await;
            let accept = Accept::new().config(heads(limits));
            let refusal = async {
                let refusal = peer.rest_of_bytes().await;
                drop(peer);
                refusal
            };
            let (end, refusal) = tokio::join!(accept.accept(near), refusal);
            let end = end.map(drop);
            assert!(
                matches!(&end, Err(HandshakeError::Request(e)) if is_expected(e)),
                "{limits:?}: {end:?}"
            );
            let start = format!("HTTP/1.1 {status} ");
            assert!(refusal.starts_with(start.as_bytes()), "{limits:?}");
        }
    })
    .await;
}

/// Limits of heads, and what names the fault of a response.
type ResponseRow = (HeadLimits, fn(&ResponseError) -> bool);

#[tokio::test(start_paused = true)]
async fn a_response_beyond_a_limit_fails_by_its_name() {
    bounded(async {
        let table: [ResponseRow; 3] = [
            (HeadLimits::default().bytes(100), |e| {
                matches!(e, ResponseError::HeadTooLong { limit: 100 })
            }),
            (HeadLimits::default().fields(2), |e| {
                matches!(e, ResponseError::TooManyFields { limit: 2 })
            }),
            (HeadLimits::default().line(40), |e| {
                matches!(e, ResponseError::LineTooLong { limit: 40 })
            }),
        ];
        for (limits, is_expected) in table {
            let (near, far) = duplex(ROOMY);
            let connect = Connect::new("ws://localhost/").config(heads(limits));
            let (end, _peer) = tokio::join!(connect.over(near), Peer::server(far));
            let end = end.map(drop);
            assert!(
                matches!(&end, Err(HandshakeError::Response(e)) if is_expected(e)),
                "{limits:?}: {end:?}"
            );
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_frame_beyond_its_own_limit_fails_at_its_header() {
    bounded(async {
        let config = Config::builder()
            .limits(Limits::default().message(1000).frame(100))
            .build()
            .expect("no contradiction");
        let (mut ws, mut peer) = accepted(config, ROOMY).await;
        peer.send_bytes(&wire::header(0x82, 101, Sender::Client)).await;
        let fault = async {
            let (opcode, payload) = peer.next().await;
            drop(peer);
            (opcode, u16::from_be_bytes([payload[0], payload[1]]))
        };
        let (end, fault) = promptly("the end", async { tokio::join!(ws.recv(), fault) }).await;
        assert_eq!(fault, (0x88, 1009));
        assert!(
            matches!(
                end,
                Err(Error::Protocol(ProtocolError::FrameTooBig { limit: 100, .. }))
            ),
            "{end:?}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn control_payloads_have_125_bytes_at_most_and_reasons_are_cut_on_characters() {
    bounded(async {
        let (ws, mut peer) = accepted(Config::default(), ROOMY).await;
        let long = [b'x'; 126];
        for refused in [ws.pong(&long).await, ws.ping_with(&long).await.map(drop)] {
            assert!(
                matches!(refused, Err(Error::Send(SendError::LongControl { len: 126 }))),
                "{refused:?}"
            );
        }
        // A heartbeat that nobody answers, and nobody waits for.
        ws.pong(&long[1..]).await.expect("open");
        assert_eq!(promptly("pong", peer.next()).await, (0x8a, vec![b'x'; 125]));
        // 123 bytes end within the last character, which goes with them.
        let reason = "xx".to_owned() + &"ä".repeat(61);
        assert!(matches!(
            ws.close(1000, &reason).await,
            Err(SendError::LongReason { len: 124 })
        ));
        let closing = async {
            let (_, payload) = peer.next().await;
            drop(peer);
            payload[2..].to_vec()
        };
        let (closed, sent) = tokio::join!(ws.close(1000, cut_reason(&reason)), closing);
        closed.expect("a reason that fits");
        assert_eq!(sent, &reason.as_bytes()[..122]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_subprotocol_that_is_no_token_is_not_offered() {
    bounded(async {
        for offers in [&[""][..], &["a b"], &["a,b"], &["a\r\nX: y"], &["ä"], &["a", "a"]] {
            let (near, far) = duplex(ROOMY);
            let connect = offers
                .iter()
                .fold(Connect::new("ws://localhost/"), |connect, offer| {
                    connect.subprotocol(*offer)
                });
            let end = connect.over(near).await.map(drop);
            assert!(
                matches!(end, Err(HandshakeError::Field(_))),
                "{offers:?}: {end:?}"
            );
            let sent = Peer::raw(far, Sender::Server).rest_of_bytes().await;
            assert_eq!(sent, b"", "{offers:?}");
        }
    })
    .await;
}

#[test]
fn a_peer_that_does_not_read_makes_us_hold_the_high_water_mark_and_one_message() {
    const HIGH_WATER: usize = 64 * 1024;
    /// The longest header of a server's frame.
    const HEADER: usize = 10;
    /// What may be noted of messages and of those who wait, for as many as there are here, and an input buffer that the
    /// thread keeps.
    const NOTES: u64 = 40 * 1024;
    // Small messages, one as long as the mark, and one far beyond it.
    for len in [100, 10_000, HIGH_WATER, 4 * HIGH_WATER] {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let config = Config::builder()
            .write_queue(HIGH_WATER)
            .build()
            .expect("no contradiction");
        let (ws, _peer) = runtime.block_on(accepted(config, 16));
        let message = tidewire_tokio::Bytes::from(vec![0; len]);
        let mut queued = 0;
        let held = measure(|| {
            runtime.block_on(async {
                loop {
                    match ws.try_send(message.clone()) {
                        Ok(()) => queued = queued.max(ws.metrics().queued),
                        Err(TrySendError::Full(_)) => break,
                        Err(error) => panic!("{error}"),
                    }
                }
                // Those who wait have their messages, and add nothing to the queue.
                for _ in 0..1000 {
                    let send = ws.send(message.clone());
                    assert!(futures_util::FutureExt::now_or_never(send).is_none());
                }
            });
        });
        let bound = HIGH_WATER + len + HEADER;
        assert!(queued <= bound, "{len}: {queued} bytes queued");
        // The queue grows by doubling, and holds the old bytes and the new room while it does.
        let (now, at_most) = (held.bytes_current.unsigned_abs(), held.bytes_max);
        assert!(
            now <= 2 * bound as u64 + NOTES && at_most <= 3 * bound as u64 + NOTES,
            "{len}: {held:?}"
        );
    }
}
