//! What the adapters allocate for a message: the message, and nothing else once they are warm.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use allocation_counter::measure;
use futures_util::FutureExt as _;
use tidewire_blocking as blocking;
use tidewire_tests::live::{REQUEST, ROOMY, accepted, bounded, bounded_now, quiet};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::Frame;

/// What is echoed before anything is counted.
const WARM_UP: usize = 10;
/// The length of the payloads.
const LEN: usize = 100;

#[test]
fn an_echo_over_threads_allocates_the_message_alone() {
    bounded_now(|| {
        let (mut peer, ours) = UnixStream::pair().expect("a pair");
        peer.write_all(REQUEST).expect("a pair has room");
        let mut ws = blocking::Accept::new()
            .config(quiet())
            .accept(ours)
            .expect("a good request");
        let mut head = [0; 1024];
        assert!(peer.read(&mut head).expect("a response") > 0);
        for whole in [Frame::text("x".repeat(LEN)), Frame::binary(vec![7; LEN])] {
            let mut rounds = Vec::new();
            for _ in 0..2 * WARM_UP {
                peer.write_all(&whole.sent_by(Sender::Client))
                    .expect("a pair has room");
                let allocated = measure(|| {
                    let message = ws.recv().expect("open").expect("a message");
                    ws.send(message).expect("open");
                });
                let mut echo = [0; 2 + LEN];
                peer.read_exact(&mut echo).expect("an echo");
                rounds.push((allocated.count_total, allocated.bytes_total));
            }
            // Now and then the keeper is told something, which may take memory, too.
            let mut rounds = rounds.split_off(WARM_UP);
            rounds.sort_unstable();
            assert_eq!(rounds[WARM_UP / 2], (1, LEN as u64), "{rounds:?}");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_message_received_over_tokio_allocates_itself_alone() {
    bounded(async {
        let (mut ws, mut peer) = accepted(quiet(), ROOMY).await;
        for whole in [Frame::text("x".repeat(LEN)), Frame::binary(vec![7; LEN])] {
            for round in 0..2 * WARM_UP {
                // For a new budget of tokio's.
                tokio::task::yield_now().await;
                // The first finds the input empty, the others do not.
                for _ in 0..4 {
                    peer.send(&whole).await;
                }
                // The first takes the others along.
                let mut received = Vec::with_capacity(4);
                let allocated = measure(|| received.extend((0..4).map(|_| ws.recv().now_or_never())));
                for received in received {
                    let message = received.expect("at hand").expect("open").expect("a message");
                    assert_eq!(message.len(), LEN);
                }
                if round >= WARM_UP {
                    assert_eq!(allocated.count_total, 4, "round {round}");
                    assert_eq!(allocated.bytes_total, 4 * LEN as u64, "round {round}");
                }
            }
        }
    })
    .await;
}

/// What is announced by peers that then send next to nothing of it.
const ANNOUNCED: usize = 1 << 20;
/// Twice as much.
const MUCH: i64 = 2 << 20;
const PEERS: usize = 8;

/// A message of that length, and the start of one.
fn whole_and_begun() -> (Vec<u8>, Vec<u8>) {
    let whole = Frame::binary(vec![7; ANNOUNCED]).sent_by(Sender::Client);
    let begun = whole[..100].to_vec();
    (whole, begun)
}

#[tokio::test(start_paused = true)]
async fn memory_of_earlier_messages_is_not_for_who_announces_long_ones_over_tokio() {
    bounded(async {
        let (whole, begun) = whole_and_begun();
        let (mut ws, mut peer) = accepted(quiet(), 2 * ANNOUNCED).await;
        let mut liars = Vec::new();
        for _ in 0..PEERS {
            liars.push(accepted(quiet(), ROOMY).await);
        }
        let mut held = 0;
        for (liar, liars_peer) in &mut liars {
            peer.send_bytes(&whole).await;
            liars_peer.send_bytes(&begun).await;
            let received = measure(|| {
                let message = loop {
                    if let Some(message) = ws.recv().now_or_never() {
                        break message;
                    }
                };
                assert_eq!(message.expect("open").expect("a message").len(), ANNOUNCED);
                assert!(liar.recv().now_or_never().is_none());
            });
            held += received.bytes_current;
            tokio::task::yield_now().await;
        }
        assert!(held < MUCH, "{held} bytes for {PEERS} beginnings");
    })
    .await;
}

#[test]
fn memory_of_earlier_messages_is_not_for_who_announces_long_ones_over_threads() {
    let connection = || {
        let (mut peer, ours) = UnixStream::pair().expect("a pair");
        peer.write_all(REQUEST).expect("a pair has room");
        let ws = blocking::Accept::new()
            .config(quiet())
            .accept(ours)
            .expect("a good request");
        let mut head = [0; 1024];
        assert!(peer.read(&mut head).expect("a response") > 0);
        (ws, peer)
    };
    bounded_now(|| {
        let (whole, begun) = whole_and_begun();
        let (mut ws, mut peer) = connection();
        let mut liars: Vec<_> = (0..PEERS).map(|_| connection()).collect();
        let mut held = 0;
        for (liar, liars_peer) in &mut liars {
            liars_peer.write_all(&begun).expect("a pair has room");
            let received = std::thread::scope(|scope| {
                scope.spawn(|| peer.write_all(&whole).expect("who reads"));
                measure(|| {
                    let message = ws.recv().expect("open").expect("a message");
                    assert_eq!(message.len(), ANNOUNCED);
                    drop(message);
                    assert!(liar.recv_timeout(Duration::ZERO).is_err());
                })
            });
            held += received.bytes_current;
        }
        assert!(held < MUCH, "{held} bytes for {PEERS} beginnings");
    });
}
