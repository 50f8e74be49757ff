//! What a transport promises, where records are longer or shorter than what is asked for.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::time::Duration;

use tidewire_blocking::Transport;
use tidewire_blocking::rustls::version::TLS13;

use super::{VERSIONS, ours, shaken};
use crate::support::{PATIENCE, bounded, in_background, read_exact};

const NOT: Option<Duration> = Some(Duration::ZERO);

fn is_vain(result: &io::Result<usize>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

#[test]
fn what_does_not_fit_is_held_and_given_without_the_stream() {
    for version in VERSIONS {
        // Less, and more, than records are read into directly.
        for room in [1, 100, 5000] {
            bounded(move || {
                let (ours, mut client) = shaken(version);
                let bytes: Vec<u8> = (0..20_000_u32).map(|place| place.to_le_bytes()[0]).collect();
                client.write_all(&bytes).expect("a pair has room");
                let mut all = Vec::new();
                let mut held = false;
                while all.len() < bytes.len() {
                    let mut buffer = Vec::with_capacity(room);
                    let read = ours.read(&mut buffer, NOT).expect("all of it is there");
                    assert!((1..=buffer.capacity()).contains(&read));
                    assert_eq!(read, buffer.len());
                    held |= ours.holds_input();
                    all.append(&mut buffer);
                }
                assert!(all == bytes, "room for {room}");
                assert!(held || room > 4096, "room for {room}");
                assert!(!ours.holds_input());
                assert!(is_vain(&ours.read(&mut Vec::with_capacity(room), NOT)));
            });
        }
    }
}

/// Numbers that are the same in each run.
struct Numbers(u32);

impl Numbers {
    fn up_to(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % most + 1
    }
}

#[test]
fn records_of_any_length_arrive_in_portions_of_any_length_and_into_any_room() {
    for version in VERSIONS {
        bounded(move || {
            let (ours, mut client) = shaken(version);
            let mut numbers = Numbers(7);
            let mut bytes = Vec::new();
            let mut records = Vec::new();
            while bytes.len() < 1 << 20 {
                let start = bytes.len();
                let len = numbers.up_to([10, 1000, 16_384][bytes.len() % 3]);
                bytes.extend((start..start + len).map(|place| (place / 7).to_le_bytes()[0]));
                client.conn.writer().write_all(&bytes[start..]).expect("room");
                client.conn.write_tls(&mut records).expect("memory has room");
            }
            let mut all = Vec::new();
            let mut left = records.as_slice();
            while all.len() < bytes.len() {
                let (portion, rest) = left.split_at(numbers.up_to(30_000).min(left.len()));
                client.sock.write_all(portion).expect("a pair has room");
                left = rest;
                // Sometimes a part stays for later.
                for _ in 0..numbers.up_to(8) {
                    let mut buffer = Vec::with_capacity(numbers.up_to([100, 5000, 70_000][all.len() % 3]));
                    let result = ours.read(&mut buffer, NOT);
                    assert!(result.is_ok() || is_vain(&result), "{result:?}");
                    all.append(&mut buffer);
                }
                while left.is_empty() && all.len() < bytes.len() {
                    let mut buffer = Vec::with_capacity(numbers.up_to(70_000));
                    ours.read(&mut buffer, NOT).expect("all of it is there");
                    all.append(&mut buffer);
                }
            }
            assert!(all == bytes);
        });
    }
}

#[test]
fn bytes_are_appended_behind_those_of_the_caller() {
    bounded(|| {
        let (ours, mut client) = shaken(&TLS13);
        client.write_all(b"hello").expect("a pair has room");
        let mut buffer = Vec::with_capacity(8192);
        buffer.extend_from_slice(b"mine ");
        assert_eq!(ours.read(&mut buffer, None).expect("it is there"), 5);
        assert_eq!(buffer, b"mine hello");
    });
}

#[test]
fn a_part_of_a_record_is_nothing_yet() {
    bounded(|| {
        let (ours, mut client) = shaken(&TLS13);
        client.conn.writer().write_all(b"hello").expect("room");
        let mut record = Vec::new();
        client.conn.write_tls(&mut record).expect("memory has room");
        let (start, end) = record.split_at(10);
        let mut buffer = Vec::with_capacity(8192);
        client.sock.write_all(start).expect("a pair has room");
        assert!(is_vain(&ours.read(&mut buffer, NOT)));
        assert!(is_vain(&ours.read(&mut buffer, Some(Duration::from_millis(5)))));
        assert!(buffer.is_empty());
        assert!(!ours.holds_input());
        client.sock.write_all(end).expect("a pair has room");
        assert_eq!(ours.read(&mut buffer, NOT).expect("it is whole"), 5);
        assert_eq!(buffer, b"hello");
    });
}

#[test]
fn slices_are_sent_in_their_order() {
    bounded(|| {
        let (ours, mut client) = shaken(&TLS13);
        let long = vec![7; 100_000];
        let slices = [
            IoSlice::new(b""),
            IoSlice::new(b"ab"),
            IoSlice::new(b""),
            IoSlice::new(&long),
        ];
        let reading = in_background(move || read_exact::<{ 32 * 1024 }>(&mut client));
        let taken = ours.write_vectored(&slices, None).expect("it is open");
        assert!((32 * 1024..=2 + long.len()).contains(&taken));
        ours.flush(None).expect("it is open");
        let arrived = reading.recv_timeout(PATIENCE).expect("it arrives");
        assert_eq!(arrived[..3], *b"ab\x07");
        assert!(arrived[2..].iter().all(|byte| *byte == 7));
    });
}

#[test]
fn a_write_that_may_not_wait_goes_on_while_the_stream_takes_it() {
    bounded(|| {
        let (ours, _client) = shaken(&TLS13);
        let taken = ours.write(&vec![7; 1 << 20], NOT).expect("there is room");
        // Either all, or the stream is full.
        assert!(taken == 1 << 20 || ours.holds_output(), "{taken} bytes");
    });
}

#[test]
fn what_was_taken_leaves_before_more_is() {
    bounded(|| {
        let (ours, mut client) = shaken(&TLS13);
        let bytes = vec![7; 1 << 20];
        let mut taken = 0;
        while !ours.holds_output() {
            taken += ours.write(&bytes, NOT).expect("there is room");
        }
        for _ in 0..3 {
            assert!(is_vain(&ours.write(&bytes, NOT)));
            let flushed = ours.flush(Some(Duration::from_millis(5)));
            assert!(is_vain(&flushed.map(|()| 0)));
        }
        let reading = in_background(move || {
            let mut bytes = vec![0; taken];
            client.read_exact(&mut bytes).map(|()| client)
        });
        ours.flush(Some(PATIENCE)).expect("the client reads");
        assert!(!ours.holds_output());
        let client = reading.recv_timeout(PATIENCE).expect("all arrives");
        client.expect("it is what was taken");
    });
}

#[test]
fn new_keys_are_agreed_on_while_both_sides_talk() {
    bounded(|| {
        let (server, mut client) = shaken(&TLS13);
        for _ in 0..3 {
            client.conn.refresh_traffic_keys().expect("TLS 1.3 has them");
            client.write_all(b"new").expect("a pair has room");
            let mut buffer = Vec::with_capacity(4096);
            assert_eq!(server.read(&mut buffer, None).expect("it is there"), 3);
            assert_eq!(server.write(b"yes", None).expect("it is open"), 3);
            assert_eq!(&read_exact::<3>(&mut client), b"yes");
        }
    });
}

#[test]
fn two_threads_read_and_write_at_once() {
    bounded(|| {
        let (server, client) = ours();
        let sides = [server, client].map(|side| {
            in_background(move || {
                std::thread::scope(|threads| {
                    let writing = threads.spawn(|| {
                        let mut left = vec![7; 4 << 20];
                        while !left.is_empty() {
                            let taken = side.write(&left, None).expect("it is open");
                            left.drain(..taken);
                        }
                        side.flush(None).expect("it is open");
                    });
                    let mut all = 0;
                    while all < 4 << 20 {
                        let mut buffer = Vec::with_capacity(64 * 1024);
                        all += side.read(&mut buffer, None).expect("it is open");
                        assert!(buffer.iter().all(|byte| *byte == 7));
                    }
                    writing.join().expect("all leaves");
                });
                side
            })
        });
        for side in sides {
            side.recv_timeout(PATIENCE).expect("no deadlock");
        }
    });
}
