//! TLS over real sockets; its peers are rustls alone, and tokio-rustls with the other adapter.

mod crumbs;
mod ends;
mod handshakes;
mod keeping;
mod messages;
mod records;

use std::future::Future;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::Receiver;

use tidewire_blocking::rustls::pki_types::ServerName;
use tidewire_blocking::rustls::{ClientConnection, StreamOwned, SupportedProtocolVersion, version};
use tidewire_blocking::{Accept, Config, TlsSocket, WebSocket};
use tidewire_tests::live::Certificate;

use crate::support::{PATIENCE, REQUEST, in_background, read_head};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

/// A client by rustls alone.
type Client = StreamOwned<ClientConnection, UnixStream>;
type Ours = TlsSocket<UnixStream>;

fn name() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a name")
}

/// Runs a peer on tokio, in a thread of its own.
fn on_tokio<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Receiver<T> {
    in_background(move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(work)
    })
}

fn pair() -> (UnixStream, UnixStream) {
    let (near, far) = UnixStream::pair().expect("a pair");
    far.set_read_timeout(Some(PATIENCE))
        .expect("a socket has timeouts");
    (near, far)
}

/// A server's side of ours after the handshake of TLS, and its client.
fn shaken(version: &'static SupportedProtocolVersion) -> (Ours, Client) {
    let certificate = Certificate::new();
    let (near, far) = pair();
    let tls = certificate.server();
    let accepting = in_background(move || TlsSocket::accept(near, &tls, Some(PATIENCE)));
    let connection =
        ClientConnection::new(certificate.client_speaking(version), name()).expect("a good configuration");
    let mut client = StreamOwned::new(connection, far);
    while client.conn.is_handshaking() {
        client
            .conn
            .complete_io(&mut client.sock)
            .expect("the server agrees");
    }
    let ours = accepting.recv_timeout(PATIENCE).expect("it returns");
    (ours.expect("the client agrees"), client)
}

/// A server of ours, and the client made by hand that it has accepted.
fn accepted(version: &'static SupportedProtocolVersion, config: Config) -> (WebSocket<Ours>, Client) {
    let (ours, mut client) = shaken(version);
    client.write_all(REQUEST).expect("a pair has room");
    let ws = Accept::new().config(config).accept(ours).expect("a good request");
    read_head(&mut client);
    (ws, client)
}

/// Both sides ours.
fn ours() -> (Ours, Ours) {
    let certificate = Certificate::new();
    let (near, far) = pair();
    let tls = certificate.server();
    let accepting = in_background(move || TlsSocket::accept(near, &tls, Some(PATIENCE)));
    let client = TlsSocket::connect(far, &certificate.client(), "localhost", Some(PATIENCE));
    let server = accepting.recv_timeout(PATIENCE).expect("it returns");
    (server.expect("they agree"), client.expect("they agree"))
}
