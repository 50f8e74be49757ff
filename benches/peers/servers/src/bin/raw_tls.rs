//! Echoes bytes over TLS, on tokio.

use std::io;

use servers::{Can, Options, on_tokio, raw, tls};

fn main() -> io::Result<()> {
    Options::read(&[Can::Tls]);
    let acceptor = tls::acceptor()?;
    on_tokio::run(async move {
        on_tokio::accept_each(on_tokio::listen().await?, |stream| {
            let accepting = acceptor.accept(stream);
            async move {
                // Boxed, so that the state of the handshake leaves the task with it.
                raw::echo(Box::pin(accepting).await?).await
            }
        })
        .await
    })
}
