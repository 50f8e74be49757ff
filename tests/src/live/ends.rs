use tidewire_tokio::{Accept, Config, Connect, Error, Message, Socket, Transport, WebSocket};
use tokio::io::{DuplexStream, duplex};
use tokio::net::TcpListener;

use super::peer::{REQUEST, response};
use super::{Peer, Script, Trickle};
use crate::reference::Sender;

/// A capacity of pipe for more than a test sends.
pub const ROOMY: usize = 1 << 20;

/// A server and a client, connected by a pipe of `capacity` bytes.
///
/// # Panics
/// Where the handshake fails.
pub async fn pair(config: Config, capacity: usize) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(capacity);
    let connect = Connect::new("ws://localhost/").config(config.clone());
    let accept = Accept::new().config(config);
    let (server, client) = tokio::join!(accept.accept(near), connect.over(far));
    (server.expect("an accepted client"), client.expect("a connection"))
}

/// An endpoint under test and its peer, connected by a pipe that has room. `side` is what is tested.
///
/// # Panics
/// Where the handshake fails.
pub async fn endpoint(side: Sender, config: Config) -> (WebSocket<DuplexStream>, Peer<DuplexStream>) {
    match side {
        Sender::Server => accepted(config, ROOMY).await,
        Sender::Client => connected(config, ROOMY).await,
    }
}

/// A configuration without keepalive, whose timers would hide or hurry others.
///
/// # Panics
/// Never: it contradicts nothing.
pub fn quiet() -> Config {
    Config::builder()
        .keepalive(None)
        .build()
        .expect("no contradiction")
}

/// The length of [`large`]: more than a [`small_queue`] has room for, and than most pipes of the tests.
pub const LARGE: usize = 5 * 1024;

/// A message that fills the write queue of [`small_queue`].
pub fn large() -> Message {
    Message::from(vec![7; LARGE])
}

/// A write queue that a large message fills.
///
/// # Panics
/// Never: it contradicts nothing.
pub fn small_queue() -> Config {
    Config::builder()
        .write_queue(4 * 1024)
        .build()
        .expect("no contradiction")
}

/// A server and a client, connected by TCP.
///
/// # Panics
/// Where they cannot be.
pub async fn tcp_pair() -> (WebSocket, WebSocket) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let connect = async { Connect::new(format!("ws://{address}/")).await };
    let accept = async {
        let (stream, _) = listener.accept().await.expect("a client");
        Accept::new().accept(Socket::from(stream)).await
    };
    let (server, client) = tokio::join!(accept, connect);
    (server.expect("an accepted client"), client.expect("a connection"))
}

/// A server under test and the client it talks to, connected by a pipe of `capacity` bytes.
///
/// # Panics
/// Where the handshake fails.
pub async fn accepted(config: Config, capacity: usize) -> (WebSocket<DuplexStream>, Peer<DuplexStream>) {
    let (near, far) = duplex(capacity);
    let accept = Accept::new().config(config);
    let (server, peer) = tokio::join!(accept.accept(near), Peer::client(far));
    (server.expect("an accepted client"), peer)
}

/// A client under test and the server it talks to, connected by a pipe of `capacity` bytes.
///
/// # Panics
/// Where the handshake fails.
pub async fn connected(config: Config, capacity: usize) -> (WebSocket<DuplexStream>, Peer<DuplexStream>) {
    let (near, far) = duplex(capacity);
    let connect = Connect::new("ws://localhost/").config(config);
    let (client, peer) = tokio::join!(connect.over(near), Peer::server(far));
    (client.expect("a connection"), peer)
}

/// An endpoint under test whose stream moves one byte a call, and the far end of that. `side` is what is tested.
///
/// # Panics
/// Where the handshake fails.
pub async fn trickling(side: Sender, config: Config) -> (WebSocket<Trickle>, Script) {
    let (stream, script) = Script::new();
    let ws = match side {
        Sender::Server => {
            script.feed(REQUEST);
            Accept::new()
                .config(config)
                .accept(stream)
                .await
                .expect("an accepted client")
        }
        Sender::Client => {
            let connect = Connect::new("ws://localhost/").config(config);
            let answer = async {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    tokio::task::yield_now().await;
                    request.extend(script.take_output());
                }
                script.feed(&response(&String::from_utf8_lossy(&request), ""));
            };
            let (ws, ()) = tokio::join!(connect.over(stream), answer);
            ws.expect("a connection")
        }
    };
    script.take_output();
    (ws, script)
}

/// Sends back what comes.
///
/// # Errors
/// As the connection ends.
pub async fn echo<S: Transport>(mut ws: WebSocket<S>) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}

/// The same on threads.
///
/// # Errors
/// As the connection ends.
pub fn echo_on_threads<S: tidewire_blocking::Transport>(
    mut ws: tidewire_blocking::WebSocket<S>,
) -> Result<(), Error> {
    while let Some(message) = ws.recv()? {
        ws.send(message)?;
    }
    Ok(())
}
