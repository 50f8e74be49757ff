//! Rooms and broadcasts over tokio: who gets what of messages for many, when some have stopped reading.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tidewire_blocking as blocking;
use tidewire_tests::live::{
    CAPACITY, Peer, REQUEST, ROOMY, SLOW, accepted, bounded, connected, counts, numbered, promptly, quiet,
    room_for_two, tcp_pair,
};
use tidewire_tests::reference::Sender as Side;
use tidewire_tests::wire::Frame;
use tidewire_tokio::{
    Accept, CloseCode, Config, Error, Kind, Membership, Receiver, Room, Sender, WhenFull, broadcast,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::Instant;

/// A member whose connection has room for two messages, with a driver that has had no turn, and its peer.
async fn slow() -> (Sender<DuplexStream>, Receiver<DuplexStream>, Peer<DuplexStream>) {
    let (ws, peer) = accepted(room_for_two(), 64).await;
    let (sender, receiver) = ws.split();
    (sender, receiver, peer)
}

fn room(when_full: WhenFull) -> Room {
    let room = Room::builder().capacity(CAPACITY).when_full(when_full);
    room.build().expect("no contradiction")
}

async fn next_text(peer: &mut Peer<DuplexStream>) -> String {
    let (opcode, payload) = promptly("a message", peer.next()).await;
    assert_eq!(opcode, 0x81, "a whole text: {}", payload.escape_ascii());
    String::from_utf8(payload).expect("text")
}

#[tokio::test(start_paused = true)]
async fn each_policy_is_kept_for_a_member_that_has_stopped_reading() {
    bounded(async {
        for row in SLOW {
            let room = room(row.when_full);
            let (sender, _receiver, mut peer) = slow().await;
            let _membership = room.join(&sender);
            for number in 0..10 {
                room.send(numbered(number));
                let waiting = sender.metrics().queued_messages;
                assert!(waiting <= 2 + CAPACITY, "{waiting} messages wait: {row:?}");
            }
            assert_eq!(counts(room.metrics()), row.counts, "{row:?}");
            for number in row.received {
                assert_eq!(next_text(&mut peer).await, numbered(*number), "{row:?}");
            }
            match row.close {
                None => {
                    room.send("again");
                    assert_eq!(next_text(&mut peer).await, "again", "{row:?}");
                }
                Some(code) => {
                    assert_eq!(room.len(), 0, "{row:?}");
                    let payload = [&code.to_be_bytes()[..], b"too slow"].concat();
                    assert_eq!(peer.next().await, (0x88, payload), "{row:?}");
                    peer.send(&Frame::close_with(code, "")).await;
                    drop(peer);
                    let closed = promptly("the end", sender.wait_closed()).await;
                    assert_eq!(closed.code().as_u16(), code);
                    // What waited when closing began.
                    assert_eq!(sender.metrics().queued_messages, CAPACITY);
                }
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_member_that_reads_misses_nothing_beside_one_that_does_not() {
    bounded(async {
        let room = room(WhenFull::KeepLatest);
        let (slow, _slow_receiver, _deaf) = slow().await;
        let (ws, mut peer) = accepted(quiet(), ROOMY).await;
        let (fast, _fast_receiver) = ws.split();
        let _memberships = [room.join(&slow), room.join(&fast)];
        for number in 0..1000 {
            room.send(numbered(number));
            assert_eq!(next_text(&mut peer).await, numbered(number));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_member_of_two_rooms_has_a_place_in_each_and_all_in_order() {
    bounded(async {
        let (oldest, newest) = (room(WhenFull::DropOldest), room(WhenFull::DropNewest));
        let (sender, _receiver, mut peer) = slow().await;
        let _memberships = [oldest.join(&sender), newest.join(&sender)];
        for number in 0..10 {
            oldest.send(numbered(number));
            newest.send(numbered(100 + number));
        }
        assert_eq!(counts(oldest.metrics()), [1, 9, 6, 0, 0, 0]);
        assert_eq!(counts(newest.metrics()), [1, 3, 0, 6, 0, 0]);
        assert_eq!(sender.metrics().queued_messages, 2 + 2 * CAPACITY);
        for number in [0, 100, 101, 102, 103, 7, 8, 9] {
            assert_eq!(next_text(&mut peer).await, numbered(number));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_leaves_gets_no_more_and_leaves_nothing_waiting() {
    bounded(async {
        let room = room(WhenFull::DropOldest);
        let (sender, _receiver, mut peer) = slow().await;
        let staying = room.join(&sender);
        for round in 0..10 {
            let leaving = room.join(&sender);
            assert_eq!(room.len(), 2);
            room.send_except(&staying, numbered(round));
            room.send_except(&staying, numbered(round));
            drop(leaving);
            assert_eq!(room.len(), 1);
        }
        // The first two had room.
        assert_eq!(sender.metrics().queued_messages, 2);
        room.send("last");
        for expected in [&numbered(0), &numbered(0), "last"] {
            assert_eq!(next_text(&mut peer).await, *expected);
        }
        drop(staying);
        assert!(room.is_empty());
        assert_eq!(counts(room.send("nobody")), [0; 6]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_of_a_room_waits_for_the_end_of_one_in_pieces() {
    bounded(async {
        let room = room(WhenFull::DropOldest);
        let (ws, mut peer) = accepted(quiet(), ROOMY).await;
        let (sender, _receiver) = ws.split();
        let _membership = room.join(&sender);
        let mut next = async || {
            let (opcode, payload) = promptly("a frame", peer.next()).await;
            (opcode, String::from_utf8(payload).expect("text"))
        };
        let mut pieces = sender.send_pieces(Kind::Text).await.expect("open");
        room.send("before a piece");
        for (opcode, piece) in [(0x01, "one, "), (0x00, "two, ")] {
            pieces.write(piece).await.expect("open");
            room.send("behind a piece");
            // All that was queued has left now.
            assert_eq!(next().await, (opcode, piece.to_owned()));
        }
        assert_eq!(counts(room.metrics()), [0, 3, 0, 0, 0, 0]);
        pieces.finish_with("three").await.expect("open");
        room.send("behind the last");
        let expected = [
            (0x80, "three"),
            (0x81, "before a piece"),
            (0x81, "behind a piece"),
            (0x81, "behind a piece"),
            (0x81, "behind the last"),
        ];
        for (opcode, text) in expected {
            assert_eq!(next().await, (opcode, text.to_owned()));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_room_that_is_sent_to_without_end_leaves_room_for_its_members_handlers() {
    bounded(async {
        let room = room(WhenFull::DropOldest);
        let (sender, _receiver, mut peer) = slow().await;
        let _membership = room.join(&sender);
        let direct = tokio::spawn(async move {
            for _ in 0..10 {
                sender.send("direct").await?;
            }
            Ok::<_, Error>(sender)
        });
        let mut direct_ones = 0;
        while direct_ones < 10 {
            for number in 0..10 {
                room.send(numbered(number));
            }
            if next_text(&mut peer).await == "direct" {
                direct_ones += 1;
            }
        }
        promptly("the task", direct)
            .await
            .expect("no panic")
            .expect("open");
        assert!(room.metrics().dropped_oldest > 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_member_that_has_ended_is_taken_off_the_list_with_the_next_message() {
    bounded(async {
        let room = Room::new();
        let (sender, _receiver, peer) = slow().await;
        let _membership = room.join(&sender);
        drop(peer);
        assert_eq!(
            promptly("the end", sender.wait_closed()).await.code(),
            CloseCode::ABNORMAL
        );
        assert_eq!(room.len(), 1);
        assert_eq!(counts(room.send("nobody")), [0; 6]);
        assert_eq!(room.len(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_when_the_peer_closes_is_dropped_and_counted() {
    bounded(async {
        let room = room(WhenFull::DropOldest);
        let (sender, _receiver, mut peer) = slow().await;
        let _membership = room.join(&sender);
        for number in 0..10 {
            room.send(numbered(number));
        }
        peer.send(&Frame::close_with(1000, "")).await;
        // The pipe had room for one, so that one more came into the queue before the Close was read.
        for number in [0, 1, 7] {
            assert_eq!(next_text(&mut peer).await, numbered(number));
        }
        assert_eq!(peer.next().await, (0x88, vec![0x03, 0xe8]));
        drop(peer);
        assert!(promptly("the end", sender.wait_closed()).await.is_clean());
        assert_eq!(sender.metrics().queued_messages, CAPACITY - 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_disconnected_member_that_never_reads_is_given_up_with_the_closing_timeout() {
    bounded(async {
        let room = room(WhenFull::default());
        let (sender, _receiver, _deaf) = slow().await;
        let _membership = room.join(&sender);
        let before = Instant::now();
        for number in 0..6 {
            room.send(numbered(number));
        }
        assert_eq!(room.metrics().disconnected, 1);
        assert!(!sender.wait_closed().await.is_clean());
        assert_eq!(before.elapsed().as_secs(), 10);
        // One is in the pipe.
        assert_eq!(sender.metrics().queued_messages, 1 + CAPACITY);
    })
    .await;
}

#[tokio::test]
async fn a_room_has_members_of_either_adapter_and_role() {
    bounded(async {
        let room = Room::new();
        let (server, mut client_peer) = accepted(quiet(), ROOMY).await;
        let (client, mut server_peer) = connected(quiet(), ROOMY).await;
        let (near, mut far) = UnixStream::pair().expect("a pair");
        far.write_all(REQUEST).expect("a pair has room");
        let threaded = blocking::Accept::new().accept(near).expect("a good request");
        let memberships = [room.join(&server), room.join(&client), room.join(&threaded)];
        assert_eq!(room.send("to all").sent, 3);
        for peer in [&mut client_peer, &mut server_peer] {
            assert_eq!(peer.next().await, (0x81, b"to all".to_vec()));
        }
        drop((threaded, memberships));
        far.write_all(&Frame::close_with(1000, "").sent_by(Side::Client))
            .expect("the server reads");
        let mut bytes = Vec::new();
        far.read_to_end(&mut bytes).expect("an end");
        assert!(
            bytes.ends_with(b"\x81\x06to all\x88\x02\x03\xe8"),
            "{}",
            bytes.escape_ascii()
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_membership_keeps_its_connection_open_as_a_sender_does() {
    bounded(async {
        let room = Room::new();
        let (ws, mut peer) = accepted(quiet(), ROOMY).await;
        let (sender, receiver) = ws.split();
        let membership = room.join(&sender);
        drop((sender, receiver));
        room.send("still here");
        assert_eq!(next_text(&mut peer).await, "still here");
        drop(membership);
        assert_eq!(promptly("the close", peer.next()).await, (0x88, vec![0x03, 0xe8]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_member_without_a_driver_gets_what_it_has_room_for_at_once() {
    bounded(async {
        let room = Room::new();
        let (ws, mut peer) = accepted(quiet(), ROOMY).await;
        let _membership = room.join(&ws);
        room.send("hello");
        assert_eq!(ws.metrics().queued, 0, "it was written");
        assert_eq!(next_text(&mut peer).await, "hello");
    })
    .await;
}

#[tokio::test]
async fn a_thread_outside_of_the_runtime_may_send_and_leave() {
    bounded(async {
        let from_outside = |room: Room, membership: Membership| {
            let outside = thread::spawn(move || {
                room.send("from outside");
                drop(membership);
                room.is_empty()
            });
            assert!(outside.join().expect("no panic"));
        };
        let text = (0x81, b"from outside".to_vec());

        let room = Room::new();
        let (driven, mut peer) = accepted(Config::default(), ROOMY).await;
        let (sender, _receiver) = driven.split();
        from_outside(room.clone(), room.join(&sender));
        assert_eq!(peer.next().await, text);

        let (mut undriven, mut peer) = accepted(Config::default(), ROOMY).await;
        from_outside(room.clone(), room.join(&undriven));
        let receiving = tokio::spawn(async move { undriven.recv().await });
        assert_eq!(peer.next().await, text, "once somebody polls");
        receiving.abort();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_skips_who_is_closed_and_counts_who_misses_it() {
    bounded(async {
        let (full, _full_receiver, mut full_peer) = slow().await;
        let (closed, _closed_receiver, closed_peer) = slow().await;
        let (open, _open_receiver, mut open_peer) = slow().await;
        drop(closed_peer);
        promptly("the end", closed.wait_closed()).await;
        for number in 0..2 {
            full.try_send(numbered(number)).expect("room for two");
        }
        let told = broadcast(&[full, closed, open], "to all");
        assert_eq!((told.sent, told.closed, told.full), (1, 1, 1));
        assert_eq!(next_text(&mut open_peer).await, "to all");
        for number in 0..2 {
            assert_eq!(next_text(&mut full_peer).await, numbered(number));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_does_not_pass_what_waits_of_a_room() {
    bounded(async {
        let room = room(WhenFull::DropOldest);
        let (sender, _receiver, _peer) = slow().await;
        let _membership = room.join(&sender);
        for number in 0..3 {
            room.send(numbered(number));
        }
        assert_eq!(broadcast([&sender], "to all").full, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_and_go_while_several_threads_send() {
    bounded(async {
        const SENDERS: usize = 3;
        const MESSAGES: usize = 300;
        let room = Room::builder()
            .capacity(SENDERS * MESSAGES)
            .build()
            .expect("no contradiction");
        let (ws, mut client) = tcp_pair().await;
        let (sender, _receiver) = ws.split();
        let _membership = room.join(&sender);
        let (other, mut other_client) = tcp_pair().await;
        let (other, other_receiver) = other.split();
        let over = Arc::new(AtomicBool::new(false));
        let restless = {
            let (room, over) = (room.clone(), over.clone());
            thread::spawn(move || {
                let mut rounds = 0_usize;
                while !over.load(Ordering::Relaxed) || rounds == 0 {
                    drop([room.join(&other), room.join(&other)]);
                    rounds += 1;
                }
                rounds
            })
        };
        let reading = tokio::spawn(async move { while let Ok(Some(_)) = other_client.recv().await {} });
        let senders: Vec<_> = (0..SENDERS)
            .map(|name| {
                let room = room.clone();
                thread::spawn(move || {
                    for number in 0..MESSAGES {
                        room.send(format!("{name} {number}"));
                    }
                })
            })
            .collect();
        let mut next = [0; SENDERS];
        for _ in 0..SENDERS * MESSAGES {
            let message = client.recv().await.expect("open").expect("a message");
            let text = message.as_text().expect("a text").to_owned();
            let (name, number) = text.split_once(' ').expect("two numbers");
            let next = &mut next[name.parse::<usize>().expect("a number")];
            assert_eq!(number, next.to_string(), "each thread's are in order");
            *next += 1;
        }
        for sender in senders {
            sender.join().expect("no panic");
        }
        over.store(true, Ordering::Relaxed);
        assert!(restless.join().expect("no panic") > 0);
        assert_eq!(room.len(), 1);
        assert_eq!(room.metrics().disconnected, 0);
        drop(other_receiver);
        reading.await.expect("no panic");
    })
    .await;
}

#[tokio::test]
async fn a_send_never_waits_for_a_socket_that_nobody_reads() {
    bounded(async {
        let room = room(WhenFull::DropNewest);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut deaf = tokio::net::TcpStream::connect(address).await.expect("it listens");
        deaf.write_all(REQUEST).await.expect("room");
        let (stream, _) = listener.accept().await.expect("a client");
        let (sender, _receiver) = Accept::new()
            .accept(stream)
            .await
            .expect("a good request")
            .split();
        let _membership = room.join(&sender);
        let message = vec![7; 10_000];
        while room.metrics().dropped_newest < 1000 {
            room.send(message.clone());
            tokio::task::yield_now().await;
        }
        let metrics = sender.metrics();
        assert!(metrics.queued <= 256 * 1024 + 10_004, "{} bytes", metrics.queued);
        // Those of which nothing or a part has left, and those that wait for room.
        assert!(
            metrics.queued_messages <= 28 + CAPACITY,
            "{} messages",
            metrics.queued_messages
        );
        // All of it arrives once it reads again.
        let taken = room.metrics().sent + room.metrics().queued;
        let mut bytes = vec![0; 1 << 16];
        let (mut read, mut head) = (0, None);
        while head.is_none_or(|head: usize| read < head + usize::try_from(taken).expect("few") * 10_004) {
            let len = deaf.read(&mut bytes).await.expect("open");
            assert!(len > 0, "the end after {read} bytes");
            if head.is_none() {
                let end = bytes[..len].windows(4).position(|end| end == b"\r\n\r\n");
                head = end.map(|end| read + end + 4);
            }
            read += len;
        }
        assert_eq!(sender.metrics().queued_messages, 0);
    })
    .await;
}
