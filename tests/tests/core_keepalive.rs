//! Keepalive and the latency it measures, under virtual time.

use std::time::Duration;
use tidewire_proto::{Client, CloseCode, Config, Keepalive, Phase, ProtocolError, Reading, Server};
use tidewire_tests::endpoint::{Endpoint, Keys, Seen};
use tidewire_tests::wire::Frame;

const SECOND: Duration = Duration::from_secs(1);

fn server() -> Endpoint<Server> {
    Endpoint::server(Config::new())
}

fn client() -> Endpoint<Client<Keys>> {
    Endpoint::client(Config::new())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn just_before(moment: Duration) -> Duration {
    moment.saturating_sub(Duration::from_nanos(1))
}

/// The opcodes of the frames that leave now.
fn leaving(endpoint: &mut Endpoint<Server>) -> Vec<u8> {
    endpoint.flush_frames().iter().map(|frame| frame.opcode).collect()
}

#[test]
fn a_keepalive_ping_is_sent_after_20_seconds_and_not_before() {
    let mut server = server();
    assert_eq!(server.deadline(), Some(seconds(20)));
    server.advance(just_before(20 * SECOND));
    assert_eq!(server.out, b"");
    server.advance(Duration::from_nanos(1));
    assert_eq!(leaving(&mut server), [9]);
}

#[test]
fn a_client_sends_keepalive_pings_too() {
    let mut client = client();
    client.advance(20 * SECOND);
    let frames = client.flush_frames();
    assert_eq!(frames.iter().map(|frame| frame.opcode).collect::<Vec<_>>(), [9]);
}

#[test]
fn a_silent_peer_is_failed_20_seconds_after_the_ping_left() {
    let mut server = server();
    server.advance(20 * SECOND);
    assert_eq!(leaving(&mut server), [9]);
    server.advance(just_before(20 * SECOND));
    assert_eq!(server.connection.phase(), Phase::Open);
    server.advance(Duration::from_nanos(1));
    let waited = 20 * SECOND;
    let error = ProtocolError::KeepaliveTimeout { waited };
    assert_eq!(server.connection.phase(), Phase::Over);
    assert_eq!(server.receive_bytes(b""), [Seen::Failed(error)]);
    let frames = server.flush_frames();
    assert_eq!(frames[0].opcode, 8);
    assert_eq!(frames[0].payload, b"\x03\xf3keepalive ping timeout", "code 1011");
    let closed = server.connection.closed().expect("it is closed");
    assert_eq!(
        (closed.cause(), closed.code()),
        (Some(error), CloseCode::ABNORMAL)
    );
}

#[test]
fn the_pong_clock_starts_when_the_ping_left_and_not_when_it_was_queued() {
    let mut server = server();
    server.advance(20 * SECOND);
    // The ping waits in the output for five seconds.
    server.advance(5 * SECOND);
    assert_eq!(leaving(&mut server), [9]);
    server.advance(just_before(20 * SECOND));
    assert_eq!(server.connection.phase(), Phase::Open);
    server.advance(Duration::from_nanos(1));
    assert_eq!(server.connection.phase(), Phase::Over);
}

#[test]
fn an_empty_output_buffer_in_a_turn_says_that_the_ping_left() {
    let mut server = server();
    server.advance(20 * SECOND);
    server.advance(3 * SECOND);
    server.out.clear();
    server.receive_bytes(b"");
    server.advance(20 * SECOND);
    assert_eq!(server.connection.phase(), Phase::Over, "at 43 seconds");
}

#[test]
fn a_ping_that_has_not_left_is_not_followed_by_another() {
    let config = Config::new().write_timeout(None);
    let mut server = Endpoint::server(config);
    server.advance(600 * SECOND);
    assert_eq!(leaving(&mut server), [9]);
}

#[test]
fn any_byte_is_a_sign_of_life() {
    let mut server = server();
    server.advance(20 * SECOND);
    leaving(&mut server);
    server.advance(19 * SECOND);
    // The first byte of a frame, and no more.
    assert_eq!(server.receive_bytes(b"\x81"), []);
    server.advance(SECOND);
    assert_eq!(server.connection.phase(), Phase::Open);
    assert_eq!(leaving(&mut server), [9], "the next ping is due");
}

#[test]
fn a_byte_before_the_ping_left_is_no_sign_of_life() {
    let mut server = server();
    server.advance(20 * SECOND);
    server.receive_bytes(b"\x81");
    server.advance(SECOND);
    leaving(&mut server);
    server.advance(20 * SECOND);
    assert_eq!(server.connection.phase(), Phase::Over);
}

#[test]
fn an_answered_ping_that_left_late_does_not_delay_the_next() {
    let mut server = server();
    server.advance(20 * SECOND);
    server.advance(SECOND / 2);
    let frames = server.flush_frames();
    server.receive(&[Frame::pong(&*frames[0].payload)]);
    server.advance(19 * SECOND + SECOND / 2);
    assert_eq!(leaving(&mut server), [9], "at 40 seconds");
}

#[test]
fn a_peer_that_answers_is_kept_for_an_hour() {
    let mut server = server();
    let mut pings = 0;
    for _ in 0..3600 * 4 {
        server.advance(SECOND / 4);
        for ping in server.flush_frames() {
            pings += 1;
            server.advance(Duration::from_millis(30));
            server.receive(&[Frame::pong(ping.payload)]);
        }
    }
    assert_eq!(server.connection.phase(), Phase::Open);
    assert!((175..=181).contains(&pings), "{pings} pings");
}

#[test]
fn the_pong_clock_stands_still_while_reading_is_paused() {
    let mut server = server();
    server.advance(20 * SECOND);
    leaving(&mut server);
    server.advance(15 * SECOND);
    server.reading(Reading::Paused);
    server.advance(1000 * SECOND);
    assert_eq!(
        (server.connection.phase(), &server.out[..]),
        (Phase::Open, &b""[..])
    );
    server.reading(Reading::Active);
    server.advance(just_before(5 * SECOND));
    assert_eq!(server.connection.phase(), Phase::Open);
    server.advance(Duration::from_nanos(1));
    assert_eq!(server.connection.phase(), Phase::Over);
}

#[test]
fn a_ping_that_leaves_while_reading_is_paused_has_its_whole_time_afterwards() {
    let mut server = server();
    server.advance(20 * SECOND);
    server.reading(Reading::Paused);
    leaving(&mut server);
    server.advance(100 * SECOND);
    server.reading(Reading::Active);
    server.advance(just_before(20 * SECOND));
    assert_eq!(server.connection.phase(), Phase::Open);
    server.advance(Duration::from_nanos(1));
    assert_eq!(server.connection.phase(), Phase::Over);
}

#[test]
fn no_keepalive_ping_is_sent_while_reading_is_paused() {
    let mut server = server();
    server.reading(Reading::Paused);
    server.advance(100 * SECOND);
    assert_eq!(server.out, b"");
    server.reading(Reading::Active);
    server.advance(20 * SECOND);
    assert_eq!(leaving(&mut server), [9]);
}

#[test]
fn reading_again_after_a_close_starts_no_pong_clock() {
    let mut server = server();
    server.advance(20 * SECOND);
    leaving(&mut server);
    server.advance(15 * SECOND);
    server.reading(Reading::Paused);
    server.send(|tx| tx.close(None)).expect("the connection is open");
    server.reading(Reading::Active);
    // Not 40, at which the pong would have been due.
    assert_eq!(server.deadline(), Some(seconds(45)), "the close deadline");
}

#[test]
fn a_pong_at_the_very_moment_at_which_the_ping_left_is_a_sign_of_life() {
    let mut server = server();
    server.advance(20 * SECOND);
    let ping = server.flush_frames().remove(0);
    server.receive(&[Frame::pong(ping.payload)]);
    server.advance(20 * SECOND);
    assert_eq!(server.connection.phase(), Phase::Open);
}

#[test]
fn reading_again_after_the_end_starts_no_pong_clock() {
    let mut server = server();
    server.advance(20 * SECOND);
    leaving(&mut server);
    server.reading(Reading::Paused);
    server.connection.handle_end();
    server.reading(Reading::Active);
    assert_eq!(server.deadline(), None);
    server.advance(100 * SECOND);
    assert_eq!(
        (server.connection.phase(), &server.out[..]),
        (Phase::Ended, &b""[..])
    );
}

#[test]
fn keepalive_can_be_off() {
    let mut server = Endpoint::server(Config::new().keepalive(None));
    assert_eq!(server.deadline(), None);
    server.advance(1_000_000 * SECOND);
    assert_eq!(
        (server.connection.phase(), &server.out[..]),
        (Phase::Open, &b""[..])
    );
}

#[test]
fn keepalive_without_a_timeout_pings_and_never_fails() {
    let keepalive = Keepalive {
        interval: 5 * SECOND,
        timeout: None,
    };
    let mut server = Endpoint::server(Config::new().keepalive(keepalive));
    for second in 1..=100 {
        server.advance(5 * SECOND);
        assert_eq!(leaving(&mut server), [9], "ping {second}");
    }
    assert_eq!(server.connection.phase(), Phase::Open);
}

#[test]
fn a_round_trip_is_measured_from_when_the_ping_left() {
    let mut server = server();
    assert_eq!(server.connection.latency(), None);
    let ping = server
        .send(|tx| tx.ping_with(b"?"))
        .expect("the connection is open");
    server.advance(SECOND);
    server.flush();
    server.advance(Duration::from_micros(250));
    let seen = server.receive(&[Frame::pong("?")]);
    let [Seen::Pong(_, Some(answer))] = &seen[..] else {
        panic!("no answered pong: {seen:?}");
    };
    assert_eq!(
        (answer.ping, answer.round_trip),
        (ping, Duration::from_micros(250))
    );
    assert_eq!(server.connection.latency(), Some(Duration::from_micros(250)));
}

#[test]
fn the_answer_to_a_keepalive_ping_measures_the_round_trip() {
    let mut server = server();
    server.advance(20 * SECOND);
    let ping = server.flush_frames().remove(0);
    server.advance(Duration::from_millis(3));
    server.receive(&[Frame::pong(ping.payload)]);
    assert_eq!(server.connection.latency(), Some(Duration::from_millis(3)));
}

#[test]
fn a_timeout_that_is_handled_hours_late_pings_once_and_fails_nobody() {
    let mut server = server();
    server.now = server.now + 7200 * SECOND;
    server.connection.handle_timeout(server.now, &mut server.out);
    assert_eq!(leaving(&mut server), [9]);
    assert_eq!(server.deadline(), Some(seconds(7220)));
}
