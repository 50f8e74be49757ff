//! Echoes bytes on tokio.

use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};

use servers::raw::echo;
use servers::{Can, Options, Role, on_tokio};
use tokio::net::TcpStream;

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

/// The sockets of all connections.
type All = Arc<Mutex<Vec<Arc<TcpStream>>>>;

/// Sends what one read brings to all, which is a whole frame: the load waits for one to arrive everywhere.
async fn broadcast(stream: TcpStream, all: All) -> io::Result<()> {
    let stream = Arc::new(stream);
    let lock = || all.lock().unwrap_or_else(PoisonError::into_inner);
    lock().push(stream.clone());
    let mut input = vec![0; 4096];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut input) {
            Ok(0) => return Ok(()),
            Ok(len) => {
                for stream in lock().iter() {
                    // One that has gone, or is slow, misses it; the load would notice.
                    let _ = stream.try_write(&input[..len]);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
