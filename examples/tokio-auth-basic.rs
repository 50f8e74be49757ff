//! Who is it? Said by a user's name and password, in the way of HTTP (Basic, RFC 7617). On tokio.
//!
//! `cargo run -p tidewire-examples --example tokio-auth-basic`, then
//! `curl --include --user "ada:correct horse" http://127.0.0.1:9001` gets 426 and not 401; `curl` knows no WebSocket.
//!
//! It is what programs can do without further ado. Pages cannot: a script may not set header fields of a WebSocket, and
//! browsers differ in what they do with a password that was typed for the site. The password goes along with every
//! handshake, readable for everybody on the way: only ever with TLS. Nothing here slows down who guesses.

use std::env;
use std::error::Error as StdError;

use tidewire::tokio::{BasicAuth, Error, Server, ServerPolicy, WebSocket};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    // `Server::basic_auth` asks a database instead, which may take its time.
    let auth = BasicAuth::fixed("example", [("ada", "correct horse")])?;
    Server::new(listener, serve)
        .policy(ServerPolicy::default().basic_auth(auth))
        .await?;
    Ok(())
}

async fn serve(mut ws: WebSocket) -> Result<(), Error> {
    if let Some(user) = ws.handshake().user() {
        ws.send(format!("Hello, {user}!")).await?;
    }
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}
