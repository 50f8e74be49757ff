//! The server that greets, over TLS, on tokio.
//!
//! A certificate for this machine, which nobody else trusts, takes one command:
//!
//! ```sh
//! openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout key.pem -out certificate.pem \
//!     -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE
//! ```
//!
//! `cargo run -p tidewire-examples --example tokio-secure-greeting-server -- 127.0.0.1:9001 certificate.pem key.pem`,
//! and `tokio-secure-greeting-client` in another terminal.

use std::env;
use std::error::Error as StdError;

use tidewire::tokio::{Error, Server, ServerTls, WebSocket};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:9001".into());
    let certificate = arguments.next().unwrap_or_else(|| "certificate.pem".into());
    let key = arguments.next().unwrap_or_else(|| "key.pem".into());
    let tls = ServerTls::files(certificate, key)?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on wss://{}", listener.local_addr()?);
    // The handler does not see a difference.
    Server::new(listener, greet).tls(tls).await?;
    Ok(())
}

async fn greet(mut ws: WebSocket) -> Result<(), Error> {
    if let Some(name) = ws.recv().await? {
        let name = name.as_text().unwrap_or("whoever speaks in bytes");
        ws.send(format!("Hello, {name}!")).await?;
    }
    Ok(())
}
