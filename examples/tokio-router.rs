//! A server with several paths on tokio: `cargo run --example tokio-router -p tidewire-examples -- 127.0.0.1:9001`.
//!
//! `ws://127.0.0.1:9001/echo` echoes, `ws://127.0.0.1:9001/count/1/3` counts, and `http://127.0.0.1:9001/health` is for
//! those who watch the server. Every other path is 404.

use std::env;
use std::error::Error as StdError;

use tidewire::tokio::{Error, Request, Response, Router, ServerPolicy, WebSocket};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    // A route that is in doubt, since another one has the same paths or its handler takes something else, is an error here.
    Router::new()
        .route("/echo", async |ws: WebSocket, ()| echo(ws).await)?
        .route("/count/{from}/{to}", count)?
        .serve(listener)
        .policy(ServerPolicy::default().on_request(health))
        .await?;
    Ok(())
}

/// Answers a request that is no upgrade; `None` leaves all others to the rules, and then to the router.
fn health(request: &Request) -> Option<Response> {
    match (request.method(), request.path()) {
        ("GET", "/health") => Some(Response::new(200).ok()?.body("ok\n")),
        _ => None,
    }
}

async fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}

/// The types say what the path must have there: `/count/1/many` is 404.
async fn count(ws: WebSocket, (from, to): (u32, u32)) -> Result<(), Error> {
    for number in from..=to {
        ws.send(number.to_string()).await?;
    }
    // Whoever returns closes with 1000, once all has been sent.
    Ok(())
}
