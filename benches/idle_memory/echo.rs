//! The servers that are measured.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::task::{Poll, ready};
use std::thread;

use tidewire_tokio::{DeflateBuilder, Error, Transport, WebSocket};
use tokio::io::{AsyncWriteExt as _, ReadBuf};

use crate::tls;

/// The stack of a thread that only echoes.
const STACK: usize = 64 * 1024;

/// Serves on one thread.
fn on_tokio<Serving>(
    listener: TcpListener,
    serve: impl FnOnce(tokio::net::TcpListener) -> Serving,
) -> io::Result<()>
where
    Serving: Future<Output = io::Result<()>>,
{
    listener.set_nonblocking(true)?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async { serve(tokio::net::TcpListener::from_std(listener)?).await })
}

/// Echoes bytes.
pub(crate) fn raw_tokio(listener: TcpListener) -> io::Result<()> {
    on_tokio(listener, async |listener| {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(echo_bytes(stream));
        }
    })
}

/// Echoes bytes over TLS.
pub(crate) fn raw_tls(listener: TcpListener) -> io::Result<()> {
    let acceptor = tls::acceptor()?;
    on_tokio(listener, async |listener| {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            // Boxed, both: what the handshake needs leaves the task with it, and the task has the stream once.
            let accepting = Box::pin(acceptor.accept(stream));
            tokio::spawn(async { echo_bytes(Box::new(accepting.await?)).await });
        }
    })
}

/// Echoes bytes, with one input buffer for the thread.
async fn echo_bytes<S: Transport>(mut stream: S) -> io::Result<()> {
    thread_local! {
        static INPUT: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 * 1024]);
    }
    loop {
        let bytes = poll_fn(|cx| {
            INPUT.with_borrow_mut(|input| {
                let mut input = ReadBuf::new(input);
                ready!(Pin::new(&mut stream).poll_read(cx, &mut input))?;
                Poll::Ready(io::Result::Ok(input.filled().to_vec()))
            })
        })
        .await?;
        if bytes.is_empty() {
            return Ok(());
        }
        stream.write_all(&bytes).await?;
        stream.flush().await?;
    }
}

/// Echoes messages, as the README shows it.
pub(crate) fn tidewire_tokio(listener: TcpListener) -> io::Result<()> {
    on_tokio(listener, async |listener| {
        tidewire_tokio::serve(listener, echo).await.map(drop)
    })
}

/// The same, and compresses.
pub(crate) fn tidewire_deflating(listener: TcpListener, deflate: DeflateBuilder) -> io::Result<()> {
    let deflate = deflate.build().map_err(io::Error::other)?;
    on_tokio(listener, async |listener| {
        tidewire_tokio::serve(listener, echo)
            .deflate(deflate)
            .await
            .map(drop)
    })
}

/// Echoes messages over TLS, in a task for each connection.
pub(crate) fn tidewire_tls(listener: TcpListener) -> io::Result<()> {
    let acceptor = tls::acceptor()?;
    on_tokio(listener, async |listener| {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let accepting = acceptor.accept(stream);
            let opening = Box::pin(async { open(accepting.await?).await });
            tokio::spawn(async { opening.await?.run(echo).await.map_err(io::Error::other) });
        }
    })
}

async fn open<S: Transport>(stream: S) -> io::Result<WebSocket<S>> {
    tidewire_tokio::accept(stream).await.map_err(io::Error::other)
}

async fn echo<S: Transport>(mut ws: WebSocket<S>) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}

/// Echoes bytes, in a thread for each connection.
pub(crate) fn raw_threads(listener: &TcpListener) -> io::Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        stream.set_nodelay(true)?;
        thread::Builder::new()
            .stack_size(STACK)
            .spawn(|| echo_on_thread(stream))?;
    }
    Ok(())
}

fn echo_on_thread(mut stream: TcpStream) -> io::Result<()> {
    let mut input = vec![0; 2048];
    loop {
        match stream.read(&mut input)? {
            0 => return Ok(()),
            len => stream.write_all(&input[..len])?,
        }
    }
}

/// Echoes messages, as the README shows it, in a thread for each connection.
pub(crate) fn tidewire_blocking(listener: TcpListener) -> io::Result<()> {
    tidewire_blocking::serve(listener, |mut ws| {
        while let Some(message) = ws.recv()? {
            ws.send(message)?;
        }
        Ok::<(), Error>(())
    })
    .map(drop)
}
