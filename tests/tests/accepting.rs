//! How servers accept where that fails, and whom they accept at a shutdown: the same in both adapters.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tidewire_blocking::WebSocket;
use tidewire_tests::live::{Running, bounded_now, request, upgrade};
use tidewire_tokio::Served;

/// Longer than any of this takes.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long accepting rests.
const REST: Duration = Duration::from_millis(50);

async fn on_tokio(mut ws: tidewire_tokio::WebSocket) -> Result<(), tidewire_tokio::Error> {
    ws.send("hello").await?;
    ws.recv().await.map(drop)
}

fn on_threads(mut ws: WebSocket) -> Result<(), tidewire_blocking::Error> {
    ws.send("hello")?;
    ws.recv().map(drop)
}

/// Fails before each connection that it accepts.
struct Failing<L> {
    listener: L,
    times: u32,
    failed: AtomicU32,
}

impl<L> Failing<L> {
    fn new(listener: L, times: u32) -> Self {
        let failed = AtomicU32::new(0);
        Self {
            listener,
            times,
            failed,
        }
    }

    fn fail(&self) -> io::Result<()> {
        if self.failed.fetch_add(1, Ordering::Relaxed) < self.times {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        self.failed.store(0, Ordering::Relaxed);
        Ok(())
    }
}

impl<L: tidewire_tokio::Listener + Sync> tidewire_tokio::Listener for Failing<L> {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<tidewire_tokio::Socket>> {
        self.fail()?;
        self.listener.poll_accept(cx)
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.listener.local_addr()
    }
}

impl<L: tidewire_blocking::Listener> tidewire_blocking::Listener for Failing<L> {
    fn accept(&self) -> io::Result<tidewire_blocking::Socket> {
        self.fail()?;
        self.listener.accept()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.listener.fd()
    }

    fn prepare(&self) -> io::Result<()> {
        self.listener.prepare()
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.listener.local_addr()
    }
}

#[test]
fn connections_that_fail_while_they_are_accepted_hold_up_nobody() {
    const FAILURES: u32 = 20;
    const CONNECTIONS: u32 = 20;
    for server in [
        Running::on_tokio(|listener| tidewire_tokio::Server::new(Failing::new(listener, FAILURES), on_tokio)),
        Running::on_threads(|listener| {
            tidewire_blocking::Server::new(Failing::new(listener, FAILURES), on_threads)
        }),
    ] {
        let start = Instant::now();
        for _ in 0..CONNECTIONS {
            assert_eq!(upgrade(server.address(), "/", "").status(), "101");
        }
        let took = start.elapsed();
        assert!(took < REST * FAILURES * CONNECTIONS / 2, "{took:?}");
        server.stop(PATIENCE);
    }
}

/// Has nothing but errors, and counts them.
struct Broken {
    ready: UnixStream,
    errors: Arc<AtomicU32>,
}

impl Broken {
    fn new(errors: &Arc<AtomicU32>) -> Self {
        let (mut other, ready) = UnixStream::pair().expect("a pair");
        other.write_all(b"!").expect("room");
        Self {
            ready,
            errors: errors.clone(),
        }
    }

    fn fail(&self) -> io::Error {
        self.errors.fetch_add(1, Ordering::Relaxed);
        io::Error::other("out of order")
    }
}

impl tidewire_tokio::Listener for Broken {
    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<io::Result<tidewire_tokio::Socket>> {
        Poll::Ready(Err(self.fail()))
    }
}

impl tidewire_blocking::Listener for Broken {
    fn accept(&self) -> io::Result<tidewire_blocking::Socket> {
        Err(self.fail())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.ready.as_fd())
    }
}

#[test]
fn a_listener_that_always_fails_is_asked_now_and_then_beside_the_others() {
    const CONNECTIONS: u32 = 10;
    let errors = Arc::new(AtomicU32::new(0));
    let (on_one, on_other) = (Broken::new(&errors), Broken::new(&errors));
    let servers: [Box<dyn FnOnce() -> Running>; 2] = [
        Box::new(|| {
            Running::on_tokio(|listener| tidewire_tokio::Server::new(listener, on_tokio).listener(on_one))
        }),
        Box::new(|| {
            Running::on_threads(|listener| {
                tidewire_blocking::Server::new(listener, on_threads).listener(on_other)
            })
        }),
    ];
    for start in servers {
        let started = Instant::now();
        errors.store(0, Ordering::Relaxed);
        let server = start();
        for _ in 0..CONNECTIONS {
            assert_eq!(upgrade(server.address(), "/", "").status(), "101");
        }
        server.stop(PATIENCE);
        let rows = started.elapsed().as_millis() / REST.as_millis() + 3 + u128::from(CONNECTIONS);
        let errors = errors.load(Ordering::Relaxed);
        assert!(u128::from(errors) <= 64 * rows, "{errors} in {rows} rows");
    }
}

/// Somebody whom the system has accepted.
fn client(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a listener");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Runs a server that was told to stop before anybody was accepted; some clients ask first, others once they are refused.
fn check_crowd(address: SocketAddr, run: impl FnOnce() -> JoinHandle<Served>) {
    // More than tokio does in one go.
    let mut crowd: Vec<_> = (0..300).map(|_| client(address)).collect();
    let (early, late) = crowd.split_at_mut(150);
    let ask = |stream: &mut TcpStream| stream.write_all(request("/", "").as_bytes());
    for stream in &mut *early {
        ask(stream).expect("a connection");
    }
    let server = run();
    for stream in late {
        let mut head = [0; 12];
        stream.read_exact(&mut head).expect("an answer");
        assert_eq!(&head, b"HTTP/1.1 503");
        ask(stream).expect("a server that reads");
    }
    for stream in &mut crowd {
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("an answer, and no reset");
        assert!(answer.ends_with("\r\n\r\nserver shuts down\n"), "{answer}");
    }
    drop(crowd);
    let started = Instant::now();
    assert_eq!(server.join().expect("no panic"), Served::default());
    assert!(started.elapsed() < PATIENCE / 2, "it waits for nobody");
}

#[test]
fn who_waits_to_be_accepted_at_a_shutdown_gets_503() {
    bounded_now(|| {
        for threads in [0, 2] {
            let runtime = match threads {
                0 => tokio::runtime::Builder::new_current_thread().enable_all().build(),
                threads => tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(threads)
                    .enable_all()
                    .build(),
            };
            let runtime = runtime.expect("a runtime");
            let server = {
                let _entered = runtime.enter();
                let listener = tidewire_tokio::listen::bind((Ipv4Addr::LOCALHOST, 0).into());
                tidewire_tokio::Server::new(listener.expect("a port"), on_tokio)
            };
            let handle = server.handle();
            check_crowd(handle.local_addr().expect("an address"), || {
                handle.shutdown(PATIENCE);
                thread::spawn(move || runtime.block_on(server.into_future()).expect("a server"))
            });
        }
        let listener = tidewire_blocking::listen::bind((Ipv4Addr::LOCALHOST, 0).into());
        let server = tidewire_blocking::Server::new(listener.expect("a port"), on_threads);
        let handle = server.handle();
        check_crowd(handle.local_addr().expect("an address"), || {
            handle.shutdown(PATIENCE);
            thread::spawn(move || server.run().expect("a server"))
        });
    });
}

/// Servers of both adapters, with one connection at most where that is asked for, behind a proxy where that is.
fn servers(caps: tidewire_tokio::Caps, proxy: Option<tidewire_tokio::ProxyProtocol>) -> [Running; 2] {
    let other = proxy.clone();
    [
        Running::on_tokio(move |listener| {
            let server = tidewire_tokio::Server::new(listener, on_tokio).caps(caps);
            match proxy {
                Some(proxy) => server.proxy_protocol(proxy),
                None => server,
            }
        }),
        Running::on_threads(move |listener| {
            let server = tidewire_blocking::Server::new(listener, on_threads).caps(caps);
            match other {
                Some(proxy) => server.proxy_protocol(proxy),
                None => server,
            }
        }),
    ]
}

#[test]
fn a_refusal_under_way_at_a_shutdown_arrives() {
    for server in servers(tidewire_tokio::Caps::default().connections(0), None) {
        let mut refused = client(server.address());
        let mut head = [0; 12];
        refused.read_exact(&mut head).expect("an answer");
        assert_eq!(&head, b"HTTP/1.1 503");
        server.shut_down(PATIENCE);
        while TcpStream::connect(server.address()).is_ok() {}
        refused
            .write_all(request("/", "").as_bytes())
            .expect("a server that reads");
        let mut answer = String::new();
        refused
            .read_to_string(&mut answer)
            .expect("an answer, and no reset");
        assert!(answer.ends_with("\r\n\r\ntoo many connections\n"), "{answer}");
        drop(refused);
        server.stop(PATIENCE);
    }
}

#[test]
fn who_owes_a_proxy_header_at_a_shutdown_gets_503() {
    let required = tidewire_tokio::ProxyProtocol::required();
    for server in servers(tidewire_tokio::Caps::default(), Some(required)) {
        let mut late = client(server.address());
        late.write_all(b"PROXY TCP4 192.0.2.1").expect("a connection");
        server.shut_down(PATIENCE);
        let mut answer = String::new();
        late.read_to_string(&mut answer).expect("an answer, and no reset");
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        drop(late);
        server.stop(PATIENCE);
    }
}
