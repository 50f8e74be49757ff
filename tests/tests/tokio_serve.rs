//! A server on TCP: refusals, handlers, shutdown, and what is left behind.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tidewire_tests::live::{Peer, REQUEST, bounded, echo, no_task_is_left};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::Frame;
use tidewire_tokio::{
    Accept, CloseCode, Error, HandshakeError, Request, RequestError, Response, Served, Server, ServerHandle,
    ServerPolicy, WebSocket, connect,
};
use tokio::io::duplex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server that runs.
struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<io::Result<Served>>,
}

impl Running {
    async fn start<H, Fut>(policy: ServerPolicy, handler: H) -> Self
    where
        H: Fn(WebSocket) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = Server::new(listener, handler).policy(policy);
        let handle = server.handle();
        Self {
            address: handle.local_addr().expect("an address"),
            handle,
            task: tokio::spawn(server.into_future()),
        }
    }

    async fn echo() -> Self {
        Self::start(ServerPolicy::default(), |ws: WebSocket| echo(ws)).await
    }

    async fn stream(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a listener")
    }

    async fn client(&self) -> Peer<TcpStream> {
        Peer::client(self.stream().await).await
    }

    fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    /// Shuts down, and tells how that went and how long it took.
    async fn stop(self, deadline: Duration) -> (Served, Duration) {
        let start = Instant::now();
        self.handle.shutdown(deadline);
        assert!(!self.handle.is_serving());
        let served = self.task.await.expect("no panic").expect("served");
        (served, start.elapsed())
    }

    /// Waits until this many connections are open.
    async fn connections(&self, count: usize) {
        while self.handle.connections() != count {
            tokio::task::yield_now().await;
        }
    }
}

const MOMENT: Duration = Duration::from_millis(200);

/// A request with one line in place of another.
fn request(old: &str, new: &str) -> String {
    let request = String::from_utf8(REQUEST.to_vec()).expect("ASCII");
    assert!(request.contains(old), "{old}");
    request.replace(old, new)
}

#[tokio::test]
async fn a_refusal_has_its_status_a_text_and_a_closed_connection() {
    bounded(async {
        let long = format!("Host: localhost\r\nX-Long: {}\r\n", "x".repeat(9000));
        let many = format!("Host: localhost\r\n{}", "X: y\r\n".repeat(120));
        let table = [
            (request("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), 400, &[][..]),
            (
                request("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
                400,
                &[],
            ),
            (request("Host: localhost\r\n", ""), 400, &[]),
            (request("Host: localhost\r\n", "Host: a\r\nHost: b\r\n"), 400, &[]),
            (request("Host: localhost\r\n", "Host : localhost\r\n"), 400, &[]),
            (request("GET", "POST"), 405, &["Allow: GET"]),
            (
                request("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"),
                426,
                &["Upgrade: websocket", "Sec-WebSocket-Version: 13"],
            ),
            (
                request("Upgrade: websocket\r\n", ""),
                426,
                &["Upgrade: websocket", "Sec-WebSocket-Version: 13"],
            ),
            (request("Host: localhost\r\n", &long), 431, &[]),
            (request("Host: localhost\r\n", &many), 431, &[]),
            (
                request("GET / ", &format!("GET /{} ", "x".repeat(9000))),
                414,
                &[],
            ),
            (request("HTTP/1.1", "HTTP/1.0"), 505, &[]),
            ("\u{16}\u{3}\u{1}\r\n\r\n".to_owned(), 400, &[]),
        ];
        let server = Running::echo().await;
        for (request, status, fields) in table {
            let what = request.escape_debug().to_string();
            let mut peer = Peer::raw(server.stream().await, Sender::Client);
            peer.send_bytes(request.as_bytes()).await;
            let head = peer.head().await;
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {head}");
            assert!(
                head.contains("\r\nContent-Type: text/plain; charset=utf-8\r\n"),
                "{what}: {head}"
            );
            for field in fields {
                assert!(
                    head.contains(&format!("\r\n{field}\r\n")),
                    "{what}: {field} in {head}"
                );
            }
            let body = String::from_utf8(peer.rest_of_bytes().await).expect("text");
            assert!(body.ends_with('\n') && body.len() > 10, "{what}: {body}");
            assert!(
                head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())),
                "{what}: {head}"
            );
        }
        // And the server goes on.
        server.client().await;
    })
    .await;
}

#[tokio::test]
async fn an_end_of_a_handler_has_its_close_code() {
    async fn handler(mut ws: WebSocket) -> Result<(), Error> {
        match ws.recv().await?.as_ref().and_then(|message| message.as_text()) {
            Some("return") => Ok(()),
            Some("fail") => Err(Error::Io(Arc::new(io::Error::other("told to")))),
            _ => panic!("told to"),
        }
    }

    bounded(async {
        let server = Running::start(ServerPolicy::default(), handler).await;
        for (told, code) in [
            ("return", 1000_u16),
            ("fail", 1011),
            ("panic", 1011),
            ("return", 1000),
        ] {
            let mut peer = server.client().await;
            peer.send(&Frame::text(told)).await;
            let (opcode, payload) = peer.next().await;
            assert_eq!(opcode, 0x88, "{told}");
            assert!(payload.starts_with(&code.to_be_bytes()), "{told}: {payload:?}");
            peer.send(&Frame::close_with(code, "")).await;
            assert_eq!(peer.frame().await, None, "{told}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_tells_clients_and_ends_as_soon_as_they_have_gone() {
    bounded(async {
        let server = Running::echo().await;
        let mut peers = Vec::new();
        for _ in 0..3 {
            peers.push(server.client().await);
        }
        server.connections(3).await;
        let clients = tokio::spawn(async {
            for mut peer in peers {
                let (opcode, payload) = peer.next().await;
                assert_eq!((opcode, &payload[..2]), (0x88, &1001_u16.to_be_bytes()[..]));
                peer.send(&Frame::close_with(1001, "")).await;
                assert_eq!(peer.frame().await, None);
            }
        });
        let (ended, took) = server.stop(Duration::from_secs(20)).await;
        assert_eq!((ended.finished, ended.aborted), (3, 0));
        assert!(took < Duration::from_secs(10), "{took:?}");
        clients.await.expect("no panic");
        no_task_is_left().await;
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_aborts_who_does_not_answer_at_its_deadline() {
    bounded(async {
        let server = Running::echo().await;
        let mut peer = server.client().await;
        server.connections(1).await;
        let (ended, took) = server.stop(MOMENT).await;
        assert_eq!((ended.finished, ended.aborted), (0, 1));
        assert!(
            took >= MOMENT && took < MOMENT + Duration::from_secs(1),
            "{took:?}"
        );
        assert_eq!(peer.rest().await.len(), 1);
        no_task_is_left().await;
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_refuses_handshakes_in_progress_with_503() {
    bounded(async {
        let server = Running::echo().await;
        let mut peer = Peer::raw(server.stream().await, Sender::Client);
        peer.send_bytes(b"GET / HTTP/1.1\r\nHost: loc").await;
        // The connection is accepted by now, since a later one is.
        let mut later = server.client().await;
        let address = server.address;
        let clients = tokio::spawn(async move {
            let head = peer.head().await;
            assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{head}");
            assert_eq!(peer.rest_of_bytes().await, b"server shuts down\n");
            drop(peer);
            assert_eq!(later.next().await.0, 0x88);
        });
        let (_, took) = server.stop(Duration::from_secs(20)).await;
        assert!(took < Duration::from_secs(10), "{took:?}");
        clients.await.expect("no panic");
        let refused = TcpStream::connect(address).await;
        assert_eq!(
            refused.map(drop).map_err(|error| error.kind()),
            Err(io::ErrorKind::ConnectionRefused)
        );
    })
    .await;
}

#[tokio::test]
async fn a_server_keeps_the_deadlines_of_all_its_connections() {
    bounded(async {
        let server = Running::echo().await;
        let mut peers = [
            server.client().await,
            server.client().await,
            server.client().await,
        ];
        server.connections(peers.len()).await;
        // From here on the clock moves when all sleep; so far, less than half a second has passed.
        tokio::time::pause();
        let start = tokio::time::Instant::now();
        let since = || (start.elapsed() + Duration::from_millis(500)).as_secs();
        for peer in &mut peers {
            assert_eq!((peer.next().await.0, since()), (0x89, 20));
        }
        let [first, silent @ ..] = &mut peers;
        first.send(&Frame::text("still here")).await;
        assert_eq!(first.next().await.0, 0x81);
        for peer in silent {
            let (opcode, payload) = peer.next().await;
            assert_eq!((opcode, since()), (0x88, 40));
            assert_eq!(payload[..2], 1011_u16.to_be_bytes());
        }
        assert_eq!((first.next().await.0, since()), (0x89, 40));
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_of_an_idle_server_ends_at_once() {
    bounded(async {
        let (ended, took) = Running::echo().await.stop(Duration::from_secs(20)).await;
        assert_eq!((ended.finished, ended.aborted), (0, 0));
        assert!(took < Duration::from_secs(5), "{took:?}");
    })
    .await;
}

#[tokio::test]
async fn the_favourite_subprotocol_of_the_server_is_chosen() {
    bounded(async {
        let policy = ServerPolicy::default()
            .subprotocols(["v2", "v1"])
            .expect("tokens");
        let (sender, mut chosen) = tokio::sync::mpsc::unbounded_channel();
        let server = Running::start(policy, move |ws: WebSocket| {
            let sender = sender.clone();
            async move {
                sender.send(ws.subprotocol()).expect("wanted");
                Ok(())
            }
        })
        .await;
        for (offers, expected) in [(&["v1", "v2"][..], "v2"), (&["v1", "v0"], "v1")] {
            let mut connect = connect(server.url());
            for offer in offers {
                connect = connect.subprotocol(*offer);
            }
            let ws = connect.await.expect("a connection");
            assert_eq!(ws.subprotocol().as_deref(), Some(expected));
            assert_eq!(chosen.recv().await.expect("a handler").as_deref(), Some(expected));
        }
        for offers in [&["v3"][..], &[]] {
            let mut connect = connect(server.url());
            for offer in offers {
                connect = connect.subprotocol(*offer);
            }
            let refused = connect.await.expect_err("nothing in common");
            assert_eq!(refused.status(), Some(400), "{offers:?}");
            let body = refused.response().map(|response| response.content().to_vec());
            assert_eq!(
                body.as_deref(),
                Some(&b"no common subprotocol\n"[..]),
                "{offers:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_may_be_answered_without_an_upgrade() {
    bounded(async {
        let policy = ServerPolicy::default().on_request(|request: &Request| match request.path() {
            "/health" => Some(Response::new(200).expect("a final status").body("well\n")),
            "/secret" => Some(Response::new(403).expect("a final status")),
            _ => None,
        });
        let server = Running::start(policy, |ws: WebSocket| echo(ws)).await;
        let mut peer = Peer::raw(server.stream().await, Sender::Client);
        peer.send_bytes(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await;
        assert!(peer.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
        assert_eq!(peer.rest_of_bytes().await, b"well\n");
        let refused = connect(server.url() + "secret").await.expect_err("forbidden");
        assert_eq!(refused.status(), Some(403));
        connect(server.url()).await.expect("a connection");
    })
    .await;
}

#[tokio::test]
async fn a_handler_that_drops_its_connection_leaves_it_to_be_closed_in_the_background() {
    bounded(async {
        let (sender, mut senders) = tokio::sync::mpsc::unbounded_channel::<oneshot::Sender<()>>();
        let server = Running::start(ServerPolicy::default(), move |ws: WebSocket| {
            let (release, released) = oneshot::channel();
            sender.send(release).expect("wanted");
            async move {
                drop(ws);
                released.await.ok();
                Ok(())
            }
        })
        .await;
        let mut peer = server.client().await;
        assert_eq!(peer.next().await, (0x88, vec![0x03, 0xe8]));
        peer.send(&Frame::close_with(1000, "")).await;
        assert_eq!(peer.frame().await, None);
        drop(peer);
        senders
            .recv()
            .await
            .expect("a handler")
            .send(())
            .expect("it waits");
        server.stop(Duration::from_secs(20)).await;
        no_task_is_left().await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_vanishes_leaves_no_task() {
    bounded(async {
        let ended = Arc::new(AtomicUsize::new(0));
        let count = ended.clone();
        let server = Running::start(ServerPolicy::default(), move |ws: WebSocket| {
            let count = count.clone();
            async move {
                let end = echo(ws).await;
                count.fetch_add(1, Ordering::SeqCst);
                end
            }
        })
        .await;
        for _ in 0..10 {
            let mut peer = server.client().await;
            peer.send(&Frame::text("half").more()).await;
        }
        while ended.load(Ordering::SeqCst) < 10 {
            tokio::task::yield_now().await;
        }
        server.connections(0).await;
        server.stop(MOMENT).await;
        no_task_is_left().await;
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_accept_drops_its_stream() {
    bounded(async {
        let (near, far) = duplex(1 << 16);
        let mut peer = Peer::raw(far, Sender::Client);
        peer.send_bytes(&REQUEST[..40]).await;
        assert!(futures_util::FutureExt::now_or_never(Accept::new().accept(near)).is_none());
        assert_eq!(peer.rest_of_bytes().await, b"");
        no_task_is_left().await;
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_refused_is_named_to_who_accepts() {
    bounded(async {
        let (near, far) = duplex(1 << 16);
        let mut peer = Peer::raw(far, Sender::Client);
        peer.send_bytes(request("GET", "PUT").as_bytes()).await;
        let read = async {
            let bytes = peer.rest_of_bytes().await;
            drop(peer);
            bytes
        };
        let (end, bytes) = tokio::join!(async { Accept::new().accept(near).await.map(drop) }, read);
        assert!(
            matches!(end, Err(HandshakeError::Request(RequestError::Method { .. }))),
            "{end:?}"
        );
        assert!(bytes.starts_with(b"HTTP/1.1 405 "), "{}", bytes.escape_ascii());
    })
    .await;
}

#[tokio::test]
async fn frames_behind_the_request_in_one_write_are_received() {
    bounded(async {
        let server = Running::echo().await;
        let mut peer = Peer::raw(server.stream().await, Sender::Client);
        let mut bytes = REQUEST.to_vec();
        bytes.extend(Frame::text("early").sent_by(Sender::Client));
        peer.send_bytes(&bytes).await;
        peer.head().await;
        assert_eq!(peer.next().await, (0x81, b"early".to_vec()));
        peer.send(&Frame::close_with(1000, "")).await;
        assert_eq!(
            peer.next().await,
            (0x88, CloseCode::NORMAL.as_u16().to_be_bytes().to_vec())
        );
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_both_have_closed_does_not_wait_for_the_client_to_end_it() {
    bounded(async {
        let server = Running::echo().await;
        let mut peer = server.client().await;
        peer.send(&Frame::text("last")).await;
        peer.send(&Frame::close_with(1000, "")).await;
        // The client's socket is open all the while.
        server.connections(0).await;
        assert_eq!(peer.next().await, (0x81, b"last".to_vec()));
        assert_eq!(peer.next().await, (0x88, 1000_u16.to_be_bytes().to_vec()));
        assert_eq!(peer.frame().await, None);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_sends_on_behind_its_close_still_gets_ours() {
    bounded(async {
        let server = Running::echo().await;
        let mut peer = server.client().await;
        let mut bytes = Frame::close_with(1000, "").sent_by(Sender::Client);
        // More than a buffer takes at once: closing now would reset the connection.
        bytes.resize(32 * 1024, 0);
        peer.send_bytes(&bytes).await;
        assert_eq!(peer.next().await, (0x88, 1000_u16.to_be_bytes().to_vec()));
        assert_eq!(peer.frame().await, None);
    })
    .await;
}
