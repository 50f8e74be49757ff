//! On threads. Every test here takes the time: it is one for the process.

use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tidewire_blocking::test::{Frame, Peer, Time, pipe};
use tidewire_blocking::{
    Accept, Connect, Error, HandshakeError, Reconnect, ServerPolicy, Socket, StopToken, WebSocket,
};
use tidewire_tests::live::bounded_now;

use super::events::{halves, overloaded, response, seconds, told};

/// How long something may take that needs no time of the connections'.
const PATIENCE: Duration = Duration::from_secs(10);

/// The servers' ends of the streams that a client opens, and what it tells.
struct Scene {
    time: Time,
    streams: Receiver<Socket>,
    events: Receiver<String>,
}

impl Scene {
    /// Runs a test with a client whose first attempts, so many of them, find nobody.
    fn run(failures: u32, test: impl FnOnce(Reconnect, Self)) {
        bounded_now(|| {
            let time = Time::take();
            let (open, streams) = mpsc::channel();
            let (tell, events) = mpsc::channel();
            let dialled = AtomicU32::new(0);
            let dial = move || {
                if dialled.fetch_add(1, Ordering::Relaxed) < failures {
                    return Err(io::ErrorKind::ConnectionRefused.into());
                }
                let (near, far) = pipe(1 << 16);
                // The test may have ended.
                let _ = open.send(far);
                Ok(near)
            };
            let client = Connect::new("ws://localhost/")
                .reconnect()
                .retry(halves())
                .over(dial)
                .on_event(move |event| {
                    let _ = tell.send(told(event));
                });
            let scene = Self {
                time,
                streams,
                events,
            };
            test(client, scene);
        });
    }

    fn stream(&self) -> Socket {
        self.streams.recv_timeout(PATIENCE).expect("a client")
    }

    /// Accepts the next connection.
    fn accept(&self) -> Peer {
        let mut peer = Peer::server(self.stream());
        peer.accept(&Accept::new()).expect("they agree");
        peer
    }

    /// Refuses the next connection.
    fn refuse(&self, status: u16, retry_after: &str) {
        let response = response(status, retry_after);
        let policy = ServerPolicy::default().on_request(move |_| Some(response.clone()));
        let refused = Accept::new().policy(policy).accept(self.stream());
        assert_eq!(refused.expect_err("it refuses").status(), Some(status));
    }

    fn expect(&self, event: &str) {
        assert_eq!(self.events.recv_timeout(PATIENCE).as_deref(), Ok(event));
    }

    /// Moves the time by a delay, in which nothing happens.
    fn wait(&mut self, delay: u64) {
        self.time
            .advance(seconds(delay).saturating_sub(Duration::from_nanos(1)));
        assert_eq!(self.events.try_recv(), Err(TryRecvError::Empty));
        self.time.advance(Duration::from_nanos(1));
    }
}

type Next = Option<Result<WebSocket, HandshakeError>>;

fn next(mut client: Reconnect) -> JoinHandle<(Next, Reconnect)> {
    thread::spawn(move || (client.next(), client))
}

fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("no panic")
}

#[test]
fn attempts_follow_each_other_until_one_succeeds() {
    Scene::run(3, |client, mut scene| {
        let opening = next(client);
        for (attempt, delay) in [(1, 5), (2, 10), (3, 20)] {
            scene.expect(&format!("connecting {attempt}"));
            scene.expect(&format!("failed, next in {delay}s: connection refused"));
            scene.wait(delay);
        }
        let _peer = scene.accept();
        scene.expect("connecting 4");
        scene.expect("open");
        assert!(matches!(join(opening).0, Some(Ok(_))));
    });
}

#[test]
fn a_connection_follows_the_last_after_a_delay_that_short_ones_let_grow() {
    Scene::run(0, |mut client, mut scene| {
        let mut opening = next(client);
        for (lasts, delay) in [(0, 5), (9, 10), (9, 20), (10, 5), (15, 5)] {
            scene.expect("connecting 1");
            let mut peer = scene.accept();
            let ws;
            (ws, client) = join(opening);
            scene.expect("open");
            scene.time.advance(seconds(lasts));
            drop(ws);
            peer.expect_close(1000);
            opening = next(client);
            scene.expect(&format!("closed with 1006, next in {delay}s"));
            scene.wait(delay);
        }
        let _peer = scene.accept();
        assert!(matches!(join(opening).0, Some(Ok(_))));
    });
}

#[test]
fn a_server_that_is_overloaded_says_when_to_come_back() {
    Scene::run(0, |client, mut scene| {
        let opening = next(client);
        scene.expect("connecting 1");
        scene.refuse(503, "120");
        scene.expect("failed, next in 125s: server refused the upgrade with status 503 Service Unavailable");
        scene.wait(125);
        scene.expect("connecting 2");
        let _peer = scene.accept();
        assert!(matches!(join(opening).0, Some(Ok(_))));
    });
}

#[test]
fn what_will_not_change_ends_it() {
    for status in [401, 404, 429, 501] {
        Scene::run(0, |client, scene| {
            let opening = next(client);
            scene.refuse(status, "1");
            let (next, mut client) = join(opening);
            let error = next.expect("an error").expect_err("refused");
            assert_eq!(error.status(), Some(status));
            assert!(client.next().is_none());
        });
    }
}

#[test]
fn rules_of_the_applications_hold() {
    Scene::run(0, |client, mut scene| {
        let retry = halves().retry_if(|error| error.status() == Some(429)).attempts(2);
        let opening = next(client.retry(retry));
        scene.expect("connecting 1");
        scene.refuse(429, "1");
        scene.expect("failed, next in 6s: server refused the upgrade with status 429 Too Many Requests");
        scene.wait(6);
        scene.refuse(429, "1");
        let (next, mut client) = join(opening);
        assert_eq!(next.expect("an error").expect_err("refused").status(), Some(429));
        assert!(client.next().is_none());
    });
}

#[test]
fn a_stop_breaks_a_delay_and_an_attempt_off() {
    for failures in [1, 0] {
        Scene::run(failures, |client, scene| {
            let stop = StopToken::new();
            let opening = next(client.stop_token(stop.clone()));
            scene.expect("connecting 1");
            // Nobody answers.
            let stream = (failures == 0).then(|| scene.stream());
            if failures > 0 {
                scene.expect("failed, next in 5s: connection refused");
            }
            stop.stop();
            let (next, mut client) = join(opening);
            assert!(next.is_none());
            assert!(client.next().is_none());
            drop(stream);
        });
    }
}

#[test]
fn a_connection_that_is_kept_stays_open_when_another_is_asked_for() {
    Scene::run(0, |client, mut scene| {
        let opening = next(client);
        let mut peer = scene.accept();
        let (first, client) = join(opening);
        let first = first.expect("no end").expect("a connection");
        for event in ["connecting 1", "open"] {
            scene.expect(event);
        }
        let opening = next(client);
        scene.expect("closed with no code, next in 5s");
        scene.wait(5);
        let _other = scene.accept();
        assert!(matches!(join(opening).0, Some(Ok(_))));
        first.send("still here").expect("open");
        peer.expect_text("still here");
    });
}

#[test]
fn a_stop_behind_a_connection_tells_of_no_other() {
    Scene::run(0, |client, scene| {
        let stop = StopToken::new();
        let opening = next(client.stop_token(stop.clone()));
        let _peer = scene.accept();
        let (ws, client) = join(opening);
        stop.stop();
        assert!(join(next(client)).0.is_none());
        let events: Vec<_> = scene.events.try_iter().collect();
        assert_eq!(
            events,
            ["connecting 1", "open", "closed with no code, and that is all"]
        );
        drop(ws);
    });
}

/// Says what came.
fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv()? {
        ws.send(message)?;
    }
    Ok(())
}

/// Closes the connection as a server.
fn close(mut peer: Peer, code: u16) {
    peer.send(Frame::close(code, ""));
    peer.expect_close(code);
    peer.cut();
}

#[test]
fn the_loop_goes_on_after_each_end_but_that_of_1000() {
    Scene::run(0, |client, mut scene| {
        let running = thread::spawn(|| client.run(echo));
        for (code, delay) in [(1001, 5), (1012, 10), (4000, 20)] {
            scene.expect("connecting 1");
            let mut peer = scene.accept();
            scene.expect("open");
            peer.send(Frame::text("hello"));
            peer.expect_text("hello");
            close(peer, code);
            scene.expect(&format!("closed with {code}, next in {delay}s"));
            scene.wait(delay);
        }
        close(scene.accept(), 1000);
        join(running).expect("a good end");
        assert_eq!(
            scene.events.try_iter().last().as_deref(),
            Some("closed with 1000, and that is all")
        );
    });
}

#[test]
fn what_a_handler_returns_while_its_connection_is_open_ends_the_loop() {
    for (result, code) in [(Ok(()), 1000), (Err(Error::NotReceiving), 1011)] {
        Scene::run(0, |client, scene| {
            let expected = format!("{result:?}");
            let mut result = Some(result);
            let running = thread::spawn(move || client.run(|_ws| result.take().expect("one connection")));
            let mut peer = scene.accept();
            peer.expect_close(code);
            peer.cut();
            assert_eq!(format!("{:?}", join(running)), expected);
        });
    }
}

#[test]
fn the_loop_ends_with_the_error_of_the_last_attempt() {
    Scene::run(0, |client, mut scene| {
        let running = thread::spawn(|| client.run(echo));
        scene.expect("connecting 1");
        scene.accept().cut();
        scene.expect("open");
        scene.expect("closed with 1006, next in 5s");
        scene.wait(5);
        scene.refuse(403, "0");
        let error = join(running).expect_err("refused");
        assert!(
            matches!(&error, Error::Handshake(error) if error.status() == Some(403)),
            "{error}"
        );
    });
}

#[test]
fn a_stop_closes_the_connection_and_ends_the_loop() {
    Scene::run(0, |client, scene| {
        let stop = StopToken::new();
        let client = client.stop_token(stop.clone());
        let running = thread::spawn(|| client.run(echo));
        let mut peer = scene.accept();
        peer.send(Frame::text("hello"));
        peer.expect_text("hello");
        stop.stop();
        peer.expect_close(1000);
        peer.send(Frame::close(1000, ""));
        peer.cut();
        join(running).expect("a good end");
    });
}

#[test]
fn a_handler_that_panics_ends_the_loop_in_its_panic() {
    Scene::run(0, |client, scene| {
        let running = thread::spawn(|| client.run(|_ws| -> Result<(), Error> { panic!("on purpose") }));
        let mut peer = scene.accept();
        peer.expect_close(1011);
        peer.cut();
        assert!(running.join().is_err());
    });
}

#[test]
fn a_dial_that_panics_ends_it_in_its_panic() {
    bounded_now(|| {
        let client = Connect::new("ws://localhost/").reconnect();
        let opening = next(client.over(|| panic!("on purpose")));
        assert!(opening.join().is_err());
    });
}

#[test]
fn a_server_that_begins_later_is_found() {
    bounded_now(|| {
        let mut time = Time::take();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let (tell, events) = mpsc::channel();
        let client = Connect::new(format!("ws://{address}/"))
            .reconnect()
            .retry(halves())
            .on_event(move |event| {
                let _ = tell.send(told(event));
            });
        let opening = next(client);
        while !events
            .recv_timeout(PATIENCE)
            .expect("a client")
            .starts_with("failed")
        {}
        let listener = TcpListener::bind(address).expect("the port is free");
        time.advance(seconds(5));
        let (stream, _) = listener.accept().expect("a client");
        let _server = Accept::new().accept(stream).expect("they agree");
        assert!(matches!(join(opening).0, Some(Ok(_))));
    });
}

#[test]
fn each_attempt_shows_what_was_renewed_for_it() {
    Scene::run(0, |client, mut scene| {
        let renewed = AtomicU32::new(0);
        let client = client.renew(move |connect| match renewed.fetch_add(1, Ordering::Relaxed) {
            0 => Err(io::ErrorKind::ConnectionRefused.into()),
            token => Ok(connect.field("Token", token.to_string())),
        });
        let opening = next(client.retry(halves().attempts(3)));
        scene.expect("connecting 1");
        scene.expect("failed, next in 5s: connection refused");
        scene.wait(5);
        let (policy, shown) = overloaded();
        let accept = Accept::new().policy(policy);
        accept.accept(scene.stream()).expect_err("it refuses");
        scene.expect("connecting 2");
        scene.expect("failed, next in 10s: server refused the upgrade with status 503 Service Unavailable");
        scene.wait(10);
        accept.accept(scene.stream()).expect_err("it refuses");
        assert!(matches!(join(opening).0, Some(Err(_))));
        assert_eq!(shown.try_iter().collect::<Vec<_>>(), ["1", "2"]);
    });
}
