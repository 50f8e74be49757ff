//! web-socket 0.7.0 (Apache-2.0).
//!
//! Features: it has none. It does no handshakes either, so they are done here, as far as the load needs them.
//!
//! The echo loop is that of its example `autobahn` (its README shows only a client), with that example's buffer for
//! reading, and its check and joining of text and fragments. TLS keeps what the socket does not take at once, so each
//! message is flushed, which on TCP does nothing.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use servers::{Can, Options, Role, on_tokio, process, tls};
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use web_socket::{CloseCode, DataType, Event, MessageType, Stream, WebSocket};

/// The largest message.
const LIMIT: usize = 64 << 20;

fn main() -> io::Result<()> {
    let options = Options::read(&[Can::Tls, Can::Client]);
    let acceptor = options.tls.then(tls::acceptor).transpose()?;
    on_tokio::run(async move {
        match (options.role, acceptor) {
            (Role::Client { port, connections }, None) => {
                let serve = |stream| async { echo(connect(stream).await?).await };
                on_tokio::connect_each(port, connections, serve).await
            }
            (Role::Client { .. }, Some(_)) => process::unsupported("TLS other than to echo"),
            (_, None) => {
                let serve = |stream| async { echo(accept(stream).await?).await };
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (_, Some(acceptor)) => {
                let serve = |stream| {
                    let stream = acceptor.accept(stream);
                    async { echo(accept(stream.await?).await?).await }
                };
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
        }
    })
}

async fn accept<S>(stream: S) -> io::Result<WebSocket<BufReader<S>>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    let head = read_head(&mut stream).await?;
    let key = field(&head, "sec-websocket-key").ok_or(io::ErrorKind::InvalidData)?;
    let digest = Sha1::new()
        .chain_update(key)
        .chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
        .finalize();
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\n\
         Connection: Upgrade\r\n\
         Upgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        STANDARD.encode(digest),
    );
    stream.write_all(response.as_bytes()).await?;
    stream.flush().await?;
    Ok(WebSocket::server(stream))
}

async fn connect(stream: TcpStream) -> io::Result<WebSocket<BufReader<TcpStream>>> {
    let mut stream = BufReader::new(stream);
    // The key need not vary: the load is no cache that could be confused.
    let request = "GET / HTTP/1.1\r\n\
                   Host: 127.0.0.1\r\n\
                   Connection: Upgrade\r\n\
                   Upgrade: websocket\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                   Sec-WebSocket-Version: 13\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let head = read_head(&mut stream).await?;
    if !head.starts_with("HTTP/1.1 101 ") {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(WebSocket::client(stream))
}

async fn read_head<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> io::Result<String> {
    let mut head = String::with_capacity(512);
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
    Some(value.trim())
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut websocket: WebSocket<S>) -> io::Result<()> {
    websocket.max_payload_len = LIMIT;
    let mut joined = Vec::with_capacity(4096);
    loop {
        match websocket.recv_event().await? {
            Event::Data {
                ty: DataType::Complete(ty),
                data,
            } => send(&mut websocket, ty, &data).await?,
            Event::Data {
                ty: DataType::Stream(part),
                data,
            } => {
                joined.extend_from_slice(&data);
                if let Stream::End(ty) = part {
                    send(&mut websocket, ty, &joined).await?;
                    joined.clear();
                }
            }
            Event::Ping(data) => websocket.send_pong(data).await?,
            Event::Pong(_) => {}
            Event::Error(_) => return websocket.close(CloseCode::ProtocolError).await,
            Event::Close { .. } => return websocket.close(()).await,
        }
    }
}

async fn send<S>(websocket: &mut WebSocket<S>, ty: MessageType, data: &[u8]) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match ty {
        MessageType::Binary => websocket.send(data).await?,
        MessageType::Text => {
            let text = str::from_utf8(data).map_err(io::Error::other)?;
            websocket.send(text).await?;
        }
    }
    websocket.flash().await
}
