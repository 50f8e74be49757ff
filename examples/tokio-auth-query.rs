//! Who is it? Said by a parameter of the URL's query. On tokio.
//!
//! `cargo run -p tidewire-examples --example tokio-auth-query`, then
//! `cargo run -- connect "ws://127.0.0.1:9001/?token=token-of-ada"`.
//!
//! Any client can do it, browsers too, and nobody else ever has a connection. But URLs are written down: in the logs of
//! every proxy on the way, in those of the server, in bug reports. So a token for a URL should be good for one connection
//! and for a minute; the page gets it by an ordinary request just before. (tidewire itself shows no query in logs.)

use std::env;
use std::error::Error as StdError;

use tidewire::tokio::{Error, Request, Response, Server, ServerPolicy, WebSocket};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    // Refused before there is a connection. A browser tells its page only that it failed, not why.
    let refusal = Response::new(403)?.body("a token is needed\n");
    let policy =
        ServerPolicy::default().on_request(move |request| user(request).is_none().then(|| refusal.clone()));
    Server::new(listener, serve).policy(policy).await?;
    Ok(())
}

async fn serve(mut ws: WebSocket) -> Result<(), Error> {
    if let Some(user) = ws.handshake().request().and_then(user) {
        ws.send(format!("Hello, {user}!")).await?;
    }
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}

fn user(request: &Request) -> Option<&'static str> {
    let parameters = request.query()?.split('&');
    parameters
        .filter_map(|parameter| parameter.strip_prefix("token="))
        .find_map(user_of)
}

/// Where a database would be asked. A real token is random, 128 bits at least, and of characters that need no encoding.
fn user_of(token: &str) -> Option<&'static str> {
    (token == "token-of-ada").then_some("Ada")
}
