//! tungstenite 0.30.0 (MIT or Apache-2.0): blocking, a thread for each connection.
//!
//! Features: the handshake alone; it has none for speed. Buffers are as by default, 128 KiB for input and for output;
//! only the limits are raised. The loop is that of its README, threads as there.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use rustls::{ServerConnection, StreamOwned};
use servers::{Can, Options, Role, process, tls};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, WebSocket, accept_with_config, client::client_with_config};

/// The largest message.
const LIMIT: usize = 64 << 20;

fn main() -> io::Result<()> {
    let options = Options::read(&[Can::Tls, Can::Client]);
    let config = options.tls.then(tls::config).transpose()?;
    match (options.role, config) {
        (Role::Client { port, connections }, None) => connect_each(port, connections),
        (Role::Client { .. }, Some(_)) => process::unsupported("TLS other than to echo"),
        (_, None) => accept_each(|stream| echo(accept(stream)?)),
        (_, Some(config)) => accept_each(move |stream| {
            let session = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
            echo(accept(StreamOwned::new(session, stream))?)
        }),
    }
}

fn accept_each(serve: impl Fn(TcpStream) -> Result<(), Error> + Clone + Send + 'static) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    process::announce(listener.local_addr()?.port())?;
    loop {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let serve = serve.clone();
        thread::spawn(move || serve(stream));
    }
}

fn connect_each(port: u16, connections: usize) -> io::Result<()> {
    process::announce(0)?;
    let mut threads = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        threads.push(thread::spawn(|| echo(connect(stream)?)));
    }
    for thread in threads {
        // How a connection ended is of no interest: the load sees it.
        let _ = thread.join();
    }
    Ok(())
}

fn config() -> WebSocketConfig {
    let config = WebSocketConfig::default();
    config.max_message_size(Some(LIMIT)).max_frame_size(Some(LIMIT))
}

fn accept<S: Read + Write>(stream: S) -> io::Result<WebSocket<S>> {
    accept_with_config(stream, Some(config())).map_err(|error| io::Error::other(error.to_string()))
}

fn connect(stream: TcpStream) -> io::Result<WebSocket<TcpStream>> {
    let (websocket, _) = client_with_config("ws://127.0.0.1/", stream, Some(config()))
        .map_err(|error| io::Error::other(error.to_string()))?;
    Ok(websocket)
}

fn echo<S: Read + Write>(mut websocket: WebSocket<S>) -> Result<(), Error> {
    loop {
        let message = websocket.read()?;
        if message.is_binary() || message.is_text() {
            websocket.send(message)?;
        }
    }
}
