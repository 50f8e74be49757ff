//! Echoes bytes on tokio: what every other server there is compared with.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use servers::{Can, Options, Role, on_tokio};
use tokio::io::{AsyncRead as _, AsyncWrite as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;

/// How much is read at once.
const BUFFER: usize = 256 << 10;

thread_local! {
    /// One for all connections: an idle one owns no buffer.
    static INPUT: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

fn main() -> io::Result<()> {
    let options = Options::read(&[Can::Client, Can::Broadcast]);
    on_tokio::run(async move {
        match options.role {
            Role::Client { port, connections } => on_tokio::connect_each(port, connections, echo).await,
            Role::Echo => on_tokio::accept_each(on_tokio::listen().await?, echo).await,
            Role::Broadcast => {
                let all = All::default();
                let listener = on_tokio::listen().await?;
                on_tokio::accept_each(listener, |stream| broadcast(stream, all.clone())).await
            }
        }
    })
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    while let Some(rest) = poll_fn(|cx| poll_echo(&mut stream, cx)).await? {
        stream.write_all(&rest).await?;
    }
    Ok(())
}

/// Reads once and writes what came; gives what could not be written at once, `None` at the end.
fn poll_echo(stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<Option<Vec<u8>>>> {
    INPUT.with_borrow_mut(|input| {
        let mut stream = Pin::new(stream);
        let mut input = ReadBuf::new(input);
        ready!(stream.as_mut().poll_read(cx, &mut input))?;
        let mut rest = input.filled();
        if rest.is_empty() {
            return Poll::Ready(Ok(None));
        }
        while !rest.is_empty() {
            match stream.as_mut().poll_write(cx, rest)? {
                Poll::Ready(len) => rest = &rest[len..],
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(Some(rest.to_vec())))
    })
}

/// The sockets of all connections.
type All = Arc<Mutex<Vec<Arc<TcpStream>>>>;

/// Sends what one read brings to all, which is a whole frame: the load waits for one to arrive everywhere.
async fn broadcast(stream: TcpStream, all: All) -> io::Result<()> {
    let stream = Arc::new(stream);
    all.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(stream.clone());
    let mut input = vec![0; 4096];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut input) {
            Ok(0) => return Ok(()),
            Ok(len) => {
                for stream in all.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                    // One that has gone, or is slow, misses it; the load would notice.
                    let _ = stream.try_write(&input[..len]);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
