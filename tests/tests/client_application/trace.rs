//! What goes over a connection, frame by frame, on both adapters.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use tidewire_blocking::{Message, Socket, accept};
use tidewire_tests::connect_by;
use tidewire_tests::live::{ADAPTERS, Scripted, bounded, bounded_now, consent};
use tidewire_tokio::TracedFrame;

/// Serves one client: pings it, says what it said, twice as long, and closes.
fn server() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    let serving = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let mut ws = accept(Socket::from(stream)).expect("they agree");
        let message = ws.recv().expect("open").expect("a message");
        let twice = [message.as_bytes(), message.as_bytes()].concat();
        ws.ping_with(b"there?").expect("it answers");
        ws.send(String::from_utf8(twice).expect("text")).expect("open");
        ws.close(1000, "bye").expect("may be sent");
    });
    (url, serving)
}

/// What both adapters show.
const EXPECTED: [&str; 6] = [
    "sent text, 40 bytes: ........................................",
    "received ping, 6 bytes: there?",
    "sent pong, 6 bytes: there?",
    "received text, 80 bytes: ...........................................................................…",
    "received close, 5 bytes: 1000 bye",
    // The code alone is echoed.
    "sent close, 2 bytes: 1000",
];

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn note(&self) -> impl Fn(&TracedFrame<'_>) + Send + Sync + 'static {
        let lines = self.0.clone();
        move |frame| lines.lock().expect("no panic").push(frame.to_string())
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }

    /// Looks at each direction for itself: other threads write than read.
    fn expect_in_each_direction(&self) {
        let lines = self.take();
        for direction in ["sent", "received"] {
            let told = lines.iter().filter(|line| line.starts_with(direction));
            let expected = EXPECTED.iter().filter(|line| line.starts_with(direction));
            assert!(told.eq(expected), "{direction}: {lines:?}");
        }
    }
}

#[tokio::test]
async fn each_frame_is_told_on_tokio() {
    bounded(async {
        let (url, serving) = server();
        let lines = Lines::default();
        let mut ws = tidewire_tokio::connect(url)
            .trace(lines.note())
            .await
            .expect("they agree");
        assert!(ws.peer_addr().is_some());
        ws.send(".".repeat(40)).await.expect("open");
        let message = ws.recv().await.expect("open").expect("a message");
        assert_eq!(message, Message::from(".".repeat(80)));
        assert_eq!(ws.recv().await.expect("a clean end"), None);
        serving.join().expect("no panic");
        assert_eq!(lines.take(), EXPECTED);
    })
    .await;
}

#[test]
fn each_frame_is_told_on_threads() {
    bounded_now(|| {
        let (url, serving) = server();
        let lines = Lines::default();
        let connect = tidewire_blocking::connect(url).trace(lines.note());
        let mut ws = connect.open().expect("they agree");
        assert!(ws.peer_addr().is_some());
        ws.send(".".repeat(40)).expect("open");
        let message = ws.recv().expect("open").expect("a message");
        assert_eq!(message, Message::from(".".repeat(80)));
        assert_eq!(ws.recv().expect("a clean end"), None);
        serving.join().expect("no panic");
        lines.expect_in_each_direction();
    });
}

#[test]
fn the_frames_of_each_connection_of_an_application_are_told() {
    bounded_now(|| {
        let (url, serving) = server();
        let lines = Lines::default();
        let address = url.trim_start_matches("ws://").trim_end_matches('/').to_owned();
        let ended = tidewire_blocking::connect(url)
            .trace(lines.note())
            .reconnect()
            .over(move || Ok(Socket::from(std::net::TcpStream::connect(&address)?)))
            .application()
            .on_open(|ws| ws.send(".".repeat(40)))
            .run();
        ended.expect("a good end");
        serving.join().expect("no panic");
        lines.expect_in_each_direction();
    });
}

#[test]
fn interim_responses_hide_no_frame() {
    bounded_now(|| {
        for adapter in ADAPTERS {
            let server = Scripted::new(|head| {
                let interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".to_vec();
                [interim, consent(head, ""), b"\x81\x02hi".to_vec()].concat()
            });
            let lines = Lines::default();
            let client = connect_by!(adapter, server.url("/"), trace(lines.note()));
            let mut client = client.expect("they agree");
            assert_eq!(client.recv().expect("open"), Some("hi".into()), "{adapter:?}");
            assert_eq!(lines.take(), ["received text, 2 bytes: hi"], "{adapter:?}");
        }
    });
}
