//! What is logged and at which level; and what never is. Where both adapters log by themselves, both are asked.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidewire_proto::handshake::accept_key;
use tidewire_tests::live::{Peer, REQUEST, accepted, bounded};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::Frame;
use tidewire_tokio::{
    Accept, Config, Connect, Error, Request, Response, Retry, Server, ServerPolicy, WebSocket,
};
use tokio::io::duplex;
use tokio::net::{TcpListener, TcpStream};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// More than a test sends.
const ROOMY: usize = 1 << 16;

/// What stands where nobody may read it.
const SECRET: &str = "hunter2";

/// Everything that this thread logs as long as it lives: a line an event, its level in front.
struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

impl Log {
    fn start() -> Self {
        let lines = Lines::default();
        let writer = lines.clone();
        let guard = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .set_default();
        Self { lines, _guard: guard }
    }

    fn text(&self) -> String {
        String::from_utf8(self.lines.lock().clone()).expect("text")
    }

    /// The lines that whoever asks for INFO sees.
    fn at_info(&self) -> Vec<String> {
        let shown = |line: &&str| {
            let level = line.trim_start();
            ["INFO", "WARN", "ERROR"]
                .iter()
                .any(|seen| level.starts_with(seen))
        };
        self.text().lines().filter(shown).map(str::to_owned).collect()
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// [`REQUEST`] with more fields.
fn request_with(fields: &str) -> Vec<u8> {
    let head = &REQUEST[..REQUEST.len() - 2];
    [head, fields.as_bytes(), b"\r\n"].concat()
}

/// [`REQUEST`] with another path.
fn request_for(path: &str) -> Vec<u8> {
    let rest = REQUEST.strip_prefix(b"GET /").expect("a path");
    [b"GET ", path.as_bytes(), rest].concat()
}

/// Wants a subprotocol, and answers two paths itself.
fn policy() -> ServerPolicy {
    ServerPolicy::default()
        .subprotocols(["mine"])
        .expect("a token")
        .on_request(|request: &Request| match request.path() {
            "/health" => Some(Response::new(200).expect("a final status").body("well\n")),
            "/secret" => Some(Response::new(403).expect("a final status")),
            _ => None,
        })
}

#[tokio::test(start_paused = true)]
async fn a_refused_handshake_is_logged_once_at_info() {
    bounded(async {
        let table = [
            (b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), "426"),
            (b"\x16\x03\x01".to_vec(), "400"),
            (request_with("Sec-WebSocket-Version: 8\r\n"), "400"),
            (request_with("Sec-WebSocket-Protocol: other\r\n"), "400"),
            // By the application.
            (request_for("/secret"), "403"),
            // Given up at the open timeout.
            (REQUEST[..20].to_vec(), "408"),
        ];
        for (request, status) in table {
            let what = request.escape_ascii().to_string();
            let log = Log::start();
            let (near, far) = duplex(ROOMY);
            let mut peer = Peer::raw(far, Sender::Client);
            peer.send_bytes(&request).await;
            let accept = Accept::new().policy(policy());
            let gone = async {
                peer.rest_of_bytes().await;
                drop(peer);
            };
            let (end, ()) = tokio::join!(accept.accept(near), gone);
            assert!(end.is_err(), "{what}");
            let lines = log.at_info();
            let [line] = &lines[..] else {
                panic!("{what}: {lines:?}");
            };
            assert!(
                line.starts_with(" INFO") && line.contains(&format!("status={status}")),
                "{what}: {line}"
            );
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_page_in_place_of_an_upgrade_is_no_refusal() {
    bounded(async {
        let log = Log::start();
        let (near, far) = duplex(ROOMY);
        let mut peer = Peer::raw(far, Sender::Client);
        peer.send_bytes(&request_for("/health")).await;
        let accept = Accept::new().policy(policy());
        let gone = async {
            assert!(peer.rest_of_bytes().await.ends_with(b"well\n"));
            drop(peer);
        };
        let (end, ()) = tokio::join!(accept.accept(near), gone);
        assert!(end.is_err(), "no connection");
        assert_eq!(log.at_info(), [""; 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn heads_are_logged_at_debug_without_their_secrets() {
    bounded(async {
        let log = Log::start();
        let (near, far) = duplex(ROOMY);
        let mut peer = Peer::raw(far, Sender::Client);
        peer.send_bytes(&request_with(&format!(
            "Authorization: Bearer {SECRET}\r\nCookie: id={SECRET}\r\nX-Plain: shown\r\n"
        )))
        .await;
        Accept::new().accept(near).await.expect("an accepted client");
        let text = log.text();
        assert!(
            text.starts_with("DEBUG") && text.contains("X-Plain: shown"),
            "{text}"
        );
        assert!(!text.contains(SECRET), "{text}");

        let log = Log::start();
        let (near, far) = duplex(ROOMY);
        let answer = async {
            let mut peer = Peer::raw(far, Sender::Server);
            let head = peer.head().await;
            assert!(head.contains(SECRET), "{head}");
            let key = head
                .lines()
                .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
                .expect("a key");
            let accept = accept_key(key.as_bytes());
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\nSet-Cookie: id={SECRET}\r\nX-Plain: shown\r\n\r\n"
            );
            peer.send_bytes(head.as_bytes()).await;
        };
        let connect = Connect::new("ws://localhost/")
            .field("Authorization", format!("Bearer {SECRET}"))
            .field("Proxy-Authorization", SECRET)
            .field("Cookie", format!("id={SECRET}"));
        let (ws, ()) = tokio::join!(connect.over(near), answer);
        ws.expect("a connection");
        let text = log.text();
        assert!(
            text.starts_with("DEBUG") && text.contains("X-Plain: shown"),
            "{text}"
        );
        assert!(!text.contains(SECRET), "{text}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn frames_are_logged_at_debug_with_75_characters_of_their_payload() {
    bounded(async {
        let (mut ws, mut peer) = accepted(Config::default(), ROOMY).await;
        let log = Log::start();
        peer.send(&Frame::text("ä".repeat(200))).await;
        peer.send(&Frame::ping("line\nbreak")).await;
        peer.send(&Frame::text("end")).await;
        ws.recv().await.expect("open").expect("a message");
        ws.recv().await.expect("open").expect("a message");
        ws.send("y".repeat(76)).await.expect("open");
        let text = log.text();
        for (first, shown, hidden) in [
            ("received", "ä".repeat(75) + "…", "ä".repeat(76)),
            ("received", r"line\nbreak".to_owned(), "line\nbreak".to_owned()),
            ("sent", "y".repeat(75) + "…", "y".repeat(76)),
        ] {
            let is_shown = |line: &str| {
                line.starts_with("DEBUG")
                    && line.contains(first)
                    && line.contains(&format!("payload={shown}"))
            };
            assert!(text.lines().any(is_shown), "{shown}: {text}");
            assert!(!text.contains(&hidden), "{hidden}: {text}");
        }
        assert_eq!(log.at_info(), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_served_connection_is_logged_when_it_opens_and_when_it_closes() {
    bounded(async {
        let log = Log::start();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let server = Server::new(listener, move |mut ws: WebSocket| {
            let tell = tell.clone();
            async move {
                tell.send(ws.id()).expect("wanted");
                tracing::debug!("from the handler");
                while ws.recv().await?.is_some() {}
                Ok::<_, Error>(())
            }
        });
        let address = server.handle().local_addr().expect("an address");
        let serving = tokio::spawn(server.into_future());
        let stream = TcpStream::connect(address).await.expect("a listener");
        let mut peer = Peer::client(stream).await;
        peer.send(&Frame::text(SECRET)).await;
        peer.send(&Frame::close_with(4000, "a\nreason")).await;
        assert_eq!(peer.next().await, (0x88, 4000_u16.to_be_bytes().to_vec()));
        drop(peer);
        let id = told.recv().await.expect("a handler");
        while log.at_info().len() < 2 {
            tokio::task::yield_now().await;
        }
        serving.abort();
        let text = log.text();
        assert!(
            text.lines()
                .any(|line| line.contains(&format!("connection{{id={id}"))
                    && line.contains("from the handler")),
            "the span of the connection: {text}"
        );
        let lines = log.at_info();
        for line in &lines {
            assert!(line.contains(&format!("connection={id}")), "{line}");
            assert!(!line.contains(SECRET), "{line}");
        }
        assert!(
            lines[0].starts_with(" INFO") && lines[0].contains("open"),
            "{lines:?}"
        );
        assert!(
            lines.iter().any(|line| line.contains("code=4000")),
            "how it closed: {lines:?}"
        );
    })
    .await;
}

/// A handler that nobody calls.
async fn unused(_: WebSocket) -> Result<(), Error> {
    Ok(())
}

#[tokio::test]
async fn a_servers_way_to_its_end_is_logged_once_at_info() {
    let on_tokio = Server::new(
        TcpListener::bind("127.0.0.1:0").await.expect("a free port"),
        unused,
    )
    .handle();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let on_threads = tidewire_blocking::Server::new(listener, ()).handle();
    let table: [&dyn Fn(); 2] = [
        &|| {
            on_tokio.stop_listening();
            on_tokio.shutdown(Duration::ZERO);
            on_tokio.stop_listening();
            on_tokio.shutdown(Duration::ZERO);
        },
        &|| {
            on_threads.stop_listening();
            on_threads.shutdown(Duration::ZERO);
            on_threads.stop_listening();
            on_threads.shutdown(Duration::ZERO);
        },
    ];
    for end in table {
        let log = Log::start();
        end();
        let lines = log.at_info();
        let [first, second] = &lines[..] else {
            panic!("{lines:?}");
        };
        assert!(first.contains("no longer listening connections=0"), "{first}");
        assert!(second.contains("shutting down connections=0"), "{second}");
    }
}

#[test]
fn attempts_that_fail_are_logged_at_info() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    drop(listener);
    // Without a delay.
    let retry = Retry::default().random(|| 0).attempts(2);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let table: [&dyn Fn() -> bool; 2] = [
        &|| {
            let mut connections = Connect::new(&url).reconnect().retry(retry.clone());
            runtime
                .block_on(connections.next())
                .is_some_and(|next| next.is_err())
        },
        &|| {
            let connect = tidewire_blocking::connect(&url);
            let mut connections = connect.reconnect().retry(retry.clone());
            connections.next().is_some_and(|next| next.is_err())
        },
    ];
    for fails in table {
        let log = Log::start();
        assert!(fails());
        let mut lines = log.at_info();
        lines.retain(|line| line.contains("attempt to connect failed"));
        let [first, last] = &lines[..] else {
            panic!("{lines:?}");
        };
        assert!(
            first.starts_with(" INFO") && first.contains(" next_in="),
            "{first}"
        );
        assert!(
            last.contains("cannot be reached") && !last.contains(" next_in="),
            "{last}"
        );
    }
}
