//! tokio-tungstenite 0.30.0 (MIT).
//!
//! Features: the handshake alone; it has none for speed. Buffers are as by default, 128 KiB for input and for output;
//! only the limits are raised.
//!
//! Its README has no loop but points to the examples. The echo is that of `echo-server`, the broadcast that of `server`
//! (with the sender served as well). Both forward a stream into the sink, and that flushes when the stream has nothing
//! ready: so this server batches what a plain loop of `next` and `send` would write message by message.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use futures_channel::mpsc::{UnboundedSender, unbounded};
use futures_util::{StreamExt as _, TryStreamExt as _, future};
use servers::open_tungstenite::{accept, connect};
use servers::{Can, Options, Role, on_tokio, process, tls};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

fn main() -> io::Result<()> {
    let options = Options::read(&[Can::Tls, Can::Broadcast, Can::Client]);
    let acceptor = options.tls.then(tls::acceptor).transpose()?;
    on_tokio::run(async move {
        match (options.role, acceptor) {
            (Role::Echo, None) => {
                let serve = |stream| async { echo(accept(stream).await?).await };
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
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
                let serve = |stream| broadcast(stream, all.clone());
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Client { port, connections }, None) => {
                let serve = |stream| async { echo(connect(stream).await?).await };
                on_tokio::connect_each(port, connections, serve).await
            }
            (_, Some(_)) => process::unsupported("TLS other than to echo"),
        }
    })
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(websocket: WebSocketStream<S>) -> Result<(), Error> {
    let (outgoing, incoming) = websocket.split();
    incoming
        .try_filter(|message| future::ready(message.is_text() || message.is_binary()))
        .forward(outgoing)
        .await
}

/// The way to the sink of each connection.
type All = Arc<Mutex<Vec<UnboundedSender<Message>>>>;

async fn broadcast(stream: TcpStream, all: All) -> Result<(), Error> {
    let (outgoing, incoming) = accept(stream).await?.split();
    let (tx, rx) = unbounded();
    all.lock().unwrap_or_else(PoisonError::into_inner).push(tx);
    let send = rx.map(Ok).forward(outgoing);
    let receive = incoming.try_for_each(|message| {
        if message.is_text() || message.is_binary() {
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|tx| tx.unbounded_send(message.clone()).is_ok());
        }
        future::ready(Ok(()))
    });
    future::select(send, receive).await.factor_first().0
}
