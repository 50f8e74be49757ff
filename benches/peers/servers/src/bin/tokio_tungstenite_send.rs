//! tokio-tungstenite 0.30.0 (MIT), with the loop that most people write: `next`, then `send`, which flushes each
//! message. Everything else is as in `tokio_tungstenite`, which batches and has the broadcast.

use std::io;

use futures_util::{SinkExt as _, StreamExt as _};
use servers::open_tungstenite::{accept, connect};
use servers::{Can, Options, Role, on_tokio, process, tls};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;

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

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut websocket: WebSocketStream<S>) -> Result<(), Error> {
    while let Some(message) = websocket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            websocket.send(message).await?;
        }
    }
    Ok(())
}
