//! On threads.

use std::io;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tidewire_blocking::test::{Frame, Peer, pipe};
use tidewire_blocking::{
    Accept, AfterError, Application, ApplicationError, Applications, Backoff, Bytes, Callback, Closed,
    Connect, Error, Message, Reconnect, Retry, Socket, StopToken,
};
use tidewire_tests::live::bounded_now;

const PATIENCE: Duration = Duration::from_secs(10);

/// The servers' ends of the streams that a client opens.
struct Servers(Receiver<Socket>);

impl Servers {
    fn stream(&self) -> Peer {
        Peer::server(self.0.recv_timeout(PATIENCE).expect("a client"))
    }

    fn accept(&self) -> Peer {
        let mut peer = self.stream();
        peer.accept(&Accept::new()).expect("they agree");
        peer
    }

    /// Answers with something that is no upgrade.
    fn refuse(&self, status: &str) {
        let mut peer = self.stream();
        peer.expect_head();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        peer.send_bytes(answer.as_bytes());
    }
}

/// Without delays.
fn at_once() -> Retry {
    Retry::default().backoff(Backoff::default().first(Duration::ZERO))
}

fn connections() -> (Reconnect, Servers) {
    let (open, streams) = mpsc::channel();
    let dial = move || {
        let (near, far) = pipe(1 << 16);
        open.send(far).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(near)
    };
    let connections = Connect::new("ws://localhost/").reconnect().retry(at_once());
    (connections.over(dial), Servers(streams))
}

/// What was called, in order.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn add(&self, note: impl Into<String>) {
        self.0.lock().expect("no panic").push(note.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }

    /// Has all callbacks but `on_error` noted.
    fn noting(&self, application: Application) -> Application {
        let [open, reconnect, message, asked, answered, close] = [(); 6].map(|()| self.clone());
        application
            .on_open(move |_ws| open.note("open"))
            .on_reconnect(move |_ws| reconnect.note("reconnect"))
            .on_message(move |_ws, came: Message| message.note(format!("message {:?}", came.as_bytes())))
            .on_ping(move |_ws, payload: Bytes| asked.note(format!("ping {payload:?}")))
            .on_pong(move |_ws, payload: Bytes| answered.note(format!("pong {payload:?}")))
            .on_close(move |closed: Closed| {
                close.note(format!("close {}: {}", closed.code().as_u16(), closed.reason()))
            })
    }

    #[expect(clippy::unnecessary_wraps, reason = "as callbacks do")]
    fn note(&self, note: impl Into<String>) -> Result<(), Error> {
        self.add(note);
        Ok(())
    }
}

fn run(application: Application) -> JoinHandle<Result<(), ApplicationError>> {
    thread::spawn(|| application.run())
}

fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("no panic")
}

fn close(mut peer: Peer, code: u16, reason: &str) {
    peer.send(Frame::close(code, reason));
    peer.expect_close(code);
}

#[test]
fn what_a_connection_brings_is_called_back() {
    bounded_now(|| {
        let notes = Notes::default();
        let (connections, servers) = connections();
        let running = run(notes.noting(connections.application()));
        let mut peer = servers.accept();
        peer.send(Frame::text("hi"));
        peer.send(Frame::binary([1, 2]));
        peer.send(Frame::ping("there?"));
        peer.expect_pong("there?");
        peer.send(Frame::pong("by the way"));
        close(peer, 1000, "bye");
        join(running).expect("a good end");
        let expected = [
            "open",
            "message [104, 105]",
            "message [1, 2]",
            "ping b\"there?\"",
            "pong b\"by the way\"",
            "close 1000: bye",
        ];
        let mut notes = notes.take();
        // Pings may overtake messages.
        notes.sort_by_key(|note| expected.iter().position(|expected| expected == note));
        assert_eq!(notes, expected);
    });
}

#[test]
fn callbacks_send_and_close() {
    bounded_now(|| {
        let (connections, servers) = connections();
        let application = connections
            .application()
            .on_open(|ws| ws.send("hello"))
            .on_message(|ws, message| {
                ws.send(message)?;
                ws.close(1000, "enough")?;
                Ok::<_, Error>(())
            });
        let running = run(application);
        let mut peer = servers.accept();
        peer.expect_text("hello");
        peer.send(Frame::text("you, too"));
        peer.expect_text("you, too");
        assert_eq!(peer.expect_close(1000), "enough");
        peer.send(Frame::close(1000, "enough"));
        peer.cut();
        join(running).expect("a good end");
    });
}

#[test]
fn a_lost_connection_is_an_error_and_another_one_follows() {
    bounded_now(|| {
        let notes = Notes::default();
        let errors = notes.clone();
        let (connections, servers) = connections();
        let application = notes.noting(connections.application()).on_error(move |error| {
            errors.add(format!("error {error}"));
            AfterError::GoOn
        });
        let running = run(application);
        servers.accept().cut();
        servers.refuse("503 Service Unavailable");
        close(servers.accept(), 1001, "restart");
        close(servers.accept(), 1000, "");
        join(running).expect("a good end");
        let expected = [
            "open",
            "error connection closed with 1006 (abnormal closure)",
            "close 1006: ",
            "error server refused the upgrade with status 503 Service Unavailable",
            "reconnect",
            "close 1001: restart",
            "reconnect",
            "close 1000: ",
        ];
        assert_eq!(notes.take(), expected);
    });
}

#[test]
fn without_on_reconnect_each_connection_is_opened() {
    bounded_now(|| {
        let notes = Notes::default();
        let opened = notes.clone();
        let (connections, servers) = connections();
        let running = run(connections.application().on_open(move |_ws| opened.note("open")));
        servers.accept().cut();
        close(servers.accept(), 1000, "");
        join(running).expect("a good end");
        assert_eq!(notes.take(), ["open", "open"]);
    });
}

#[test]
fn an_attempt_that_is_the_last_ends_it_with_its_error() {
    let table = [
        ("401 Unauthorized", AfterError::GoOn),
        ("401 Unauthorized", AfterError::Stop),
        ("503 Service Unavailable", AfterError::Stop),
    ];
    for (status, then) in table {
        bounded_now(|| {
            let (connections, servers) = connections();
            let running = run(connections.application().on_error(move |_| then));
            servers.refuse(status);
            let error = join(running).expect_err("refused");
            assert!(matches!(error, ApplicationError::Connect(_)), "{error:?}");
        });
    }
}

#[test]
fn without_retries_a_lost_connection_is_the_end() {
    bounded_now(|| {
        let (connections, servers) = connections();
        let running = run(connections.retry(Retry::never()).application());
        servers.accept().cut();
        let ended = join(running);
        assert!(matches!(ended, Err(ApplicationError::Connection(_))), "{ended:?}");
    });
}

/// One whose `on_message` fails.
fn failing(connections: Reconnect, notes: &Notes) -> Application {
    notes
        .noting(connections.application())
        .on_message(|_ws, _message| {
            Err("not this".into()) as Result<(), Box<dyn std::error::Error + Send + Sync>>
        })
}

#[test]
fn the_error_of_a_callback_is_the_end_unless_it_goes_on() {
    for then in [None, Some(AfterError::Stop), Some(AfterError::GoOn)] {
        bounded_now(|| {
            let notes = Notes::default();
            let (connections, servers) = connections();
            let application = failing(connections, &notes);
            let running = run(match then {
                None => application,
                Some(then) => application.on_error(move |_| then),
            });
            let mut peer = servers.accept();
            peer.send(Frame::text("this"));
            if then == Some(AfterError::GoOn) {
                close(peer, 1000, "");
                join(running).expect("a good end");
                assert_eq!(notes.take(), ["open", "close 1000: "]);
            } else {
                peer.expect_close(1011);
                peer.send(Frame::close(1011, ""));
                peer.cut();
                let error = join(running).expect_err("a callback failed");
                assert_eq!(error.to_string(), "on_message: not this");
                let is_named = matches!(
                    &error,
                    ApplicationError::Callback {
                        callback: Callback::Message,
                        ..
                    }
                );
                assert!(is_named, "{error:?}");
                assert_eq!(notes.take(), ["open", "close 1011: "]);
            }
        });
    }
}

#[test]
fn a_callback_that_panics_ends_it_in_its_panic() {
    bounded_now(|| {
        let (connections, servers) = connections();
        let application = connections
            .application()
            .on_open(|_ws| -> Result<(), Error> { panic!("on purpose") });
        let handle = application.handle();
        let running = run(application);
        let mut peer = servers.accept();
        peer.expect_close(1011);
        peer.cut();
        assert!(running.join().is_err());
        assert!(handle.sender().is_none());
    });
}

#[test]
fn a_dial_that_panics_ends_it_in_its_panic() {
    bounded_now(|| {
        let connections = Connect::new("ws://localhost/").reconnect();
        let running = run(connections.over(|| panic!("on purpose")).application());
        assert!(running.join().is_err());
    });
}

#[test]
fn it_is_sent_with_and_stopped_from_elsewhere() {
    bounded_now(|| {
        let (connections, servers) = connections();
        let (tell, told) = mpsc::channel();
        let application = connections
            .application()
            .on_open(move |_ws| tell.send(()))
            .on_close(|_| Ok::<_, Error>(()));
        let handle = application.handle();
        assert!(handle.sender().is_none());
        let running = run(application);
        let mut peer = servers.accept();
        told.recv_timeout(PATIENCE).expect("a connection");
        let sender = handle.sender().expect("open");
        sender.send("from elsewhere").expect("open");
        peer.expect_text("from elsewhere");
        handle.stop();
        peer.expect_close(1000);
        peer.send(Frame::close(1000, ""));
        peer.cut();
        join(running).expect("a good end");
        assert!(handle.sender().is_none());
    });
}

#[test]
fn several_run_on_one_thread_and_stop_one_by_one_or_together() {
    bounded_now(|| {
        let together = StopToken::new();
        let threads = Arc::new(Mutex::new(Vec::new()));
        let (first, first_servers) = connections();
        let (second, second_servers) = connections();
        let [first, second] = [first, second].map(|connections| {
            let threads = threads.clone();
            connections
                .stop_token(together.clone())
                .application()
                .on_message(move |ws, message| {
                    threads.lock().expect("no panic").push(thread::current().id());
                    ws.send(message)
                })
        });
        let alone = first.handle();
        let running = thread::spawn(|| {
            (
                Applications::new().application(first).application(second).run(),
                thread::current().id(),
            )
        });
        let mut peers = [first_servers.accept(), second_servers.accept()];
        for peer in &mut peers {
            peer.send(Frame::text("there?"));
            peer.expect_text("there?");
        }
        let [mut first, mut second] = peers;
        alone.stop();
        first.expect_close(1000);
        first.cut();
        second.send(Frame::text("still?"));
        second.expect_text("still?");
        together.stop();
        second.expect_close(1000);
        second.cut();
        let (ended, id) = join(running);
        assert!(ended.iter().all(Result::is_ok), "{ended:?}");
        assert_eq!(*threads.lock().expect("no panic"), [id; 3]);
    });
}

#[test]
fn one_that_fails_leaves_the_others_alone() {
    bounded_now(|| {
        let (first, first_servers) = connections();
        let (second, second_servers) = connections();
        let notes = Notes::default();
        let applications = Applications::new()
            .application(failing(first, &Notes::default()))
            .application(notes.noting(second.application()));
        let running = thread::spawn(|| applications.run());
        let mut first = first_servers.accept();
        let mut second = second_servers.accept();
        first.send(Frame::text("this"));
        first.expect_close(1011);
        first.cut();
        second.send(Frame::ping("there?"));
        second.expect_pong("there?");
        close(second, 1000, "");
        let ended = join(running);
        assert!(matches!(ended[..], [Err(_), Ok(())]), "{ended:?}");
        assert_eq!(notes.take().last().map(String::as_str), Some("close 1000: "));
    });
}

#[test]
fn pings_are_answered_while_a_callback_waits_and_told_of_as_far_as_there_is_room() {
    bounded_now(|| {
        let notes = Notes::default();
        let (connections, servers) = connections();
        let (go_on, waits) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let application = notes.noting(connections.application()).on_open(
            move |_ws| -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
                tell.send(())?;
                Ok(waits.recv()?)
            },
        );
        let running = run(application);
        let mut peer = servers.accept();
        told.recv_timeout(PATIENCE).expect("it waits");
        for number in 0..100 {
            peer.send(Frame::ping(number.to_string()));
            peer.expect_pong(number.to_string());
        }
        go_on.send(()).expect("it waits");
        close(peer, 1000, "");
        join(running).expect("a good end");
        let notes = notes.take();
        assert_eq!(notes.iter().filter(|note| note.starts_with("ping")).count(), 64);
        assert_eq!(notes.first().map(String::as_str), Some("ping b\"0\""));
    });
}
