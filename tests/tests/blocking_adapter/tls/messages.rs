//! Messages over TLS, with the other adapter over tokio-rustls as the peer.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use tidewire_blocking::rustls::SupportedProtocolVersion;
use tidewire_blocking::{Accept, Connect, Message, TlsSocket, WebSocket};
use tidewire_tests::live::Certificate;
use tidewire_tokio as tokio_adapter;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{VERSIONS, name, on_tokio};
use crate::support::{PATIENCE, bounded, in_background, listener};

type Socket = WebSocket<TlsSocket<TcpStream>>;

/// Which side is ours.
#[derive(Clone, Copy, Debug)]
enum Role {
    Server,
    Client,
}

/// What the peer does with its connection.
#[derive(Clone, Copy, Debug)]
enum Peer {
    /// Sends every message back.
    Echo,
    /// Sends messages, and receives as many at the same time.
    Exchange,
}

const LARGE: usize = 1 << 20;
const MANY: u8 = 8;

fn message(number: u8) -> Vec<u8> {
    (0..LARGE)
        .map(|place| number ^ place.to_le_bytes()[0] ^ place.to_le_bytes()[1])
        .collect()
}

/// Opens a connection between us and a peer on tokio.
fn open(
    role: Role,
    version: &'static SupportedProtocolVersion,
    peer: Peer,
) -> (Socket, std::sync::mpsc::Receiver<()>) {
    let certificate = Certificate::new();
    let listener = listener();
    let address = listener.local_addr().expect("an address");
    match role {
        Role::Server => {
            let done = on_tokio(client(certificate.client_speaking(version), address, peer));
            let (stream, _) = listener.accept().expect("a client");
            let stream =
                TlsSocket::accept(stream, &certificate.server(), Some(PATIENCE)).expect("the client agrees");
            (Accept::new().accept(stream).expect("a good request"), done)
        }
        Role::Client => {
            let done = on_tokio(server(certificate.server_speaking(version), listener, peer));
            let stream = TcpStream::connect(address).expect("the server listens");
            let stream = TlsSocket::connect(stream, &certificate.client(), "localhost", Some(PATIENCE))
                .expect("the server agrees");
            let ws = Connect::new("ws://localhost/")
                .over(stream)
                .expect("the server accepts");
            (ws, done)
        }
    }
}

async fn client(config: Arc<tokio_rustls::rustls::ClientConfig>, address: SocketAddr, peer: Peer) {
    let stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("a server listens");
    let stream = TlsConnector::from(config)
        .connect(name(), stream)
        .await
        .expect("the server agrees");
    let ws = tokio_adapter::Connect::new("ws://localhost/")
        .over(stream)
        .await
        .expect("the server accepts");
    talk(ws, peer).await;
}

async fn server(config: Arc<tokio_rustls::rustls::ServerConfig>, listener: TcpListener, peer: Peer) {
    listener.set_nonblocking(true).expect("a listener need not block");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    let (stream, _) = listener.accept().await.expect("a client");
    let stream = TlsAcceptor::from(config)
        .accept(stream)
        .await
        .expect("the client agrees");
    let ws = tokio_adapter::accept(stream).await.expect("a good request");
    talk(ws, peer).await;
}

async fn talk<S: tokio_adapter::Transport + Send + 'static>(mut ws: tokio_adapter::WebSocket<S>, peer: Peer) {
    match peer {
        Peer::Echo => {
            while let Some(message) = ws.recv().await.expect("a good end") {
                ws.send(message).await.expect("open");
            }
        }
        Peer::Exchange => {
            let (tx, mut rx) = ws.split();
            let send = async {
                for number in 0..MANY {
                    tx.send(message(number)).await.expect("open");
                }
            };
            let receive = async {
                for number in 0..MANY {
                    let received = rx.recv().await.expect("open").expect("a message");
                    assert!(received == Message::from(message(number)), "message {number}");
                }
            };
            tokio::join!(send, receive);
            assert!(rx.recv().await.expect("a good end").is_none());
        }
    }
}

#[test]
fn messages_of_any_length_come_back_over_tls_in_either_role_and_version() {
    for role in [Role::Server, Role::Client] {
        for version in VERSIONS {
            bounded(move || {
                let (mut ws, done) = open(role, version, Peer::Echo);
                for len in [0, 1, 125, 126, 16_384, 16_385, 65_535, 65_536, 200_000, LARGE] {
                    let text = Message::from("x".repeat(len));
                    ws.send(text.clone()).expect("open");
                    let back = ws.recv().expect("open");
                    assert!(back == Some(text), "{role:?} {version:?}: text of {len} bytes");
                    let bytes = Message::from(vec![0x82; len]);
                    ws.send(bytes.clone()).expect("open");
                    let back = ws.recv().expect("open");
                    assert!(back == Some(bytes), "{role:?} {version:?}: {len} bytes");
                }
                ws.close(1000, "done").expect("a good close");
                assert!(ws.recv().expect("a good end").is_none());
                assert!(ws.closed().is_some_and(|closed| closed.is_clean()));
                done.recv_timeout(PATIENCE).expect("the peer ends well");
            });
        }
    }
}

#[test]
fn large_messages_pass_in_both_directions_at_once() {
    for role in [Role::Server, Role::Client] {
        for version in VERSIONS {
            bounded(move || {
                let (ws, done) = open(role, version, Peer::Exchange);
                let (sender, mut receiver) = ws.split();
                let sending = in_background(move || {
                    for number in 0..MANY {
                        sender.send(message(number)).expect("open");
                    }
                    sender
                });
                for number in 0..MANY {
                    let arrived = receiver.recv().expect("open");
                    assert!(
                        arrived == Some(message(number).into()),
                        "{role:?} {version:?}: message {number}"
                    );
                }
                let sender = sending.recv_timeout(PATIENCE).expect("all leaves");
                sender.close(1000, "").expect("a good close");
                done.recv_timeout(PATIENCE).expect("the peer ends well");
            });
        }
    }
}
