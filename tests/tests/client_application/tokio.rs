//! On tokio.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidewire_tests::live::bounded;
use tidewire_tokio::test::{Frame, Peer, pipe};
use tidewire_tokio::{
    Accept, AfterError, Application, ApplicationError, Backoff, Bytes, Callback, Closed, Connect, Error,
    Message, Reconnect, Retry, Sender, Socket, StopToken,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;

/// The servers' ends of the streams that a client opens.
struct Servers(UnboundedReceiver<Socket>);

impl Servers {
    async fn accept(&mut self) -> Peer {
        let mut peer = Peer::server(self.0.recv().await.expect("a client"));
        peer.accept(&Accept::new()).await.expect("they agree");
        peer
    }

    /// Answers with something that is no upgrade.
    async fn refuse(&mut self, status: &str) {
        let mut peer = Peer::server(self.0.recv().await.expect("a client"));
        peer.expect_head().await;
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        peer.send_bytes(answer.as_bytes()).await;
    }
}

/// Without delays.
fn at_once() -> Retry {
    Retry::default().backoff(Backoff::default().first(Duration::ZERO))
}

fn connections() -> (Reconnect, Servers) {
    let (open, streams) = unbounded_channel();
    let dial = move || {
        let (near, far) = pipe(1 << 16);
        let opened = open
            .send(far)
            .map_err(|_| io::ErrorKind::ConnectionRefused.into());
        std::future::ready(opened.map(|()| near))
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
            .on_open(move |_ws| open.note("open".into()))
            .on_reconnect(move |_ws| reconnect.note("reconnect".into()))
            .on_message(move |_ws, came: Message| message.note(format!("message {:?}", came.as_bytes())))
            .on_ping(move |_ws, payload: Bytes| asked.note(format!("ping {payload:?}")))
            .on_pong(move |_ws, payload: Bytes| answered.note(format!("pong {payload:?}")))
            .on_close(move |closed: Closed| {
                close.note(format!("close {}: {}", closed.code().as_u16(), closed.reason()))
            })
    }

    fn note(&self, note: String) -> std::future::Ready<Result<(), Error>> {
        self.add(note);
        std::future::ready(Ok(()))
    }
}

async fn close(mut peer: Peer, code: u16, reason: &str) {
    peer.send(Frame::close(code, reason)).await;
    peer.expect_close(code).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_connection_brings_is_called_back() {
    bounded(async {
        let notes = Notes::default();
        let (connections, mut servers) = connections();
        let serving = async {
            let mut peer = servers.accept().await;
            peer.send(Frame::text("hi")).await;
            peer.send(Frame::binary([1, 2])).await;
            // Pings may overtake messages.
            tokio::time::sleep(Duration::from_secs(1)).await;
            peer.send(Frame::ping("there?")).await;
            peer.expect_pong("there?").await;
            peer.send(Frame::pong("by the way")).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            close(peer, 1000, "bye").await;
        };
        let application = notes.noting(connections.application());
        let (ended, ()) = tokio::join!(application.run(), serving);
        ended.expect("a good end");
        let expected = [
            "open",
            "message [104, 105]",
            "message [1, 2]",
            "ping b\"there?\"",
            "pong b\"by the way\"",
            "close 1000: bye",
        ];
        assert_eq!(notes.take(), expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn callbacks_send_and_close() {
    bounded(async {
        let (connections, mut servers) = connections();
        let application = connections
            .application()
            .on_open(async |ws: Sender| ws.send("hello").await)
            .on_message(async |ws: Sender, message: Message| {
                ws.send(message).await?;
                ws.close(1000, "enough").await?;
                Ok::<_, Error>(())
            });
        let serving = async {
            let mut peer = servers.accept().await;
            peer.expect_text("hello").await;
            peer.send(Frame::text("you, too")).await;
            peer.expect_text("you, too").await;
            assert_eq!(peer.expect_close(1000).await, "enough");
            peer.send(Frame::close(1000, "enough")).await;
            peer.cut();
        };
        let (ended, ()) = tokio::join!(application.run(), serving);
        ended.expect("a good end");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_an_error_and_another_one_follows() {
    bounded(async {
        let notes = Notes::default();
        let errors = notes.clone();
        let (connections, mut servers) = connections();
        let application = notes.noting(connections.application()).on_error(move |error| {
            errors.add(format!("error {error}"));
            AfterError::GoOn
        });
        let serving = async {
            servers.accept().await.cut();
            servers.refuse("503 Service Unavailable").await;
            close(servers.accept().await, 1001, "restart").await;
            close(servers.accept().await, 1000, "").await;
        };
        let (ended, ()) = tokio::join!(application.run(), serving);
        ended.expect("a good end");
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
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_on_reconnect_each_connection_is_opened() {
    bounded(async {
        let notes = Notes::default();
        let opened = notes.clone();
        let (connections, mut servers) = connections();
        let application = connections
            .application()
            .on_open(move |_ws| opened.note("open".into()));
        let serving = async {
            servers.accept().await.cut();
            close(servers.accept().await, 1000, "").await;
        };
        let (ended, ()) = tokio::join!(application.run(), serving);
        ended.expect("a good end");
        assert_eq!(notes.take(), ["open", "open"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_the_last_ends_it_with_its_error() {
    bounded(async {
        for then in [AfterError::GoOn, AfterError::Stop] {
            let (connections, mut servers) = connections();
            let application = connections.application().on_error(move |_| then);
            let (ended, ()) = tokio::join!(application.run(), servers.refuse("401 Unauthorized"));
            let error = ended.expect_err("refused");
            assert!(matches!(error, ApplicationError::Connect(_)), "{error:?}");
        }
        // One that is not, where it is to be.
        let (connections, mut servers) = connections();
        let application = connections.application().on_error(|_| AfterError::Stop);
        let (ended, ()) = tokio::join!(application.run(), servers.refuse("503 Service Unavailable"));
        assert!(matches!(ended, Err(ApplicationError::Connect(_))), "{ended:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_retries_a_lost_connection_is_the_end() {
    bounded(async {
        let (connections, mut servers) = connections();
        let application = connections.retry(Retry::never()).application();
        let serving = async { servers.accept().await.cut() };
        let (ended, ()) = tokio::join!(application.run(), serving);
        assert!(matches!(ended, Err(ApplicationError::Connection(_))), "{ended:?}");
    })
    .await;
}

/// One whose `on_message` fails.
fn failing(connections: Reconnect, notes: &Notes) -> Application {
    notes
        .noting(connections.application())
        .on_message(async |_ws, _message| {
            Err("not this".into()) as Result<(), Box<dyn std::error::Error + Send + Sync>>
        })
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_callback_is_the_end_unless_it_goes_on() {
    bounded(async {
        for then in [None, Some(AfterError::Stop), Some(AfterError::GoOn)] {
            let notes = Notes::default();
            let (connections, mut servers) = connections();
            let application = failing(connections, &notes);
            let application = match then {
                None => application,
                Some(then) => application.on_error(move |_| then),
            };
            let serving = async {
                let mut peer = servers.accept().await;
                peer.send(Frame::text("this")).await;
                if then == Some(AfterError::GoOn) {
                    close(peer, 1000, "").await;
                } else {
                    peer.expect_close(1011).await;
                    peer.send(Frame::close(1011, "")).await;
                }
            };
            let (ended, ()) = tokio::join!(application.run(), serving);
            if then == Some(AfterError::GoOn) {
                ended.expect("a good end");
                assert_eq!(notes.take(), ["open", "close 1000: "]);
            } else {
                let error = ended.expect_err("a callback failed");
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
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_panics_ends_it_in_its_panic() {
    bounded(async {
        let (connections, mut servers) = connections();
        let application = connections
            .application()
            .on_open(async |_ws| -> Result<(), Error> { panic!("on purpose") });
        let running = tokio::spawn(application.run());
        let mut peer = servers.accept().await;
        peer.expect_close(1011).await;
        peer.cut();
        assert!(running.await.expect_err("a panic").is_panic());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn it_is_sent_with_and_stopped_from_elsewhere() {
    bounded(async {
        let (connections, mut servers) = connections();
        let application = connections.application();
        let handle = application.handle();
        assert!(handle.sender().is_none());
        let running = tokio::spawn(application.run());
        let mut peer = servers.accept().await;
        while handle.sender().is_none() {
            tokio::task::yield_now().await;
        }
        handle
            .sender()
            .expect("open")
            .send("from elsewhere")
            .await
            .expect("open");
        peer.expect_text("from elsewhere").await;
        handle.stop();
        peer.expect_close(1000).await;
        peer.send(Frame::close(1000, "")).await;
        peer.cut();
        running.await.expect("no panic").expect("a good end");
        assert!(handle.sender().is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_is_not_run_any_more_has_no_connection() {
    bounded(async {
        for panics in [true, false] {
            let (connections, mut servers) = connections();
            let application = connections.application().on_message(
                |_ws, _message| -> std::future::Ready<Result<(), Error>> { panic!("on purpose") },
            );
            let handle = application.handle();
            let running = tokio::spawn(application.run());
            let mut peer = servers.accept().await;
            while handle.sender().is_none() {
                tokio::task::yield_now().await;
            }
            if panics {
                peer.send(Frame::text("hi")).await;
                peer.expect_close(1011).await;
                peer.cut();
            } else {
                running.abort();
            }
            assert!(running.await.is_err());
            assert!(handle.sender().is_none(), "{panics}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn several_run_in_one_task_and_stop_one_by_one_or_together() {
    bounded(async {
        let together = StopToken::new();
        let (first, mut first_servers) = connections();
        let (second, mut second_servers) = connections();
        let first = first.stop_token(together.clone()).application();
        let second = second.stop_token(together.clone()).application();
        let alone = first.handle();
        let serving = async {
            let mut first = first_servers.accept().await;
            let mut second = second_servers.accept().await;
            // Both are there.
            for peer in [&mut first, &mut second] {
                peer.send(Frame::ping("there?")).await;
                peer.expect_pong("there?").await;
            }
            alone.stop();
            first.expect_close(1000).await;
            first.cut();
            second.send(Frame::ping("still?")).await;
            second.expect_pong("still?").await;
            together.stop();
            second.expect_close(1000).await;
            second.cut();
        };
        let (first, second, ()) = tokio::join!(first.run(), second.run(), serving);
        first.expect("a good end");
        second.expect("a good end");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_while_a_callback_waits_and_told_of_as_far_as_there_is_room() {
    bounded(async {
        let notes = Notes::default();
        let (connections, mut servers) = connections();
        let (go_on, waits) = oneshot::channel::<()>();
        let mut waits = Some(waits);
        let application = notes
            .noting(connections.application())
            .on_open(move |_ws| waits.take().expect("one connection"));
        let serving = async {
            let mut peer = servers.accept().await;
            for number in 0..100 {
                peer.send(Frame::ping(number.to_string())).await;
                peer.expect_pong(number.to_string()).await;
            }
            go_on.send(()).expect("it waits");
            close(peer, 1000, "").await;
        };
        let (ended, ()) = tokio::join!(application.run(), serving);
        ended.expect("a good end");
        let notes = notes.take();
        assert_eq!(notes.iter().filter(|note| note.starts_with("ping")).count(), 64);
        assert_eq!(notes.first().map(String::as_str), Some("ping b\"0\""));
    })
    .await;
}
