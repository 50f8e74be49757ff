//! wtx 0.46.1 (MPL-2.0: for the benchmark only, its code must not enter tidewire), the newest that Rust 1.95 builds.
//!
//! Features: `web-socket-handshake`; `tokio-rustls` for the streams, with ring, which does SHA-1 as well;
//! `optimization` checks text with simdutf8; `flate2` compresses, and asks for zlib-rs, which the whole build has
//! anyway. Masking is vectorized for the processor that the compiler is told of, the same for all servers. Its buffers
//! are empty at first, as by default and in its example.
//!
//! The echo loop is that of its example `web-socket-server`, in which the payload stays in the connection's own buffer.
//! Over TLS each write is flushed as well: it never does that, and the end of a frame could stay with rustls. The
//! broadcast is its example `web-socket-client-concurrent-channel`, from the other end.
//!
//! Compression is always without context takeover. This version cuts a message short that grows by more than 128 bytes
//! when it is compressed, and refuses a short one that shrinks to a few per cent, so that it can be measured with text
//! such as JSON alone.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use servers::{Can, Deflate, Options, Role, on_tokio, process, tls};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_rustls::server::TlsStream;
use wtx::collection::Vector;
use wtx::misc::UriRef;
use wtx::rng::Rng;
use wtx::stream::{Stream, StreamReader, StreamWriter};
use wtx::web_socket::compression::{Flate2, NegotiatedCompression, WindowBits};
use wtx::web_socket::{
    Compression, CompressionLevel, DeflateConfig, Frame, OpCode, WebSocketAcceptor, WebSocketConnector,
    WebSocketOwned, WebSocketPartsOwned, WebSocketPayloadOrigin,
};

fn main() -> io::Result<()> {
    let options = Options::read(&[Can::Tls, Can::NoTakeover, Can::Broadcast, Can::Client]);
    let acceptor = options.tls.then(tls::acceptor).transpose()?;
    on_tokio::run(async move {
        match (options.role, acceptor, options.deflate) {
            (Role::Echo, None, Deflate::Off) => {
                let serve = |stream| accept(stream, ());
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Echo, None, _) => {
                let serve = |stream| accept(stream, Flate2::from(DEFLATE));
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Echo, Some(acceptor), Deflate::Off) => {
                let serve = |stream| {
                    let stream = acceptor.accept(stream);
                    async { accept(Flushed(stream.await?), ()).await }
                };
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Broadcast, None, Deflate::Off) => {
                let all = All::default();
                let serve = |stream| broadcast(stream, all.clone());
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (Role::Client { port, connections }, None, Deflate::Off) => {
                on_tokio::connect_each(port, connections, connect).await
            }
            _ => process::unsupported("TLS and compression each only to echo"),
        }
    })
}

const DEFLATE: DeflateConfig = DeflateConfig {
    client_max_window_bits: WindowBits::Fifteen,
    compression_level: CompressionLevel::One,
    server_max_window_bits: WindowBits::Fifteen,
};

async fn accept<S: Stream, C: Compression<false>>(stream: S, compression: C) -> wtx::Result<()> {
    let acceptor = WebSocketAcceptor::default().compression(compression);
    echo(acceptor.accept(stream).await?).await
}

async fn connect(stream: TcpStream) -> wtx::Result<()> {
    let uri = UriRef::new("ws://127.0.0.1/");
    echo(WebSocketConnector::default().connect(stream, &uri).await?).await
}

async fn echo<C, R, S, const IS_CLIENT: bool>(
    mut websocket: WebSocketOwned<C, R, S, IS_CLIENT>,
) -> wtx::Result<()>
where
    C: NegotiatedCompression,
    R: Rng,
    S: Stream,
{
    let (mut common, mut reader, mut writer) = websocket.split_mut();
    let mut buffer = Vector::new();
    loop {
        let mut frame = reader
            .read_frame(&mut buffer, &mut common, WebSocketPayloadOrigin::Adaptive)
            .await?;
        match frame.op_code() {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => writer.write_frame(&mut common, &mut frame).await?,
            _ => {}
        }
    }
}

/// TLS that keeps nothing back.
struct Flushed(TlsStream<TcpStream>);

impl StreamReader for Flushed {
    async fn read(&mut self, bytes: &mut [u8]) -> wtx::Result<usize> {
        StreamReader::read(&mut self.0, bytes).await
    }
}

impl StreamWriter for Flushed {
    async fn write_all(&mut self, bytes: &[u8]) -> wtx::Result<()> {
        StreamWriter::write_all(&mut self.0, bytes).await?;
        Ok(self.0.flush().await?)
    }

    async fn write_all_vectored(&mut self, parts: &[&[u8]]) -> wtx::Result<()> {
        self.0.write_all_vectored(parts).await?;
        Ok(self.0.flush().await?)
    }
}

type Message = (OpCode, Arc<[u8]>);

/// The way to the writing half of each connection.
type All = Arc<Mutex<Vec<UnboundedSender<Message>>>>;

async fn broadcast(stream: TcpStream, all: All) -> wtx::Result<()> {
    let websocket = WebSocketAcceptor::default().accept(stream).await?;
    let WebSocketPartsOwned {
        mut reader,
        replier,
        mut writer,
    } = websocket.into_split(TcpStream::into_split)?;
    let (tx, mut queue) = unbounded_channel::<Message>();
    tokio::spawn(async move {
        let mut buffer = Vector::new();
        loop {
            select! {
                mut reply = replier.reply_frame() => {
                    if writer.write_reply_frame(&mut reply).await? {
                        break;
                    }
                }
                Some((op_code, payload)) = queue.recv() => {
                    buffer.clear();
                    buffer.extend_from_copyable_slice(&payload)?;
                    writer.write_frame(&mut Frame::new_fin(op_code, &mut buffer)).await?;
                }
            }
        }
        wtx::Result::Ok(())
    });
    all.lock().unwrap_or_else(PoisonError::into_inner).push(tx);
    let mut buffer = Vector::new();
    loop {
        let frame = reader
            .read_frame(&mut buffer, WebSocketPayloadOrigin::Adaptive)
            .await?;
        match frame.op_code() {
            OpCode::Close => return Ok(()),
            op_code @ (OpCode::Text | OpCode::Binary) => {
                let payload: Arc<[u8]> = Arc::from(&**frame.payload());
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.retain(|tx| tx.send((op_code, payload.clone())).is_ok());
            }
            _ => {}
        }
    }
}
