//! What the tests share: servers that answer, refuse or are silent.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidewire_blocking::socket2::{Domain, Socket, Type};
use tidewire_blocking::{Config, DialError, Error, HandshakeError, Server, SocketOptions, WebSocket};
use tidewire_tests::connect_by;
use tidewire_tests::live::{Adapter, Client, Running};

pub(crate) const URL: &str = "ws://example.com/";

/// Connects to these addresses, and to no name.
pub(crate) fn open(
    adapter: Adapter,
    addresses: &[SocketAddr],
    options: SocketOptions,
) -> Result<Client, HandshakeError> {
    connect_by!(
        adapter,
        URL,
        addresses(addresses.to_vec()),
        socket_options(options)
    )
}

pub(crate) fn plain() -> SocketOptions {
    SocketOptions::default()
}

pub(crate) fn within(timeout: Duration) -> Config {
    let config = Config::builder().open_timeout(Some(timeout)).build();
    config.expect("a timeout that may be set")
}

pub(crate) fn dial_error(opened: Result<Client, HandshakeError>) -> DialError {
    match opened.expect_err("nobody is there") {
        HandshakeError::Dial(error) => *error,
        error => panic!("{error}"),
    }
}

/// Tells each client where it comes from and what it calls the server.
pub(crate) fn tell(mut ws: WebSocket) -> Result<(), Error> {
    let peer = ws.peer_addr().map(|peer| peer.ip().to_string());
    let handshake = ws.handshake();
    let host = handshake
        .request()
        .and_then(|request| request.fields().first("host"));
    ws.send(format!(
        "{} asks {}",
        peer.unwrap_or_default(),
        String::from_utf8_lossy(host.unwrap_or_default())
    ))?;
    while ws.recv()?.is_some() {}
    Ok(())
}

pub(crate) fn server() -> Running {
    Running::on_threads(|listener| Server::new(listener, tell))
}

pub(crate) fn told(client: &mut Client) -> String {
    let message = client.recv().expect("an open connection").expect("a message");
    message.as_text().expect("text").to_owned()
}

/// An address where nobody listens, held so that nobody will.
pub(crate) fn refusing(local: &str) -> (Socket, SocketAddr) {
    let address: SocketAddr = local.parse().expect("an address");
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket.bind(&address.into()).expect("a free port");
    let address = socket.local_addr().expect("an address").as_socket().expect("TCP");
    (socket, address)
}

/// An address that does not answer: its queue has room for one, who is there.
pub(crate) struct Silent {
    pub(crate) address: SocketAddr,
    _held: [Socket; 2],
}

pub(crate) fn silent(local: &str) -> Silent {
    let (listener, address) = refusing(local);
    listener.listen(0).expect("a listener");
    let client = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    client.connect(&address.into()).expect("room for one");
    let next = TcpStream::connect_timeout(&address, Duration::from_millis(50));
    assert_eq!(
        next.map(drop).map_err(|error| error.kind()),
        Err(io::ErrorKind::TimedOut)
    );
    Silent {
        address,
        _held: [listener, client],
    }
}

/// Options whose hook keeps a second hold of each socket, to be looked at.
pub(crate) fn watched(sockets: &Arc<Mutex<Vec<Socket>>>) -> SocketOptions {
    let sockets = Arc::clone(sockets);
    SocketOptions::default().hook(move |socket| {
        sockets.lock().expect("no panic").push(socket.try_clone()?);
        Ok(())
    })
}
