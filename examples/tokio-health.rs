//! An answer for those who watch the server, on the port that it serves, on tokio.
//!
//! `cargo run -p tidewire-examples --example tokio-health`, then `curl http://127.0.0.1:9001/healthz`.

use std::env;
use std::error::Error as StdError;

use tidewire::tokio::{Error, Response, Server, ServerPolicy, WebSocket};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let healthy = Response::new(200)?.body("ok\n");
    // It sees each request first. Where it has no response, the request goes on its way: an upgrade to the handler, and
    // everything else to the refusal 426.
    let policy = ServerPolicy::default()
        .on_request(move |request| (request.path() == "/healthz").then(|| healthy.clone()));
    Server::new(listener, echo).policy(policy).await?;
    Ok(())
}

async fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}
