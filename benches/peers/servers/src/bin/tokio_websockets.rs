//! tokio-websockets 0.13.3 (MIT).
//!
//! Features: `server` and `client`; `ring` for SHA-1, which its README recommends where rustls uses it; `fastrand`, the
//! cheapest of its sources of masking keys. SIMD needs no feature on stable: masking and the text check choose at run
//! time. An outgoing frame may be as large as the largest message (4 MiB by default), so that each is echoed in one as
//! by the others.
//!
//! The echo loop is that of its README, plain `next` and `send`. For the broadcast each connection is split, as
//! `StreamExt` does, and forwards what it is given.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use futures_channel::mpsc::{UnboundedSender, unbounded};
use futures_util::{SinkExt as _, StreamExt as _, TryStreamExt as _, future};
use servers::{Can, Options, Role, on_tokio, process, tls};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_websockets::{ClientBuilder, Config, Error, Limits, Message, ServerBuilder, WebSocketStream};

/// The largest message.
const LIMIT: usize = 64 << 20;

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

fn config() -> Config {
    Config::default().frame_size(LIMIT)
}

fn limits() -> Limits {
    Limits::default().max_payload_len(Some(LIMIT))
}

async fn accept<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<WebSocketStream<S>, Error> {
    let server = ServerBuilder::new().config(config()).limits(limits());
    let (_, websocket) = server.accept(stream).await?;
    Ok(websocket)
}

async fn connect(stream: TcpStream) -> Result<WebSocketStream<TcpStream>, Error> {
    let client = ClientBuilder::new()
        .uri("ws://127.0.0.1/")
        .map_err(io::Error::other)?;
    let (websocket, _) = client
        .config(config())
        .limits(limits())
        .connect_on(stream)
        .await?;
    Ok(websocket)
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut websocket: WebSocketStream<S>) -> Result<(), Error> {
    while let Some(message) = websocket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            websocket.send(message).await?;
        }
    }
    Ok(())
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
