//! tokio-tungstenite 0.30.0 (MIT).
//!
//! Features: the handshake alone; it has none for speed. Buffers are as by default, 128 KiB each for input and output;
//! only the limits are raised.
//!
//! Its README has no loop but points to the examples. The echo is that of `echo-server`, the broadcast that of `server`
//! (with the sender served as well). Both forward a stream into the sink, which flushes when the stream has nothing
//! ready: so this server batches what a plain loop of `next` and `send` would write message by message.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use futures_channel::mpsc::{UnboundedSender, unbounded};
use futures_util::{StreamExt as _, TryStreamExt as _, future};
use servers::{Can, Options, Role, on_tokio, process, tls};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message, protocol::WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config, client_async_with_config};

/// The largest message.
const LIMIT: usize = 64 << 20;

fn main() -> io::Result<()> {
    let options = Options::read(&[Can::Tls, Can::Broadcast, Can::Client]);
    let acceptor = options.tls.then(tls::acceptor).transpose()?;
    on_tokio::run(async move {
        match (options.role, acceptor) {
            (Role::Echo, None) => {
                on_tokio::accept_each(on_tokio::listen().await?, async |stream| echo(accept(stream).await?).await).await
            }
            (Role::Echo, Some(acceptor)) => {
                let serve = |stream| {
                    let stream = acceptor.accept(stream);
                    async { echo(accept(stream.await?).await?).await }
                };
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Broadcast, None) => {
                let all = All::default();
                let listener = on_tokio::listen().await?;
                on_tokio::accept_each(listener, |stream| broadcast(stream, all.clone())).await
            }
            (Role::Client { port, connections }, None) => {
                on_tokio::connect_each(port, connections, move |stream| client(stream, port)).await
            }
            (Role::Broadcast | Role::Client { .. }, Some(_)) => process::unsupported("TLS only to echo"),
        }
    })
}
