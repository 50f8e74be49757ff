//! Who is it? Said by the first message. On tokio.
//!
//! `cargo run -p tidewire-examples --example tokio-auth-first-message`, then `cargo run -- connect ws://127.0.0.1:9001`
//! and say `token-of-ada`.
//!
//! Any client can do it, browsers too, and the token stands in no URL and no log. But there is a connection before it is
//! known whose it is. So such a client gets little time and little room, and whatever comes before the token is not
//! looked at. Without TLS, everybody on the way can read the token.

use std::env;
use std::error::Error as StdError;
use std::time::Duration;

use tidewire::tokio::{CloseCode, Config, Error, Server, WebSocket};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// How long a client may keep to itself who it is.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    Server::new(listener, let_in)
        .config(Config::builder().max_message_size(4096).build()?)
        .await?;
    Ok(())
}

async fn let_in(mut ws: WebSocket) -> Result<(), Error> {
    let first = match timeout(PATIENCE, ws.recv()).await {
        Ok(first) => first?,
        Err(_) => None,
    };
    let token = first.as_ref().and_then(|message| message.as_text());
    match token.and_then(user_of) {
        Some(user) => serve(ws, user).await,
        None => {
            ws.close(CloseCode::POLICY_VIOLATION, "who are you?").await?;
            Ok(())
        }
    }
}

async fn serve(mut ws: WebSocket, user: &str) -> Result<(), Error> {
    ws.send(format!("Hello, {user}!")).await?;
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}

/// Where a database would be asked. A real token is random, 128 bits at least, and kept as its hash alone.
fn user_of(token: &str) -> Option<&'static str> {
    (token == "token-of-ada").then_some("Ada")
}
