//! yawc 0.5.0 (MPL-2.0: for the benchmark only, its code must not enter tidewire).
//!
//! Features: `simd` checks text with simdutf8. `tls`, on by default, is for its own connector alone; `zlib` is for
//! compression windows of other than 15 bits. What compresses is flate2 with the back end of the whole build, zlib-rs,
//! which goes before the one that yawc enables.
//!
//! The handshake through hyper, the options (text is checked, limits are raised) and the echo loop, plain `next` and
//! `send`, are those of its example `echo_server`, which its README points to. Buffers begin with 8 KiB each, as by
//! default. The numbers in its README are with one of 128 KiB to read, and a loop that flushes once for up to 32
//! messages.

use std::future::ready;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use futures_channel::mpsc::{UnboundedSender, unbounded};
use futures_util::{SinkExt as _, StreamExt as _, future};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use servers::{Can, Deflate, Options, Role, on_tokio, process, tls};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use yawc::{CompressionLevel, Frame, OpCode, Result, UpgradeFut, WebSocket};

/// The largest message.
const LIMIT: usize = 64 << 20;

fn main() -> io::Result<()> {
    let options = Options::read(&[
        Can::Tls,
        Can::NoTakeover,
        Can::Takeover,
        Can::Broadcast,
        Can::Client,
    ]);
    let acceptor = options.tls.then(tls::acceptor).transpose()?;
    let settings = settings(options.deflate);
    on_tokio::run(async move {
        match (options.role, acceptor) {
            (Role::Echo, None) => {
                let serve = |stream| answer(stream, settings.clone(), accepted);
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Echo, Some(acceptor)) => {
                let serve = |stream| {
                    let stream = acceptor.accept(stream);
                    let settings = settings.clone();
                    async { answer(stream.await?, settings, accepted).await }
                };
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Broadcast, None) => {
                let all = All::default();
                let serve = |stream| {
                    let all = all.clone();
                    answer(stream, settings.clone(), move |upgrade| {
                        broadcast(upgrade, all.clone())
                    })
                };
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Client { port, connections }, None) => {
                let serve = |stream| connect(stream, settings.clone());
                on_tokio::connect_each(port, connections, serve).await
            }
            (_, Some(_)) => process::unsupported("TLS other than to echo"),
        }
    })
}

fn settings(deflate: Deflate) -> yawc::Options {
    let settings = yawc::Options::default()
        .with_utf8()
        .with_limits(LIMIT, 2 * LIMIT)
        .with_backpressure_boundary(LIMIT);
    match deflate {
        Deflate::Off => settings,
        Deflate::NoTakeover => settings
            .with_compression_level(CompressionLevel::fast())
            .server_no_context_takeover()
            .client_no_context_takeover(),
        Deflate::Takeover => settings.with_compression_level(CompressionLevel::fast()),
    }
}

/// Answers the request and spawns what becomes of the connection.
async fn answer<S, F>(stream: S, settings: yawc::Options, then: impl Fn(UpgradeFut) -> F) -> Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let service = service_fn(|mut request: Request<Incoming>| {
        let response = WebSocket::upgrade_with_options(&mut request, settings.clone());
        ready(response.map(|(response, upgrade)| {
            tokio::spawn(then(upgrade));
            response
        }))
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    Ok(connection.with_upgrades().await?)
}

async fn accepted(upgrade: UpgradeFut) -> Result<()> {
    echo(upgrade.await?).await
}

async fn connect(stream: TcpStream, settings: yawc::Options) -> Result<()> {
    echo(WebSocket::handshake("ws://127.0.0.1/".parse()?, stream, settings).await?).await
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut websocket: WebSocket<S>) -> Result<()> {
    while let Some(frame) = websocket.next().await {
        if is_data(&frame) {
            websocket.send(frame).await?;
        }
    }
    Ok(())
}

fn is_data(frame: &Frame) -> bool {
    matches!(frame.opcode(), OpCode::Text | OpCode::Binary)
}

/// The way to the sink of each connection.
type All = Arc<Mutex<Vec<UnboundedSender<Frame>>>>;

async fn broadcast(upgrade: UpgradeFut, all: All) -> Result<()> {
    let (outgoing, incoming) = upgrade.await?.split();
    let (tx, rx) = unbounded();
    all.lock().unwrap_or_else(PoisonError::into_inner).push(tx);
    let send = rx.map(Ok).forward(outgoing);
    let receive = incoming.for_each(|frame| {
        if is_data(&frame) {
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|tx| tx.unbounded_send(frame.clone()).is_ok());
        }
        ready(())
    });
    match future::select(send, receive).await {
        future::Either::Left((result, _)) => result,
        future::Either::Right(_) => Ok(()),
    }
}
