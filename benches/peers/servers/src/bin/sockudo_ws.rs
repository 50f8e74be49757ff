//! sockudo-ws 3.1.0 (MIT).
//!
//! Features: `simd` (masking and the text check choose at run time), `tokio-runtime`, `fastrand` for masking keys, and
//! `permessage-deflate`, all on by default. `avx2` and `avx512` change nothing in its code, and `mimalloc` replaces the
//! allocator of the whole program, which is the application's choice and left as it is for all servers. The stream's
//! type is not erased, as its documentation advises for one thread, and its clock is calibrated at the start, as its
//! README advises. Only the limits are raised.
//!
//! The echo loop is that of its README, plain `next` and `send`; `sockudo_ws_feed` is the other one of its README, which
//! batches. The broadcast is its publish and subscribe, with split streams.

use std::io;
use std::sync::Arc;

use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use servers::{Can, Options, Role, on_tokio, process, tls};
use sockudo_ws::deflate::{DeflateNegotiation, negotiate_server_deflate};
use sockudo_ws::handshake::{
    build_response, client_handshake, generate_accept_key, parse_request, server_handshake,
};
use sockudo_ws::{
    CompressedWebSocketStream, Config, DeflateConfig, Error, Message, PubSub, Role as End, WebSocketStream,
    init_clock,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::unbounded_channel;

/// The largest message.
const LIMIT: usize = 64 << 20;

/// What all subscribe to in a broadcast.
const TOPIC: &str = "all";

fn main() -> io::Result<()> {
    let options = Options::read(&[
        Can::Tls,
        Can::NoTakeover,
        Can::Takeover,
        Can::Broadcast,
        Can::Client,
    ]);
    init_clock();
    let acceptor = options.tls.then(tls::acceptor).transpose()?;
    let deflate = deflate(options.deflate);
    on_tokio::run(async move {
        match (options.role, acceptor, deflate) {
            (Role::Echo, None, None) => {
                let serve = |stream| async { echo(accept(stream).await?).await };
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Echo, None, Some(deflate)) => {
                let serve = |stream| accept_deflate(stream, deflate.clone());
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Echo, Some(acceptor), None) => {
                let serve = |stream| {
                    let stream = acceptor.accept(stream);
                    async { echo(accept(stream.await?).await?).await }
                };
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Broadcast, None, None) => {
                let all = Arc::new(PubSub::new());
                let serve = |stream| broadcast(stream, all.clone());
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Client { port, connections }, None, None) => {
                let serve = |stream| async { echo(connect(stream).await?).await };
                on_tokio::connect_each(port, connections, serve).await
            }
            _ => process::unsupported("TLS and compression each only to echo"),
        }
    })
}

fn config() -> Config {
    Config::builder()
        .max_message_size(LIMIT)
        .max_frame_size(LIMIT)
        .build()
}

fn deflate(wanted: servers::Deflate) -> Option<DeflateConfig> {
    let without_takeover = match wanted {
        servers::Deflate::Off => return None,
        servers::Deflate::NoTakeover => true,
        servers::Deflate::Takeover => false,
    };
    Some(DeflateConfig {
        server_no_context_takeover: without_takeover,
        client_no_context_takeover: without_takeover,
        compression_level: 1,
        compression_threshold: 0,
        ..DeflateConfig::default()
    })
}

async fn accept<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> Result<WebSocketStream<S>, Error> {
    let rest = server_handshake(&mut stream).await?.leftover;
    Ok(WebSocketStream::from_raw_with_leftover(
        stream,
        End::Server,
        config(),
        rest,
    ))
}

async fn connect(mut stream: TcpStream) -> Result<WebSocketStream<TcpStream>, Error> {
    let rest = client_handshake(&mut stream, "127.0.0.1", "/", None)
        .await?
        .leftover;
    Ok(WebSocketStream::from_raw_with_leftover(
        stream,
        End::Client,
        config(),
        rest,
    ))
}

/// As in its Autobahn server: `server_handshake` does not negotiate compression.
async fn accept_deflate(mut stream: TcpStream, policy: DeflateConfig) -> Result<(), Error> {
    let mut head = Vec::with_capacity(4096);
    let (response, deflate, end) = loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(Error::ConnectionClosed);
        }
        if let Some((request, end)) = parse_request(&head)? {
            let deflate = request
                .extensions
                .and_then(|offers| negotiate_server_deflate(offers, &policy));
            let extension = deflate.as_ref().map(DeflateNegotiation::to_response_header);
            let key = generate_accept_key(request.key);
            break (build_response(&key, None, extension.as_deref()), deflate, end);
        }
    };
    stream.write_all(&response).await?;
    let rest = (end < head.len()).then(|| head.split_off(end).into());
    let Some(deflate) = deflate else {
        let websocket = WebSocketStream::from_raw_with_leftover(stream, End::Server, config(), rest);
        return echo(websocket).await;
    };
    let websocket = CompressedWebSocketStream::server_with_leftover(stream, config(), deflate.config, rest);
    echo(websocket).await
}

async fn echo<W>(mut websocket: W) -> Result<(), Error>
where
    W: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
{
    while let Some(message) = websocket.next().await {
        match message? {
            message @ (Message::Text(_) | Message::Binary(_)) => websocket.send(message).await?,
            Message::Close(_) => break,
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
    Ok(())
}

async fn broadcast(stream: TcpStream, all: Arc<PubSub>) -> Result<(), Error> {
    let (mut reader, mut writer) = accept(stream).await?.split();
    let (tx, mut rx) = unbounded_channel();
    let subscriber = all.create_subscriber(tx);
    all.subscribe(subscriber, TOPIC);
    tokio::spawn(async move {
        while let Some(message) = rx.recv().await {
            writer.send(message).await?;
        }
        Ok::<_, Error>(())
    });
    while let Some(Ok(message)) = reader.next().await {
        match message {
            Message::Text(_) | Message::Binary(_) => {
                all.publish(TOPIC, message);
            }
            // After a close, the answer is sent while it is still read.
            Message::Close(_) | Message::Ping(_) | Message::Pong(_) => {}
        }
    }
    all.remove_subscriber(subscriber);
    Ok(())
}
