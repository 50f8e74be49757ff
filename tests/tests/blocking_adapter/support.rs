//! Servers, peers made by hand, and bounded waits.

use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use tidewire_blocking::{Accept, Config, Error, Served, Server, ServerHandle, Transport, WebSocket};
pub(crate) use tidewire_tests::live::echo_on_threads as echo;

/// Longer than anything takes, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server in a thread of its own, shut down when dropped.
pub(crate) struct Running {
    pub(crate) handle: ServerHandle,
    pub(crate) address: SocketAddr,
    pub(crate) served: Receiver<Served>,
}

impl Running {
    pub(crate) fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shutdown(Duration::ZERO);
    }
}

pub(crate) fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("loopback has free ports")
}

pub(crate) fn serve<H>(handler: H) -> Running
where
    H: Fn(WebSocket) -> Result<(), Error> + Send + Sync + 'static,
{
    start(Server::new(listener(), handler))
}

pub(crate) fn start<H>(server: Server<H>) -> Running
where
    H: Fn(WebSocket) -> Result<(), Error> + Send + Sync + 'static,
{
    let handle = server.handle();
    let address = handle.local_addr().expect("a listener has an address");
    let (done, counts) = mpsc::channel();
    thread::spawn(move || done.send(server.run().expect("the listener works")));
    Running {
        handle,
        address,
        served: counts,
    }
}

/// Runs something that may hang in a thread, and fails the test when it does.
pub(crate) fn bounded<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    in_background(work)
        .recv_timeout(PATIENCE)
        .expect("the call returns in time")
}

/// Runs something in a thread; gives its result through the channel.
pub(crate) fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(work()));
    result
}

/// A client made by hand, after its opening handshake.
pub(crate) fn raw_client(address: SocketAddr) -> TcpStream {
    let mut stream = raw(address);
    stream.write_all(REQUEST).expect("the server reads the request");
    let head = read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    stream
}

pub(crate) fn raw(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a socket has timeouts");
    stream
}

/// A server made by hand: accepts one client of ours and shakes hands.
pub(crate) fn raw_server(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().expect("a client comes");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a socket has timeouts");
    let request = read_head(&mut stream);
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .expect("a request has a key");
    let accept = tidewire_proto::handshake::accept_key(key.as_bytes());
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream
        .write_all(response.as_bytes())
        .expect("the client reads the response");
    stream
}

pub(crate) const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

pub(crate) fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(read_exact::<1>(stream));
    }
    String::from_utf8(head).expect("a head is text")
}

pub(crate) fn read_exact<const N: usize>(stream: &mut impl Read) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).expect("the peer sends so much");
    bytes
}

/// All bytes until the end of the stream.
pub(crate) fn read_rest(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream
        .read_to_end(&mut bytes)
        .expect("the peer ends the stream without a reset");
    bytes
}

/// A server of ours on a pair of sockets, and the client made by hand that it has accepted.
pub(crate) fn accepted<S: Transport>(
    config: Config,
    over: impl FnOnce(UnixStream) -> S,
) -> (WebSocket<S>, UnixStream) {
    let (mut peer, ours) = UnixStream::pair().expect("a pair");
    peer.set_read_timeout(Some(PATIENCE))
        .expect("a socket has timeouts");
    peer.write_all(REQUEST).expect("a pair has room");
    let ws = Accept::new()
        .config(config)
        .accept(over(ours))
        .expect("a good request");
    read_head(&mut peer);
    (ws, peer)
}
