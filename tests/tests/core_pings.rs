//! Pings, Pongs, and how many of them may wait.

use tidewire_proto::{Client, Config, MAX_PINGS, PingId, SendError, Server};
use tidewire_tests::endpoint::{Endpoint, Keys, Seen};
use tidewire_tests::reference;
use tidewire_tests::wire::Frame;

fn server() -> Endpoint<Server> {
    Endpoint::server(Config::new())
}

fn client() -> Endpoint<Client<Keys>> {
    Endpoint::client(Config::new())
}

#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method's path is not general over the writer's lifetime"
)]
fn ping(server: &mut Endpoint<Server>) -> Result<PingId, SendError> {
    server.send(|tx| tx.ping())
}

fn payloads(frames: Vec<reference::Frame>, opcode: u8) -> Vec<Vec<u8>> {
    assert!(frames.iter().all(|frame| frame.opcode == opcode), "{frames:?}");
    frames.into_iter().map(|frame| frame.payload).collect()
}

#[test]
fn a_ping_is_answered_with_its_payload() {
    let mut server = server();
    for payload in [vec![], b"tide".to_vec(), vec![0xa5; 125]] {
        assert_eq!(
            server.receive(&[Frame::ping(&*payload)]),
            [Seen::Ping(payload.clone())]
        );
        assert_eq!(payloads(server.flush_frames(), 10), [payload]);
    }
}

#[test]
fn a_flood_of_pings_that_nobody_reads_owes_16_pongs_and_then_the_latest() {
    let mut server = server();
    for i in 0..1000u16 {
        assert_eq!(
            server.receive(&[Frame::ping(i.to_be_bytes())]).len(),
            1,
            "each is still delivered"
        );
    }
    let in_output = reference::frames(&server.out, server.side());
    let first: Vec<_> = (0..16u16).map(|i| i.to_be_bytes().to_vec()).collect();
    assert_eq!(payloads(in_output, 10), first);
    // Once these have left, the latest follows, and then nothing.
    let left = server.write(server.out.len());
    assert_eq!(left.len(), 16 * 4);
    assert_eq!(payloads(server.flush_frames(), 10), [999u16.to_be_bytes()]);
    assert_eq!(server.out, b"");
}

#[test]
fn a_flood_of_pings_in_one_read_owes_no_more() {
    let mut client = client();
    let pings: Vec<_> = (0..1000u16).map(|i| Frame::ping(i.to_be_bytes())).collect();
    client.receive(&pings);
    assert_eq!(payloads(client.flush_frames(), 10).len(), 17);
}

#[test]
fn the_latest_pong_waits_while_only_a_part_of_the_output_left() {
    let mut server = server();
    for i in 0..20u8 {
        server.receive(&[Frame::ping([i])]);
    }
    let len = server.out.len();
    server.write(len - 1);
    server.receive(&[Frame::ping([20])]);
    assert_eq!(server.out.len(), 1, "nothing is appended while output waits");
    server.write(1);
    assert_eq!(payloads(server.flush_frames(), 10), [[20]]);
}

#[test]
fn pongs_are_answered_as_they_come_when_output_leaves() {
    let mut server = server();
    for i in 0..100u8 {
        server.receive(&[Frame::ping([i])]);
        assert_eq!(payloads(server.flush_frames(), 10), [[i]]);
    }
}

#[test]
fn a_pong_that_is_owed_is_dropped_by_a_close() {
    let mut server = server();
    for i in 0..20u8 {
        server.receive(&[Frame::ping([i])]);
    }
    server.send(|tx| tx.close(None)).expect("the connection is open");
    let frames = server.flush_frames();
    assert_eq!(frames.len(), 17);
    assert_eq!(frames[16].opcode, 8, "Close is last");
}

#[test]
fn sixty_four_pings_of_the_application_may_wait_and_no_more() {
    let mut server = server();
    for i in 0..MAX_PINGS {
        assert!(ping(&mut server).is_ok(), "ping {i}");
    }
    assert_eq!(ping(&mut server), Err(SendError::TooManyPings));
    let pings = payloads(server.flush_frames(), 9);
    assert_eq!(pings.len(), 64);
    server.receive(&[Frame::pong(&*pings[0])]);
    assert!(ping(&mut server).is_ok(), "one was answered");
    assert_eq!(ping(&mut server), Err(SendError::TooManyPings));
}

#[test]
fn keepalive_goes_on_where_64_pings_wait() {
    let mut server = server();
    for _ in 0..MAX_PINGS {
        ping(&mut server).expect("fewer than 64 wait");
    }
    server.flush();
    server.advance(std::time::Duration::from_secs(20));
    assert_eq!(payloads(server.flush_frames(), 9).len(), 1);
}

#[test]
fn pings_without_a_payload_of_their_own_all_differ() {
    let mut server = server();
    for _ in 0..MAX_PINGS {
        ping(&mut server).expect("fewer than 64 wait");
    }
    let mut pings = payloads(server.flush_frames(), 9);
    pings.sort();
    pings.dedup();
    assert_eq!(pings.len(), MAX_PINGS);
}

#[test]
fn a_pong_answers_its_ping_and_all_before_it() {
    let mut server = server();
    let ids: Vec<_> = (0..64u8)
        .map(|i| server.send(|tx| tx.ping_with(&[i])).expect("it may"))
        .collect();
    server.flush();
    let answered = |seen: Vec<Seen>| match &seen[..] {
        [Seen::Pong(_, answer)] => answer.map(|answer| answer.ping),
        other => panic!("not one pong: {other:?}"),
    };
    assert_eq!(answered(server.receive(&[Frame::pong([40])])), Some(ids[40]));
    assert_eq!(
        answered(server.receive(&[Frame::pong([3])])),
        None,
        "answered with the 40th"
    );
    // 41 places are free again.
    for _ in 0..41 {
        ping(&mut server).expect("a place is free");
    }
    assert_eq!(ping(&mut server), Err(SendError::TooManyPings));
    assert!(ids.is_sorted(), "a later ping has a greater name");
}

#[test]
fn a_pong_that_nobody_asked_for_answers_nothing_and_is_not_answered() {
    let mut server = server();
    assert_eq!(
        server.receive(&[Frame::pong("heartbeat")]),
        [Seen::Pong(b"heartbeat".to_vec(), None)]
    );
    assert_eq!((&server.out[..], server.connection.latency()), (&b""[..], None));
}

#[test]
fn control_payloads_may_have_125_bytes_and_no_more() {
    let mut server = server();
    let long = [0; 126];
    assert_eq!(
        server.send(|tx| tx.ping_with(&long)),
        Err(SendError::LongControl { len: 126 })
    );
    assert_eq!(
        server.send(|tx| tx.pong(&long)),
        Err(SendError::LongControl { len: 126 })
    );
    assert_eq!(server.out, b"");
    assert!(server.send(|tx| tx.ping_with(&long[1..])).is_ok());
    assert_eq!(server.send(|tx| tx.pong(&long[1..])), Ok(()));
    assert_eq!(server.out.len(), 2 * 127);
}

#[test]
fn a_ping_inside_a_fragmented_message_is_answered_at_once() {
    let mut server = server();
    let seen = server.receive(&[Frame::text("half").more(), Frame::ping("now?")]);
    assert_eq!(seen, [Seen::Ping(b"now?".to_vec())]);
    assert_eq!(payloads(server.flush_frames(), 10), [b"now?"]);
}
