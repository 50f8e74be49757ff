//! Echoes messages with tidewire on tokio.

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use servers::{Can, Deflate as Wanted, Options, Role, on_tokio, process, tls};
use tidewire_tokio::{
    Config, Deflate, Error, Message, Prepared, Sender, Server, Transport, WebSocket, accept, connect,
};
use tokio::task::JoinSet;

/// Bytes in a message: of the growth that `benches/peers/growth` measures, the last step.
const LONGEST: usize = 64 << 20;

fn main() -> io::Result<()> {
    let options = Options::read(&[
        Can::Tls,
        Can::NoTakeover,
        Can::Takeover,
        Can::Broadcast,
        Can::Client,
    ]);
    on_tokio::run(async move {
        match options.role {
            Role::Client { port, connections } => client(port, connections).await,
            Role::Broadcast => broadcast().await,
            Role::Echo if options.tls => over_tls().await,
            Role::Echo => server(options.deflate).await,
        }
    })
}

async fn echo<S: Transport>(mut ws: WebSocket<S>) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}

async fn server(wanted: Wanted) -> io::Result<()> {
    let config = Config::builder().max_message_size(LONGEST).build();
    let server = Server::new(on_tokio::listen().await?, echo).config(config.map_err(io::Error::other)?);
    let server = match deflate(wanted)? {
        None => server,
        Some(deflate) => server.deflate(deflate),
    };
    server.await.map(drop)
}

fn deflate(wanted: Wanted) -> io::Result<Option<Deflate>> {
    let deflate = Deflate::builder().level(1);
    let deflate = match wanted {
        Wanted::Off => return Ok(None),
        Wanted::NoTakeover => deflate.server_no_context_takeover().client_no_context_takeover(),
        Wanted::Takeover => deflate.server_max_window_bits(15).client_max_window_bits(15),
    };
    deflate.build().map(Some).map_err(io::Error::other)
}

async fn over_tls() -> io::Result<()> {
    let acceptor = tls::acceptor()?;
    on_tokio::accept_each(on_tokio::listen().await?, |stream| {
        let accepting = acceptor.accept(stream);
        async move {
            // Boxed, so that the state of both handshakes leaves the task with them.
            let opening =
                Box::pin(async { Ok::<_, Box<dyn StdError + Send + Sync>>(accept(accepting.await?).await?) });
            Ok::<_, Box<dyn StdError + Send + Sync>>(opening.await?.run(echo).await?)
        }
    })
    .await
}

async fn client(port: u16, connections: usize) -> io::Result<()> {
    process::announce(0)?;
    let url = format!("ws://127.0.0.1:{port}/");
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let ws = connect(&url).await.map_err(io::Error::other)?;
        tasks.spawn(ws.run(echo));
    }
    tasks.join_all().await;
    Ok(())
}

async fn broadcast() -> io::Result<()> {
    let all = Arc::new(Mutex::new(Vec::<Sender>::new()));
    let handler = move |ws: WebSocket| {
        let all = all.clone();
        async move {
            let (tx, mut rx) = ws.split();
            let lock = || all.lock().unwrap_or_else(PoisonError::into_inner);
            lock().push(tx);
            while let Some(message) = rx.recv().await? {
                if matches!(message, Message::Text(_)) {
                    let message = Prepared::new(message);
                    for tx in lock().iter() {
                        // One that has gone, or is slow, misses it; the load would notice.
                        let _ = tx.try_send(&message);
                    }
                }
            }
            Ok::<(), Error>(())
        }
    };
    Server::new(on_tokio::listen().await?, handler).await.map(drop)
}
