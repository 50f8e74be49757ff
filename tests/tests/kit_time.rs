//! Time on threads, moved by hand. Every test here takes it: it is one for the process.

use std::io;
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tidewire_blocking::test::{self, Frame, Pair, Peer, Time};
use tidewire_blocking::{
    Accept, Config, Connect, Error, HandshakeError, Message, ProtocolError, RecvTimeoutError, Server, Socket,
    Transport, WebSocket,
};
use tidewire_tests::live::{bounded_now, echo_on_threads};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Runs a test that has the time, and sees that it took little of the system's.
fn timed(test: impl FnOnce(Time)) {
    bounded_now(|| {
        let time = Time::take();
        let start = Instant::now();
        test(time);
        let took = start.elapsed();
        assert!(took < seconds(5), "{took:?}");
    });
}

fn receive(mut ws: WebSocket) -> JoinHandle<(Result<Option<Message>, Error>, WebSocket)> {
    thread::spawn(move || (ws.recv(), ws))
}

fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("no panic")
}

#[test]
fn time_stands_still_until_it_is_moved() {
    timed(|mut time| {
        let (server, mut peer) = Pair::new().server().expect("they agree");
        let handler = receive(server);
        let almost = Duration::from_nanos(19_999_999_999);
        time.advance(almost);
        peer.send(Frame::text("no ping yet"));
        assert_eq!(join(handler).0.expect("open"), Some("no ping yet".into()));
        assert_eq!(time.elapsed(), almost);
        peer.expect_close(1000);
    });
}

#[test]
fn a_silent_peer_is_given_up_by_the_second() {
    timed(|mut time| {
        let (server, mut peer) = Pair::new().server().expect("they agree");
        let handler = thread::spawn(|| server.run(echo_on_threads));
        time.advance(seconds(20));
        let payload = peer.expect_ping();
        peer.send(Frame::pong(payload));
        // The answer is taken before the time moves, though it was moved at once.
        time.advance(seconds(20));
        peer.expect_ping();
        time.advance(seconds(20));
        peer.expect_close(1011);
        peer.expect_end();
        peer.cut();
        let end = join(handler);
        assert!(
            matches!(end, Err(Error::Protocol(ProtocolError::KeepaliveTimeout { .. }))),
            "{end:?}"
        );
    });
}

/// A stream whose reader, who has all the time in the world, is held up before it reads.
struct HeldUp {
    socket: Socket,
    here: mpsc::Sender<()>,
    gate: Mutex<mpsc::Receiver<()>>,
}

impl Transport for HeldUp {
    fn read(&self, buffer: &mut Vec<u8>, timeout: Option<Duration>) -> io::Result<usize> {
        if timeout.is_none() {
            // Where the test is over, nobody is there, or opens the gate.
            let _ = self.here.send(());
            let _ = self.gate.lock().expect("no panic").recv();
        }
        self.socket.read(buffer, timeout)
    }

    fn write(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<usize> {
        self.socket.write(bytes, timeout)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket.shutdown(how)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.socket.fd()
    }
}

/// A connection whose thread is about to read: what lets it, the peer, and the thread.
type Held = (
    mpsc::Sender<()>,
    Peer,
    JoinHandle<(Result<Option<Message>, Error>, WebSocket<HeldUp>)>,
);

fn held_up() -> Held {
    let (here, arrived) = mpsc::channel();
    let (open, gate) = mpsc::channel();
    let gate = Mutex::new(gate);
    let (socket, far) = test::pipe(1024);
    let receiver = thread::spawn(|| {
        let held_up = HeldUp { socket, here, gate };
        let mut ws = Accept::new().accept(held_up).expect("accepted");
        (ws.recv(), ws)
    });
    let mut peer = Peer::client(far);
    peer.connect(&Connect::new("ws://localhost/")).expect("accepted");
    arrived.recv().expect("a thread that reads");
    (open, peer, receiver)
}

#[test]
fn a_pong_that_a_thread_is_about_to_read_keeps_its_connection() {
    timed(|mut time| {
        let (open, mut peer, receiver) = held_up();
        time.advance(seconds(20));
        let payload = peer.expect_ping();
        peer.send(Frame::pong(payload));
        peer.send(Frame::text("late"));
        time.advance(seconds(20));
        open.send(()).expect("a gate");
        let (result, _ws) = join(receiver);
        assert_eq!(result.expect("open"), Some("late".into()));
    });
}

#[test]
fn a_thread_that_does_not_read_what_has_arrived_ends_its_connection_a_moment_late() {
    timed(|mut time| {
        let (open, mut peer, receiver) = held_up();
        time.advance(seconds(20));
        let payload = peer.expect_ping();
        peer.send(Frame::pong(payload));
        time.advance(seconds(20) + Duration::from_millis(20));
        peer.expect_close(1011);
        peer.expect_end();
        peer.cut();
        drop(open);
        let (result, _ws) = join(receiver);
        let fault = result.expect_err("given up");
        assert!(
            matches!(fault, Error::Protocol(ProtocolError::KeepaliveTimeout { .. })),
            "{fault:?}"
        );
    });
}

#[test]
fn two_ends_keep_each_other_alive_for_an_hour() {
    timed(|mut time| {
        let (server, client) = test::pair();
        let handler = thread::spawn(|| server.run(echo_on_threads));
        let (sender, mut receiver) = client.split();
        let client = thread::spawn(move || receiver.recv());
        time.advance(seconds(3600));
        assert!(!client.is_finished());
        assert!(!handler.is_finished());
        sender.close(1000, "").expect("may be sent");
        assert_eq!(join(client).expect("a clean end"), None);
        join(handler).expect("a clean end");
    });
}

#[test]
fn two_ends_whose_threads_are_elsewhere_are_kept_alive_for_an_hour() {
    timed(|mut time| {
        let (server, mut client) = test::pair();
        time.advance(seconds(3600));
        server.send("still here").expect("open");
        assert_eq!(client.recv().expect("open"), Some("still here".into()));
        assert!(client.metrics().traffic.bytes_received > 0);
    });
}

#[test]
fn a_close_that_is_not_answered_times_out() {
    timed(|mut time| {
        let (client, mut peer) = Pair::new().client().expect("they agree");
        let closing = thread::spawn(move || {
            client.close(1000, "bye").expect("may be sent");
            client.wait_closed()
        });
        assert_eq!(peer.expect_close(1000), "bye");
        time.advance(seconds(9));
        assert!(!closing.is_finished());
        time.advance(seconds(1));
        assert!(!join(closing).is_clean());
        peer.expect_end();
    });
}

#[test]
fn waiting_for_a_message_ends_at_its_moment() {
    timed(|mut time| {
        let (mut server, client) = test::pair();
        let (tell, told) = mpsc::channel();
        let waiting = thread::spawn(move || {
            tell.send(()).expect("the test is there");
            let first = server.recv_timeout(seconds(5));
            (first, server)
        });
        told.recv().expect("it starts");
        // The thread may begin to wait later than it says.
        while !waiting.is_finished() {
            time.advance(seconds(1));
        }
        assert!(time.elapsed() >= seconds(5), "{time:?}");
        let (first, mut server) = join(waiting);
        assert!(matches!(first, Err(RecvTimeoutError::Timeout)), "{first:?}");
        client.send("late").expect("open");
        assert_eq!(server.recv().expect("open"), Some("late".into()));
    });
}

#[test]
fn waiting_for_the_end_ends_at_its_moment() {
    timed(|mut time| {
        let (server, client) = test::pair();
        assert_eq!(server.wait_closed_timeout(Duration::ZERO), None);
        let waiting = thread::spawn(move || (server.wait_closed_timeout(seconds(5)), server));
        // The thread may begin to wait later than that.
        while !waiting.is_finished() {
            time.advance(seconds(1));
        }
        assert!(time.elapsed() >= seconds(5), "{time:?}");
        let (closed, server) = join(waiting);
        assert_eq!(closed, None);
        client.close(4000, "").expect("may be sent");
        let (sender, receiver) = server.split();
        let closed = sender.wait_closed_timeout(Duration::MAX);
        assert_eq!(closed.map(|closed| closed.code()), Some(4000.into()));
        assert_eq!(receiver.wait_closed().code(), 4000.into());
    });
}

#[test]
fn a_request_that_does_not_come_times_out() {
    timed(|mut time| {
        let (near, far) = test::pipe(1024);
        let accepting = thread::spawn(move || Accept::new().accept(near).map(drop));
        let mut peer = Peer::client(far);
        // The thread may not have begun yet.
        while !accepting.is_finished() {
            time.advance(seconds(1));
        }
        assert!(time.elapsed() >= seconds(10), "{time:?}");
        assert_eq!(join(accepting).expect_err("timed out").status(), Some(408));
        assert!(peer.expect_head().starts_with("HTTP/1.1 408 "));
    });
}

#[test]
fn a_response_that_does_not_come_times_out() {
    timed(|mut time| {
        let (near, far) = test::pipe(1024);
        let connecting = thread::spawn(move || Connect::new("ws://localhost/").over(far).map(drop));
        let mut peer = Peer::server(near);
        peer.expect_head();
        time.advance(seconds(10));
        let failed = join(connecting);
        assert!(matches!(failed, Err(HandshakeError::Timeout(_))), "{failed:?}");
        peer.expect_end();
    });
}

#[test]
fn a_peer_that_does_not_read_is_given_up() {
    timed(|mut time| {
        let (mut server, peer) = Pair::new().capacity(100).server().expect("they agree");
        server.try_send("x".repeat(1000)).expect("there is room");
        time.advance(seconds(29));
        assert_eq!(server.closed(), None);
        time.advance(seconds(1));
        let end = server.recv();
        assert!(
            matches!(end, Err(Error::Protocol(ProtocolError::PeerNotReading { .. }))),
            "{end:?}"
        );
        drop(peer);
    });
}

#[test]
fn a_servers_shutdown_ends_by_its_deadline() {
    timed(|mut time| {
        let (sockets, listener) = mpsc::channel();
        let config = Config::builder()
            .close_timeout(seconds(60))
            .build()
            .expect("valid");
        let server = Server::new(listener, echo_on_threads).config(config);
        let handle = server.handle();
        let running = thread::spawn(|| server.run());
        let (near, far) = test::pipe(1024);
        sockets.send(near).expect("a server");
        let mut peer = Peer::client(far);
        peer.connect(&Connect::new("ws://localhost/")).expect("accepted");
        peer.send(Frame::text("in"));
        peer.expect_text("in");
        handle.shutdown(seconds(30));
        peer.expect_close(1001);
        time.advance(seconds(29));
        assert!(!running.is_finished());
        time.advance(seconds(1));
        peer.expect_end();
        let counts = join(running).expect("a listener that works");
        assert_eq!((counts.finished, counts.aborted), (0, 1));
    });
}

#[test]
fn time_goes_on_once_it_is_given_back() {
    timed(|mut time| {
        let (mut server, client) = test::pair();
        time.advance(seconds(10));
        drop(time);
        // Others may stop it meanwhile, but not for ever.
        let first = server.recv_timeout(Duration::from_millis(10));
        assert!(matches!(first, Err(RecvTimeoutError::Timeout)), "{first:?}");
        client.send("well").expect("open");
        assert_eq!(server.recv().expect("open"), Some("well".into()));
    });
}
