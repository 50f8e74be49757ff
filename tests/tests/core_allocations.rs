//! What is allocated, counted; and what is not copied, by its address.

use allocation_counter::{AllocationInfo, measure};
use tidewire_proto::{
    Appended, Config, Connection, Delivery, Event, Inbox, Instant, Message, OwnedMessage, Server,
};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::{self, Frame};

/// A server whose output is large enough for all that these tests make it write.
struct Receiver {
    connection: Connection<Server>,
    inbox: Inbox,
    out: Vec<u8>,
}

impl Receiver {
    fn new() -> Self {
        Self {
            connection: Connection::new(Server, Config::new(), Instant::START),
            inbox: Inbox::with_capacity(1 << 20),
            out: Vec::with_capacity(4096),
        }
    }

    /// Receives bytes and shows each event to `take`; gives what was allocated meanwhile, the input apart.
    fn receive(&mut self, bytes: &[u8], mut take: impl FnMut(Event<'_>)) -> AllocationInfo {
        self.inbox.extend(bytes);
        measure(|| {
            let (mut rx, mut tx) = self
                .connection
                .turn(Instant::START, &mut self.inbox, &mut self.out);
            while let Some(event) = rx.next(&mut tx).expect("the frames are right") {
                take(event);
            }
        })
    }
}

fn frame(frame: &Frame) -> Vec<u8> {
    frame.sent_by(Sender::Client)
}

fn message<'e>(event: &'e Event<'_>) -> Message<'e> {
    match event {
        Event::Message(message) => message.as_message(),
        other => panic!("no message: {other:?}"),
    }
}

#[test]
fn a_whole_message_in_the_input_is_lent_without_an_allocation_or_a_copy() {
    for len in [0, 1, 125, 126, 16 * 1024, 65_536, 1 << 20] {
        for whole in [Frame::text("x".repeat(len)), Frame::binary(vec![1; len])] {
            let mut receiver = Receiver::new();
            let bytes = frame(&whole);
            let header = bytes.len() - len;
            receiver.inbox.extend(&bytes);
            let start = receiver.inbox.unread().as_ptr().addr();
            let mut lent = None;
            let allocated = receiver.receive(b"", |event| {
                let bytes = message(&event).as_bytes();
                lent = Some((bytes.as_ptr().addr(), bytes.len()));
            });
            assert_eq!(lent, Some((start + header, len)), "address and length");
            assert_eq!(allocated.count_total, 0, "{len} bytes");
        }
    }
}

#[test]
fn a_message_at_hand_is_lent_without_an_allocation_or_a_copy() {
    for len in [0, 1, 125, 126, 16 * 1024, 65_536, 1 << 20] {
        for whole in [Frame::text("x".repeat(len)), Frame::binary(vec![1; len])] {
            let mut receiver = Receiver::new();
            let bytes = frame(&whole);
            receiver.inbox.extend(&bytes);
            let start = receiver.inbox.unread().as_ptr().addr();
            let mut lent = None;
            let allocated = measure(|| {
                let message = receiver.connection.message_at_hand(&mut receiver.inbox);
                lent = message.map(|message| (message.as_bytes().as_ptr().addr(), message.as_bytes().len()));
            });
            assert_eq!(lent, Some((start + bytes.len() - len, len)), "address and length");
            assert_eq!(allocated.count_total, 0, "{len} bytes");
        }
    }
}

#[test]
fn a_header_is_written_without_an_allocation_whatever_the_length_of_its_payload() {
    let mut receiver = Receiver::new();
    let payload = vec![7; 1 << 20];
    let allocated = measure(|| {
        let mut tx = receiver.connection.writer(Instant::START, &mut receiver.out);
        let appended = tx.message_or_header(&payload[..]);
        assert_eq!(appended, Ok(Appended::Header));
    });
    assert_eq!((allocated.count_total, receiver.out.len()), (0, 10));
}

#[test]
fn sixteen_pipelined_messages_with_pings_between_them_allocate_nothing() {
    let mut receiver = Receiver::new();
    let bytes = [
        frame(&Frame::text("a message")),
        frame(&Frame::ping("and a ping")),
    ]
    .concat();
    let mut events = 0;
    let allocated = receiver.receive(&bytes.repeat(16), |_| events += 1);
    assert_eq!((events, allocated.count_total), (32, 0));
}

#[test]
fn a_whole_message_taken_as_owned_is_one_allocation_of_its_size() {
    for len in [1, 125, 16 * 1024, 1 << 20] {
        for whole in [Frame::text("x".repeat(len)), Frame::binary(vec![1; len])] {
            let mut owned = Vec::with_capacity(1);
            let allocated = Receiver::new().receive(&frame(&whole), |event| {
                if let Event::Message(message) = event {
                    owned.push(message.into_owned());
                }
            });
            assert_eq!((allocated.count_total, allocated.bytes_total), (1, len as u64));
            assert_eq!(owned[0].as_message().as_bytes().len(), len);
        }
    }
}

#[test]
fn a_frame_in_two_pieces_is_owned_as_its_store_and_not_copied_again() {
    for (whole, first) in [
        (Frame::text("x".repeat(20_000)), 12_000),
        (Frame::binary(vec![1; 20_000]), 12_000),
        (Frame::text("x".repeat(300)), 100),
    ] {
        let mut receiver = Receiver::new();
        let bytes = frame(&whole);
        let len = bytes.len() - 8;
        let (start, rest) = bytes.split_at(first);
        let stored = receiver.receive(start, |event| panic!("an event too early: {event:?}"));
        let mut owned = None;
        let allocated = receiver.receive(rest, |event| {
            let lent = message(&event).as_bytes().as_ptr();
            if let Event::Message(message) = event {
                let (at, capacity) = match message.into_owned() {
                    OwnedMessage::Text(text) => (text.as_ptr(), text.capacity()),
                    OwnedMessage::Binary(bytes) => (bytes.as_ptr(), bytes.capacity()),
                };
                owned = Some((at == lent, capacity));
            }
        });
        assert_eq!(
            owned,
            Some((true, len)),
            "the store itself, of the message's own size"
        );
        assert_eq!(stored.count_total + allocated.count_total, 1, "in one allocation");
    }
}

#[test]
fn a_fragmented_message_is_owned_as_its_store() {
    let frames = [
        Frame::binary(vec![1; 5000]).more(),
        Frame::continuation(vec![2; 5000]),
    ];
    let mut is_same = false;
    Receiver::new().receive(&wire::stream(&frames, Sender::Client), |event| {
        let lent = message(&event).as_bytes().as_ptr();
        if let Event::Message(message) = event {
            let owned = message.into_owned();
            is_same = owned.as_message().as_bytes().as_ptr() == lent;
        }
    });
    assert!(is_same, "taken without a copy");
}

#[test]
fn a_message_whose_fragments_lie_in_the_input_is_one_allocation() {
    for (first, kind) in [
        (Frame::text("x".repeat(1024)), "text"),
        (Frame::binary(vec![1; 1024]), "binary"),
    ] {
        let next = Frame::continuation("x".repeat(1024));
        let mut frames = vec![first.more()];
        frames.resize(15, next.clone().more());
        frames.push(next);
        let mut owned = Vec::with_capacity(1);
        let allocated = Receiver::new().receive(&wire::stream(&frames, Sender::Client), |event| {
            if let Event::Message(message) = event {
                owned.push(message.into_owned());
            }
        });
        assert_eq!(owned[0].as_message().as_bytes().len(), 16 * 1024, "{kind}");
        assert_eq!(allocated.count_total, 1, "{kind}");
    }
}

#[test]
fn a_short_message_in_fragments_keeps_no_room_for_what_is_behind_it() {
    let frames = [
        Frame::binary(vec![1; 10]).more(),
        Frame::continuation(vec![2; 10]),
        Frame::binary(vec![3; 40_000]),
    ];
    let mut capacities = Vec::with_capacity(2);
    Receiver::new().receive(&wire::stream(&frames, Sender::Client), |event| {
        if let Event::Message(message) = event
            && let OwnedMessage::Binary(bytes) = message.into_owned()
        {
            capacities.push(bytes.capacity());
        }
    });
    assert!(capacities[0] <= 40, "{capacities:?}");
}

#[test]
fn a_length_alone_reserves_at_most_64_kib() {
    for first in [0x81, 0x82] {
        for received in [0, 1, 1000] {
            let mut receiver = Receiver::new();
            let header = wire::header(first, 16 << 20, Sender::Client);
            // Masked text.
            let payload: Vec<u8> = wire::KEY
                .iter()
                .map(|key| key ^ b'x')
                .cycle()
                .take(received)
                .collect();
            let allocated = receiver.receive(&[header, payload].concat(), |event| panic!("{event:?}"));
            assert!(
                allocated.bytes_max <= 64 * 1024,
                "{} bytes for {received}",
                allocated.bytes_max
            );
        }
    }
}

#[test]
fn a_message_in_small_pieces_never_holds_more_than_twice_what_arrived() {
    let mut receiver = Receiver::new();
    let bytes = frame(&Frame::binary(vec![1; 1 << 20]));
    let (mut held, mut arrived, mut messages) = (0, 0, 0);
    for piece in bytes.chunks(1460) {
        let allocated = receiver.receive(piece, |_| messages += 1);
        held += allocated.bytes_current;
        arrived += piece.len();
        let bound = i64::try_from((2 * arrived).max(8192)).expect("a small number");
        assert!(held <= bound, "{held} bytes are held when {arrived} have arrived");
    }
    assert_eq!(messages, 1);
}

#[test]
fn a_message_lent_in_chunks_allocates_nothing_whatever_its_length() {
    let mut receiver = Receiver::new();
    receiver.connection.set_delivery(Delivery::Chunks);
    let bytes = frame(&Frame::binary(vec![1; 1 << 20]));
    let (mut chunks_len, mut allocations) = (0, 0);
    for piece in bytes.chunks(16 * 1024) {
        let allocated = receiver.receive(piece, |event| {
            if let Event::Chunk(chunk) = event {
                chunks_len += chunk.data.as_bytes().len();
            }
        });
        allocations += allocated.count_total;
    }
    assert_eq!((chunks_len, allocations), (1 << 20, 0));
}

#[test]
fn a_large_store_is_given_back_after_its_message() {
    let mut receiver = Receiver::new();
    let bytes = frame(&Frame::binary(vec![1; 1 << 20]));
    let (start, rest) = bytes.split_at(1 << 19);
    let held = receiver.receive(start, |_| {}).bytes_current + receiver.receive(rest, |_| {}).bytes_current;
    assert!(held <= 64 * 1024, "{held} bytes after the message");
}

#[test]
fn a_message_is_written_without_an_allocation_where_the_output_has_room() {
    let mut receiver = Receiver::new();
    let allocated = measure(|| {
        let (_, mut tx) = receiver
            .connection
            .turn(Instant::START, &mut receiver.inbox, &mut receiver.out);
        tx.message("a message").expect("the connection is open");
        tx.pong(b"and a pong").expect("the connection is open");
    });
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn a_new_connection_owns_nothing_but_itself() {
    let config = std::sync::Arc::new(Config::new());
    let allocated = measure(|| {
        let connection = Connection::new(Server, config.clone(), Instant::START);
        assert_eq!(connection.closed(), None);
    });
    assert_eq!(allocated.count_total, 0);
    assert!(
        size_of::<Connection<Server>>() <= 512,
        "{} bytes",
        size_of::<Connection<Server>>()
    );
}
