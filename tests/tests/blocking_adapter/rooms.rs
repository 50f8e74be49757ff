//! Rooms and broadcasts over threads: who gets what of messages for many, when some have stopped reading.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use tidewire_blocking::{
    CloseCode, ConfigError, Deflate, Error, Kind, Phase, Room, Sender, Server, Transport, WebSocket,
    WhenFull, broadcast,
};
use tidewire_tests::live::{CAPACITY, SLOW, blocking_pairs, counts, numbered, quiet, room_for_two};

use crate::support::{PATIENCE, accepted, bounded, listener, raw_client, read_exact, serve, start};

/// A stream to a peer that reads nothing until it is told to.
struct Gate(UnixStream, Arc<Reads>);

#[derive(Default)]
struct Reads {
    reads: Mutex<bool>,
    changed: Condvar,
}

impl Reads {
    fn begin(&self) {
        *self.reads.lock().expect("no panic") = true;
        self.changed.notify_all();
    }
}

impl Transport for Gate {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        Transport::read(&self.0, buffer, timeout)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        let reads = self.1.reads.lock().expect("no panic");
        let timeout = timeout.unwrap_or(PATIENCE);
        let (reads, _) = self
            .1
            .changed
            .wait_timeout_while(reads, timeout, |reads| !*reads)
            .expect("no panic");
        if !*reads {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Transport::write(&self.0, bytes, Some(timeout))
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }
}

/// A member whose connection has room for two messages, its peer, and what has that read.
fn slow() -> (Sender<Gate>, UnixStream, Arc<Reads>) {
    let reads = Arc::new(Reads::default());
    reads.begin();
    let (ws, peer) = accepted(room_for_two(), |stream| Gate(stream, reads.clone()));
    *reads.reads.lock().expect("no panic") = false;
    let (sender, receiver) = ws.split();
    drop(receiver);
    (sender, peer, reads)
}

fn room(when_full: WhenFull) -> Room {
    let room = Room::builder().capacity(CAPACITY).when_full(when_full);
    room.build().expect("no contradiction")
}

/// The next text of less than 126 bytes.
fn next_text(peer: &mut UnixStream) -> String {
    let [first, len] = read_exact::<2>(peer);
    let mut payload = vec![0; len.into()];
    peer.read_exact(&mut payload).expect("the peer sends so much");
    assert_eq!(first, 0x81, "a whole text: {}", payload.escape_ascii());
    String::from_utf8(payload).expect("text")
}

#[test]
fn each_policy_is_kept_for_a_member_that_has_stopped_reading() {
    bounded(|| {
        for row in SLOW {
            let room = room(row.when_full);
            let (sender, mut peer, reads) = slow();
            let _membership = room.join(&sender);
            for number in 0..10 {
                room.send(numbered(number));
                let waiting = sender.metrics().queued_messages;
                assert!(waiting <= 2 + CAPACITY, "{waiting} messages wait: {row:?}");
            }
            assert_eq!(counts(room.metrics()), row.counts, "{row:?}");
            reads.begin();
            for number in row.received {
                assert_eq!(next_text(&mut peer), numbered(*number), "{row:?}");
            }
            match row.close {
                None => {
                    room.send("again");
                    assert_eq!(next_text(&mut peer), "again", "{row:?}");
                }
                Some(code) => {
                    assert_eq!(room.len(), 0, "{row:?}");
                    assert_eq!(read_exact::<4>(&mut peer)[..2], [0x88, 10], "{row:?}");
                    assert_eq!(&read_exact::<8>(&mut peer), b"too slow", "{row:?}");
                    let [high, low] = code.to_be_bytes();
                    let answer = [0x88, 0x82, 0, 0, 0, 0, high, low];
                    peer.write_all(&answer).expect("the server reads");
                    drop(peer);
                    let closed = sender.wait_closed();
                    assert_eq!(closed.code().as_u16(), code);
                    // What waited when closing began.
                    assert_eq!(sender.metrics().queued_messages, CAPACITY);
                }
            }
        }
    });
}

#[test]
fn a_member_of_two_rooms_has_a_place_in_each_and_all_in_order() {
    bounded(|| {
        let (oldest, newest) = (room(WhenFull::DropOldest), room(WhenFull::DropNewest));
        let (sender, mut peer, reads) = slow();
        let _memberships = [oldest.join(&sender), newest.join(&sender)];
        for number in 0..10 {
            oldest.send(numbered(number));
            newest.send(numbered(100 + number));
        }
        assert_eq!(counts(oldest.metrics()), [1, 9, 6, 0, 0, 0]);
        assert_eq!(counts(newest.metrics()), [1, 3, 0, 6, 0, 0]);
        assert_eq!(sender.metrics().queued_messages, 2 + 2 * CAPACITY);
        reads.begin();
        for number in [0, 100, 101, 102, 103, 7, 8, 9] {
            assert_eq!(next_text(&mut peer), numbered(number));
        }
    });
}

#[test]
fn who_leaves_gets_no_more_and_leaves_nothing_waiting() {
    bounded(|| {
        let room = room(WhenFull::DropOldest);
        let (sender, mut peer, reads) = slow();
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
        reads.begin();
        for expected in [&numbered(0), &numbered(0), "last"] {
            assert_eq!(next_text(&mut peer), *expected);
        }
        drop(staying);
        assert!(room.is_empty());
        assert_eq!(counts(room.send("nobody")), [0; 6]);
    });
}

#[test]
fn a_message_of_a_room_waits_for_the_end_of_one_in_pieces() {
    bounded(|| {
        let room = room(WhenFull::DropOldest);
        let (ws, mut peer) = accepted(quiet(), |stream| stream);
        let _membership = room.join(&ws);
        let mut pieces = ws.send_pieces(Kind::Text).expect("open");
        pieces.write("one").expect("open");
        room.send("between");
        assert_eq!(counts(room.metrics()), [0, 1, 0, 0, 0, 0]);
        pieces.write("two").expect("open");
        pieces.finish_with("end").expect("open");
        assert_eq!(&read_exact::<15>(&mut peer), b"\x01\x03one\x00\x03two\x80\x03end");
        assert_eq!(next_text(&mut peer), "between");
    });
}

#[test]
fn a_member_that_has_ended_is_taken_off_the_list_with_the_next_message() {
    bounded(|| {
        let room = Room::new();
        let (sender, peer, _reads) = slow();
        let _membership = room.join(&sender);
        drop(peer);
        assert_eq!(sender.wait_closed().code(), CloseCode::ABNORMAL);
        assert_eq!(room.len(), 1);
        assert_eq!(counts(room.send("nobody")), [0; 6]);
        assert_eq!(room.len(), 0);
    });
}

#[test]
fn what_waits_when_the_peer_closes_is_dropped_and_counted() {
    bounded(|| {
        let room = room(WhenFull::DropOldest);
        let (sender, mut peer, reads) = slow();
        let _membership = room.join(&sender);
        for number in 0..10 {
            room.send(numbered(number));
        }
        peer.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8])
            .expect("the server reads");
        while sender.phase() == Phase::Open {
            thread::yield_now();
        }
        reads.begin();
        for number in 0..2 {
            assert_eq!(next_text(&mut peer), numbered(number));
        }
        assert_eq!(read_exact::<4>(&mut peer), [0x88, 0x02, 0x03, 0xe8]);
        drop(peer);
        assert!(sender.wait_closed().is_clean());
        assert_eq!(sender.metrics().queued_messages, CAPACITY);
    });
}

#[test]
fn a_membership_keeps_its_connection_open_as_a_sender_does() {
    bounded(|| {
        let room = Room::new();
        let (ws, mut peer) = accepted(quiet(), |stream| stream);
        let membership = room.join(&ws);
        drop(ws);
        room.send("still here");
        assert_eq!(next_text(&mut peer), "still here");
        drop(membership);
        assert_eq!(read_exact::<4>(&mut peer), [0x88, 0x02, 0x03, 0xe8]);
    });
}

#[test]
fn a_broadcast_skips_who_is_closed_and_counts_who_misses_it() {
    bounded(|| {
        let (full, mut full_peer, full_reads) = slow();
        let (closed, closed_peer, _reads) = slow();
        let (open, mut open_peer, open_reads) = slow();
        drop(closed_peer);
        closed.wait_closed();
        for number in 0..2 {
            full.try_send(numbered(number)).expect("room for two");
        }
        open_reads.begin();
        let told = broadcast(&[full, closed, open], "to all");
        assert_eq!((told.sent, told.closed, told.full), (1, 1, 1));
        assert_eq!(next_text(&mut open_peer), "to all");
        full_reads.begin();
        for number in 0..2 {
            assert_eq!(next_text(&mut full_peer), numbered(number));
        }
    });
}

#[test]
fn members_whose_windows_are_alike_share_what_the_first_of_them_compressed() {
    bounded(|| {
        let mut pairs = Vec::new();
        for level in [1, 9] {
            let deflate = Deflate::builder().server_no_context_takeover().level(level);
            pairs.extend(blocking_pairs(
                Some(&deflate.build().expect("no contradiction")),
                1,
            ));
        }
        let room = Room::new();
        let (servers, mut clients): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let _memberships: Vec<_> = servers.iter().map(|server| room.join(server)).collect();
        let numbers = (0..2000_u32).map(|number| (number * number % 997).to_string());
        let text = numbers.collect::<Vec<_>>().join(" ");
        let sent = |at: usize| servers[at].metrics().traffic.bytes_sent;
        let before = [sent(0), sent(1)];
        room.send(text.clone());
        let shared = [sent(0) - before[0], sent(1) - before[1]];
        assert_eq!(shared[0], shared[1]);
        servers[1].send(text.clone()).expect("open");
        assert!(
            sent(1) - before[1] < 2 * shared[1],
            "alone, it would be smaller with level 9"
        );
        let received = clients[1].recv().expect("open");
        assert_eq!(received, Some(text.into()));
    });
}

#[test]
fn members_come_and_go_while_several_threads_send() {
    const SENDERS: usize = 3;
    const MESSAGES: usize = 300;
    bounded(|| {
        let capacity = SENDERS * MESSAGES;
        let room = Room::builder()
            .capacity(capacity)
            .build()
            .expect("no contradiction");
        let mut pairs = blocking_pairs(None, 2);
        let (other, mut other_client) = pairs.pop().expect("two pairs");
        let (member, client) = pairs.pop().expect("two pairs");
        let _membership = room.join(&member);
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
        let reading = thread::spawn(move || while let Ok(Some(_)) = other_client.recv() {});
        let sending: Vec<_> = (0..SENDERS)
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
        for message in client.take(SENDERS * MESSAGES) {
            let message = message.expect("open");
            let text = message.as_text().expect("a text");
            let (name, number) = text.split_once(' ').expect("two numbers");
            let next = &mut next[name.parse::<usize>().expect("a number")];
            assert_eq!(number, next.to_string(), "each thread's are in order");
            *next += 1;
        }
        assert_eq!(next, [MESSAGES; SENDERS]);
        for sending in sending {
            sending.join().expect("no panic");
        }
        over.store(true, Ordering::Relaxed);
        assert!(restless.join().expect("no panic") > 0);
        assert_eq!(room.metrics().disconnected, 0);
        reading.join().expect("no panic");
    });
}

#[test]
fn a_send_never_waits_for_a_socket_that_nobody_reads() {
    let room = room(WhenFull::DropNewest);
    let joined = room.clone();
    let server = serve(move |mut ws: WebSocket| {
        let _membership = joined.join(&ws);
        while ws.recv()?.is_some() {}
        Ok::<(), Error>(())
    });
    let mut deaf = raw_client(server.address);
    bounded(move || {
        while room.is_empty() {
            thread::yield_now();
        }
        let message = vec![7; 10_000];
        while room.metrics().dropped_newest < 1000 {
            room.send(message.clone());
        }
        // All that was taken arrives once it reads again.
        let taken = room.metrics().sent + room.metrics().queued;
        for _ in 0..taken {
            let frame = read_exact::<10_004>(&mut deaf);
            assert_eq!(frame[..5], [0x82, 126, 0x27, 0x10, 7]);
        }
    });
}

#[test]
fn an_answer_that_is_corked_and_a_message_of_a_room_leave_in_order() {
    let room = Room::new();
    let joined = room.clone();
    let server = start(Server::new(listener(), move |mut ws: WebSocket| {
        let _membership = joined.join(&ws);
        while let Some(message) = ws.recv()? {
            ws.send(message)?;
            joined.send("to all");
        }
        Ok(())
    }));
    let mut peer = raw_client(server.address);
    bounded(move || {
        peer.write_all(&b"\x81\x82\0\0\0\0hi".repeat(3))
            .expect("the server reads");
        for _ in 0..3 {
            assert_eq!(&read_exact::<12>(&mut peer), b"\x81\x02hi\x81\x06to all");
        }
    });
}

#[test]
fn settings_without_a_meaning_are_refused() {
    let refused = Room::builder()
        .capacity(0)
        .build()
        .expect_err("a capacity of zero");
    assert_eq!(
        refused,
        ConfigError::Zero {
            setting: "room capacity"
        }
    );
    let code = CloseCode::ABNORMAL;
    let refused = Room::builder().when_full(WhenFull::Disconnect(code)).build();
    let refused = refused.expect_err("a code that is never sent");
    assert_eq!(refused, ConfigError::CloseCode { code });
    assert_eq!(refused.to_string(), "close code 1006 which may not be sent");
}
