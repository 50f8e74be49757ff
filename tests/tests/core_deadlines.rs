//! The deadlines of writes and closes, and what is armed when, under virtual time.

use std::time::Duration;
use tidewire_proto::{Client, CloseCode, Config, Fate, Keepalive, Phase, ProtocolError, Reading, Server};
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

#[test]
fn deadlines_far_beyond_the_clock_are_never() {
    let keepalive = Keepalive {
        interval: Duration::MAX,
        timeout: Some(Duration::MAX),
    };
    let config = Config::new()
        .keepalive(keepalive)
        .close_timeout(Duration::MAX)
        .write_timeout(Duration::MAX);
    let mut server = Endpoint::server(config);
    server.send(|tx| tx.close(None)).expect("the connection is open");
    server.write(1);
    assert_eq!(server.deadline(), None);
}

#[test]
fn closing_takes_10_seconds_in_all_from_our_close() {
    let mut server = server();
    server.advance(3 * SECOND);
    server.send(|tx| tx.close(None)).expect("the connection is open");
    assert_eq!(server.deadline(), Some(seconds(13)));
    server.advance(6 * SECOND);
    server.flush();
    // The peer's Close starts nothing anew: the end of TCP has what is left.
    server.receive(&[Frame::close("")]);
    assert_eq!(server.deadline(), Some(seconds(13)));
    server.advance(4 * SECOND);
    assert_eq!(
        (server.connection.phase(), server.connection.fate()),
        (Phase::Ended, Fate::Drop)
    );
    assert_eq!(server.deadline(), None);
}

#[test]
fn a_peer_that_never_answers_a_close_is_given_up_as_unclean() {
    let mut client = client();
    client.send(|tx| tx.close(None)).expect("the connection is open");
    client.flush();
    client.advance(just_before(10 * SECOND));
    assert_eq!(
        (client.connection.phase(), client.connection.fate()),
        (Phase::Closing, Fate::KeepOpen)
    );
    client.advance(Duration::from_nanos(1));
    assert_eq!(
        (client.connection.phase(), client.connection.fate()),
        (Phase::Ended, Fate::Drop)
    );
    let closed = client.connection.closed().expect("it is closed");
    assert!(!closed.is_clean());
    assert_eq!(closed.code(), CloseCode::ABNORMAL);
}

#[test]
fn a_peer_whose_tcp_never_ends_is_dropped_10_seconds_after_its_close_and_still_clean() {
    let mut client = client();
    client.receive(&[Frame::close_with(1000, "")]);
    client.flush();
    assert_eq!(client.connection.fate(), Fate::AwaitPeer);
    client.advance(10 * SECOND);
    assert_eq!(client.connection.fate(), Fate::Drop);
    assert!(client.connection.closed().expect("it is closed").is_clean());
}

#[test]
fn a_failed_connection_ends_10_seconds_later_at_the_latest() {
    let mut server = server();
    server.receive_bytes(b"\xff\xff");
    server.flush();
    assert_eq!(server.deadline(), Some(seconds(10)));
    server.advance(10 * SECOND);
    assert_eq!(
        (server.connection.phase(), server.deadline()),
        (Phase::Ended, None)
    );
}

#[test]
fn after_a_write_error_the_end_is_awaited_for_the_close_timeout_whatever_was_waited_for_before() {
    let config = || Config::new().close_timeout(seconds(100));
    let mut not_reading = Endpoint::server(config());
    not_reading.send(|tx| tx.message("never read")).expect("open");
    not_reading.write(1);
    let mut pinged = Endpoint::server(config());
    pinged.advance(20 * SECOND);
    pinged.flush();
    let mut paused = Endpoint::server(config());
    paused.advance(20 * SECOND);
    paused.flush();
    paused.reading(Reading::Paused);
    let mut leaving = Endpoint::server(config());
    leaving.advance(20 * SECOND);
    for (mut server, before) in [
        (not_reading, "a peer that reads nothing"),
        (pinged, "a Pong"),
        (paused, "a Pong, while reading was paused"),
        (leaving, "a ping to leave"),
    ] {
        let failed_at = server.now;
        let end = failed_at + 100 * SECOND;
        server.connection.handle_write_error(failed_at);
        assert_eq!(server.connection.poll_timeout(), Some(end), "{before}");
        server.out.clear();
        server.reading(Reading::Active);
        assert_eq!(server.receive(&[Frame::text("sent before")]).len(), 1, "{before}");
        assert_eq!(server.receive_bytes(b""), [], "{before}");
        assert_eq!(server.connection.poll_timeout(), Some(end), "{before}");
        server.advance(100 * SECOND);
        assert_eq!(server.connection.phase(), Phase::Ended, "{before}");
        let closed = server.connection.closed().expect("it is closed");
        assert_eq!(
            (closed.code(), closed.cause()),
            (CloseCode::ABNORMAL, None),
            "{before}"
        );
    }
}

fn without_keepalive() -> Endpoint<Server> {
    Endpoint::server(Config::new().keepalive(None))
}

#[test]
fn a_peer_that_takes_no_byte_for_30_seconds_is_given_up() {
    let mut server = without_keepalive();
    server
        .send(|tx| tx.message("never read"))
        .expect("the connection is open");
    server.write(0);
    assert_eq!(server.deadline(), Some(seconds(30)));
    server.advance(30 * SECOND);
    let waited = 30 * SECOND;
    assert_eq!(server.connection.fate(), Fate::Drop);
    let closed = server.connection.closed().expect("it is closed");
    assert_eq!(closed.cause(), Some(ProtocolError::PeerNotReading { waited }));
    assert!(!closed.is_clean());
    assert_eq!(server.deadline(), None);
}

#[test]
fn each_byte_that_leaves_starts_the_write_clock_anew() {
    let mut server = without_keepalive();
    server
        .send(|tx| tx.message("slowly read"))
        .expect("the connection is open");
    for _ in 0..10 {
        server.write(1);
        server.advance(29 * SECOND);
    }
    assert_eq!(server.connection.phase(), Phase::Open);
    // Attempts that write nothing change nothing.
    server.write(0);
    assert_eq!(server.deadline(), Some(seconds(9 * 29 + 30)));
}

#[test]
fn the_write_clock_stops_when_nothing_waits() {
    let mut server = without_keepalive();
    server
        .send(|tx| tx.message("read at last"))
        .expect("the connection is open");
    server.write(1);
    assert_eq!(server.deadline(), Some(seconds(30)));
    server.flush();
    assert_eq!(server.deadline(), None);
}

#[test]
fn the_write_timeout_can_be_off() {
    let mut server = Endpoint::server(Config::new().keepalive(None).write_timeout(None));
    server
        .send(|tx| tx.message("never read"))
        .expect("the connection is open");
    server.write(1);
    assert_eq!(server.deadline(), None);
}

#[test]
fn the_first_cause_of_a_failure_is_kept_when_its_close_frame_is_never_read() {
    let config = Config::new().keepalive(None).close_timeout(100 * SECOND);
    let mut server = Endpoint::server(config);
    let seen = server.receive(&[Frame::text(*b"\xff")]);
    assert_eq!(seen, [Seen::Failed(ProtocolError::InvalidText)]);
    server.write(1);
    server.advance(30 * SECOND);
    assert_eq!(server.connection.phase(), Phase::Ended);
    let closed = server.connection.closed().expect("it is closed");
    assert_eq!(closed.cause(), Some(ProtocolError::InvalidText));
    assert_eq!(
        server.receive_bytes(b""),
        [Seen::Failed(ProtocolError::InvalidText)]
    );
}

#[test]
fn nothing_is_armed_after_the_end_whatever_was_before() {
    type Before = fn(&mut Endpoint<Server>);
    let rows: [(&str, Before); 7] = [
        ("nothing", |_| {}),
        ("a ping waits for its pong", |server| {
            server.advance(20 * SECOND);
            server.flush();
        }),
        ("output waits", |server| {
            server
                .send(|tx| tx.message("waits"))
                .expect("the connection is open");
            server.write(1);
        }),
        ("we closed", |server| {
            server.send(|tx| tx.close(None)).expect("the connection is open");
        }),
        ("the peer closed", |server| {
            drop(server.receive(&[Frame::close("")]));
        }),
        ("the peer broke a rule", |server| {
            drop(server.receive_bytes(b"\xff\xff"));
        }),
        ("reading is paused", |server| server.reading(Reading::Paused)),
    ];
    for (row, before) in rows {
        let mut server = server();
        before(&mut server);
        server.connection.handle_end();
        assert_eq!(server.deadline(), None, "{row}");
        server.receive(&[Frame::text("late"), Frame::ping("late")]);
        server.write(0);
        server.reading(Reading::Active);
        server.advance(1000 * SECOND);
        assert_eq!(
            (server.deadline(), server.connection.phase()),
            (None, Phase::Ended),
            "{row}, later"
        );
    }
}

#[test]
fn handling_a_timeout_in_vain_does_nothing() {
    let mut server = server();
    let before = server.deadline();
    for _ in 0..3 {
        server.connection.handle_timeout(server.now, &mut server.out);
    }
    assert_eq!((server.deadline(), &server.out[..]), (before, &b""[..]));
}
