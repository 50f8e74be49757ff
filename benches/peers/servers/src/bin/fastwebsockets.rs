//! fastwebsockets 0.10.0 (Apache-2.0).
//!
//! Features: `simd` (on by default) checks text with simdutf8; `upgrade` does the handshakes through hyper, as its
//! README shows; `unstable-split` is for the broadcast and for TLS. Vectored writes above 1 KiB, answers to pings and to
//! closes are on by default, which the README sets as well.
//!
//! The echo loop is that of its README, with a `FragmentCollector`; its example `echo_server`, which it is benchmarked
//! with, runs it without tokio's budget, and so does this. Over TLS each frame is flushed as well: its documentation
//! asks for that, and only the split halves can do it together with collecting fragments.

use std::future::ready;
use std::io;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use fastwebsockets::upgrade::{UpgradeFut, upgrade};
use fastwebsockets::{
    FragmentCollector, FragmentCollectorRead, Frame, OpCode, Payload, WebSocket, WebSocketError,
    WebSocketWrite, handshake,
};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HOST, UPGRADE};
use hyper::rt::Executor;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use servers::{Can, Options, Role, on_tokio, process, tls};
use tokio::io::{AsyncRead, AsyncWrite, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::unconstrained;

/// The largest message, and one: it takes none that reaches its limit.
const LIMIT: usize = (64 << 20) + 1;

type Stream = TokioIo<Upgraded>;

fn main() -> io::Result<()> {
    let options = Options::read(&[Can::Tls, Can::Broadcast, Can::Client]);
    let acceptor = options.tls.then(tls::acceptor).transpose()?;
    on_tokio::run(async move {
        match (options.role, acceptor) {
            (Role::Echo, None) => {
                let serve = |stream| answer(stream, accepted);
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Echo, Some(acceptor)) => {
                let serve = |stream| {
                    let stream = acceptor.accept(stream);
                    async { answer(stream.await?, accepted_tls).await }
                };
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Broadcast, None) => {
                let all = All::default();
                let serve = |stream| {
                    let all = all.clone();
                    answer(stream, move |upgrade| broadcast(upgrade, all.clone()))
                };
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

/// Answers the request and spawns what becomes of the connection.
async fn answer<S, F>(stream: S, then: impl Fn(UpgradeFut) -> F) -> Result<(), WebSocketError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    F: Future<Output = Result<(), WebSocketError>> + Send + 'static,
{
    let service = service_fn(|mut request: Request<Incoming>| {
        let response = upgrade(&mut request).map(|(response, upgrade)| {
            tokio::spawn(unconstrained(then(upgrade)));
            response
        });
        ready(response)
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    Ok(connection.with_upgrades().await?)
}

async fn accepted(upgrade: UpgradeFut) -> Result<(), WebSocketError> {
    echo(upgrade.await?).await
}

async fn connect(stream: TcpStream) -> Result<WebSocket<Stream>, WebSocketError> {
    let request = Request::get("http://127.0.0.1/")
        .header(HOST, "127.0.0.1")
        .header(UPGRADE, "websocket")
        .header(CONNECTION, "upgrade")
        .header("Sec-WebSocket-Key", handshake::generate_key())
        .header("Sec-WebSocket-Version", "13")
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let (websocket, _) = handshake::client(&Spawn, request, stream).await?;
    Ok(websocket)
}

/// Has hyper run its tasks on tokio.
struct Spawn;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawn {
    fn execute(&self, future: F) {
        tokio::spawn(future);
    }
}

async fn echo(mut websocket: WebSocket<Stream>) -> Result<(), WebSocketError> {
    websocket.set_max_message_size(LIMIT);
    let mut websocket = FragmentCollector::new(websocket);
    loop {
        let frame = websocket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => websocket.write_frame(frame).await?,
            _ => {}
        }
    }
}

async fn accepted_tls(upgrade: UpgradeFut) -> Result<(), WebSocketError> {
    let mut websocket = upgrade.await?;
    websocket.set_max_message_size(LIMIT);
    let (rx, tx) = websocket.split(tokio::io::split);
    let mut rx = FragmentCollectorRead::new(rx);
    let tx = Mutex::new(tx);
    loop {
        let frame = rx.read_frame(&mut |frame| write(&tx, frame)).await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => write(&tx, frame).await?,
            _ => {}
        }
    }
}

async fn write(
    tx: &Mutex<WebSocketWrite<WriteHalf<Stream>>>,
    frame: Frame<'_>,
) -> Result<(), WebSocketError> {
    let mut tx = tx.lock().await;
    tx.write_frame(frame).await?;
    tx.flush().await
}

/// The way to the writing half of each connection.
type All = Arc<Lock<Vec<UnboundedSender<(OpCode, Bytes)>>>>;

async fn broadcast(upgrade: UpgradeFut, all: All) -> Result<(), WebSocketError> {
    let mut websocket = upgrade.await?;
    websocket.set_max_message_size(LIMIT);
    let (rx, tx) = websocket.split(tokio::io::split);
    let mut rx = FragmentCollectorRead::new(rx);
    let (own, queue) = unbounded_channel();
    tokio::spawn(send_each(tx, queue));
    all.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(own.clone());
    loop {
        let frame = rx
            .read_frame(&mut |frame| ready(own.send((frame.opcode, Bytes::copy_from_slice(&frame.payload)))))
            .await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => {
                let payload = Bytes::copy_from_slice(&frame.payload);
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.retain(|tx| tx.send((frame.opcode, payload.clone())).is_ok());
            }
            _ => {}
        }
    }
}

async fn send_each(
    mut tx: WebSocketWrite<WriteHalf<Stream>>,
    mut queue: UnboundedReceiver<(OpCode, Bytes)>,
) -> Result<(), WebSocketError> {
    while let Some((opcode, payload)) = queue.recv().await {
        let frame = Frame::new(true, opcode, None, Payload::Borrowed(&payload));
        tx.write_frame(frame).await?;
        if opcode == OpCode::Close {
            break;
        }
    }
    Ok(())
}
