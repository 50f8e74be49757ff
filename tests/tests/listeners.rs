//! Where a server's connections may come from: the same in both adapters.

use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tidewire_blocking::{CloseCode, Connect, Message, Socket, WebSocket};
use tidewire_tests::live::{Running, echo, echo_on_threads};
use tokio::sync::mpsc as tokio_mpsc;

/// Longer than any of this takes.
const PATIENCE: Duration = Duration::from_secs(20);

type Failed = Box<dyn std::error::Error + Send + Sync>;

async fn greet_on_tokio(ws: tidewire_tokio::WebSocket) -> Result<(), Failed> {
    ws.send("hello").await?;
    Err("no more to say".into())
}

#[expect(clippy::needless_pass_by_value, reason = "a handler owns its connection")]
fn greet_on_threads(ws: WebSocket) -> Result<(), Failed> {
    ws.send("hello")?;
    Err("no more to say".into())
}

fn connect(address: SocketAddr) -> WebSocket {
    Connect::new(format!("ws://{address}/")).open().expect("a server")
}

fn over(socket: impl Into<Socket>) -> WebSocket {
    let connect = Connect::new("ws://localhost/");
    connect.over(socket.into()).expect("a server")
}

fn check_echo(mut ws: WebSocket) {
    ws.send("hello").expect("an open connection");
    let echo = ws.recv_timeout(PATIENCE).expect("an answer");
    assert_eq!(echo, Some(Message::from("hello")));
    ws.close(1000, "").expect("a code that may be sent");
    assert!(ws.wait_closed().is_clean());
}

#[test]
fn one_server_has_several_listeners() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tokio.sock");
    let listen = path.clone();
    let server = Running::on_tokio(move |listener| {
        let other = std::net::TcpListener::bind("[::1]:0").expect("a port");
        other.set_nonblocking(true).expect("a listener");
        tidewire_tokio::Server::new(listener, echo)
            .listener(tokio::net::TcpListener::from_std(other).expect("a runtime"))
            .listener(tokio::net::UnixListener::bind(listen).expect("a path"))
    });
    check_several(&server, UnixStream::connect(path).expect("a listener"));
    server.stop(PATIENCE);

    let path = folder.path().join("threads.sock");
    let server = Running::on_threads(|listener| {
        tidewire_blocking::Server::new(listener, echo_on_threads)
            .listener(std::net::TcpListener::bind("[::1]:0").expect("a port"))
            .listener(std::os::unix::net::UnixListener::bind(&path).expect("a path"))
    });
    check_several(&server, UnixStream::connect(&path).expect("a listener"));
    server.stop(PATIENCE);
}

fn check_several(server: &Running, unix: UnixStream) {
    let addresses = server.addresses();
    assert_eq!(addresses.len(), 2, "{addresses:?}");
    for address in addresses {
        check_echo(connect(address));
    }
    check_echo(over(unix));
}

#[test]
fn sockets_that_something_else_accepted_are_served() {
    let (hand_over, sockets) = tokio_mpsc::channel(1);
    let server = Running::on_tokio(|listener| tidewire_tokio::Server::new(listener, echo).listener(sockets));
    let (ours, theirs) = tokio::io::duplex(64);
    hand_over
        .try_send(tidewire_tokio::Socket::new(theirs))
        .expect("a server");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut ws = tidewire_tokio::Connect::new("ws://localhost/")
            .over(ours)
            .await
            .expect("a server");
        ws.send("hello").await.expect("an open connection");
        assert_eq!(ws.recv().await.expect("an answer"), Some("hello".into()));
    });
    // A channel that has ended does not end the server.
    drop(hand_over);
    check_echo(connect(server.address()));
    server.stop(PATIENCE);

    let (hand_over, sockets) = std::sync::mpsc::channel();
    let server = Running::on_threads(|listener| {
        tidewire_blocking::Server::new(listener, echo_on_threads).listener(sockets)
    });
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    hand_over.send(theirs.into()).expect("a server");
    check_echo(over(ours));
    drop(hand_over);
    check_echo(connect(server.address()));
    server.stop(PATIENCE);
}

#[test]
fn a_handle_reaches_every_open_connection() {
    for server in [
        Running::on_tokio(|listener| tidewire_tokio::Server::new(listener, echo)),
        Running::on_threads(|listener| tidewire_blocking::Server::new(listener, echo_on_threads)),
    ] {
        let mut clients: Vec<_> = (0..3).map(|_| connect(server.address())).collect();
        for ws in &mut clients {
            // Who is answered is served.
            ws.send("hello").expect("an open connection");
            assert_eq!(ws.recv().expect("an answer"), Some(Message::from("hello")));
        }
        server.tell_all("news");
        for ws in &mut clients {
            assert_eq!(ws.recv().expect("news"), Some(Message::from("news")));
        }
        // Told to all, the connections go on.
        clients.into_iter().for_each(check_echo);
        server.stop(PATIENCE);
    }
}

#[test]
fn what_a_handle_reaches_is_let_go_without_a_trace() {
    for server in [
        Running::on_tokio(|listener| tidewire_tokio::Server::new(listener, greet_on_tokio)),
        Running::on_threads(|listener| tidewire_blocking::Server::new(listener, greet_on_threads)),
    ] {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    server.touch_all();
                }
            });
            let come_and_go = || {
                for _ in 0..400 {
                    let mut ws = connect(server.address());
                    let greeting = ws.recv_timeout(PATIENCE).expect("a greeting");
                    assert_eq!(greeting, Some(Message::from("hello")), "it was not closed before");
                    assert_eq!(ws.wait_closed().code(), CloseCode::INTERNAL_ERROR);
                }
            };
            let clients = [scope.spawn(come_and_go), scope.spawn(come_and_go)];
            let ended = clients.map(thread::ScopedJoinHandle::join);
            is_over.store(true, Ordering::Relaxed);
            for ended in ended {
                ended.expect("all were greeted");
            }
        });
        server.stop(PATIENCE);
    }
}

#[test]
fn more_may_wait_to_be_accepted_than_the_standard_library_lets() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let _inside = runtime.enter();
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let on_threads = tidewire_blocking::listen::bind(any_port).expect("a port");
    let on_tokio = tidewire_tokio::listen::bind(any_port).expect("a port");
    // What the system allows, and enough to tell; nobody accepts.
    let allowed = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
    let many = allowed.trim().parse().unwrap_or(128).min(200);
    for address in [on_threads.local_addr(), on_tokio.local_addr()] {
        let address = address.expect("an address");
        let connect = |_| std::net::TcpStream::connect_timeout(&address, PATIENCE);
        let waiting: Result<Vec<_>, _> = (0..many).map(connect).collect();
        assert_eq!(waiting.expect("room in the queue").len(), many);
    }
}

#[test]
fn several_servers_share_a_port() {
    let address = |bound: std::io::Result<SocketAddr>| bound.expect("an address");
    let first =
        tidewire_blocking::listen::reuse_port("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let shared = address(first.local_addr());
    let servers = [
        Running::on_threads(|other| {
            tidewire_blocking::Server::new(other, |ws: WebSocket| ws.send("threads")).listener(first)
        }),
        Running::on_tokio(move |other| {
            let second = tidewire_tokio::listen::reuse_port(shared).expect("a shared port");
            let handler = async |ws: tidewire_tokio::WebSocket| ws.try_send("tokio");
            tidewire_tokio::Server::new(other, handler).listener(second)
        }),
    ];
    let mut met = std::collections::HashSet::new();
    // The system spreads by address and port: that 200 connections all go one way has a chance of 2 in 2^200.
    for _ in 0..200 {
        let mut ws = connect(shared);
        let name = ws.recv_timeout(PATIENCE).expect("a server");
        met.insert(name.and_then(|name| name.as_text().map(str::to_owned)));
        if met.len() == 2 {
            break;
        }
    }
    assert_eq!(met.len(), 2, "{met:?}");
    for server in servers {
        server.stop(PATIENCE);
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let refused = tidewire_blocking::listen::reuse_port(address(taken.local_addr()));
    assert!(refused.is_err(), "shared with one who does not share");
}

/// Tells the process that it is to serve what it inherits, and with which adapter.
const INHERITS: &str = "TIDEWIRE_TEST_INHERITS";

#[test]
fn what_was_handed_over_is_listened_on() {
    if let Ok(adapter) = std::env::var(INHERITS) {
        return serve_inherited(&adapter);
    }
    for adapter in ["tokio", "threads"] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::empty()).expect("a descriptor to hand over");
        let mut heir = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "what_was_handed_over_is_listened_on"])
            .env(INHERITS, adapter)
            .env("LISTEN_FDS", "1")
            .env("LISTEN_FDS_FIRST_FD", listener.as_raw_fd().to_string())
            .stdout(Stdio::null())
            .spawn()
            .expect("a process");
        drop(listener);
        check_echo(connect(address));
        assert!(heir.wait().expect("its end").success(), "{adapter}");
    }
}

/// Serves one connection.
fn serve_inherited(adapter: &str) {
    let (tell, one_was_served) = std::sync::mpsc::channel();
    let server = if adapter == "tokio" {
        Running::on_tokio(|other| {
            let handler = move |ws| {
                let tell = tell.clone();
                async move { echo(ws).await.map(|()| tell.send(())).map(drop) }
            };
            let listeners = tidewire_tokio::listen::inherited().expect("listeners");
            let server = tidewire_tokio::Server::new(other, handler);
            listeners
                .into_iter()
                .fold(server, tidewire_tokio::Server::listener)
        })
    } else {
        Running::on_threads(|other| {
            let handler = move |ws| echo_on_threads(ws).map(|()| tell.send(())).map(drop);
            let listeners = tidewire_blocking::listen::inherited().expect("listeners");
            let server = tidewire_blocking::Server::new(other, handler);
            listeners
                .into_iter()
                .fold(server, tidewire_blocking::Server::listener)
        })
    };
    assert_eq!(server.addresses().len(), 2);
    one_was_served.recv_timeout(PATIENCE).expect("a connection");
    server.stop(PATIENCE);
    let again = tidewire_blocking::listen::inherited().expect("none");
    assert!(again.is_empty(), "{} inherited twice", again.len());
}
