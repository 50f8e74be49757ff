//! The server that greets, over TLS, on plain threads. `tokio-secure-greeting-server` says how to make a certificate.
//!
//! `cargo run -p tidewire-examples --example blocking-secure-greeting-server -- 127.0.0.1:9001 certificate.pem key.pem`,
//! and `blocking-secure-greeting-client` in another terminal.

use std::env;
use std::error::Error as StdError;
use std::net::TcpListener;

use tidewire::blocking::{Error, Server, ServerTls, WebSocket};

fn main() -> Result<(), Box<dyn StdError>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:9001".into());
    let certificate = arguments.next().unwrap_or_else(|| "certificate.pem".into());
    let key = arguments.next().unwrap_or_else(|| "key.pem".into());
    let tls = ServerTls::files(certificate, key)?;
    let listener = TcpListener::bind(address)?;
    println!("listening on wss://{}", listener.local_addr()?);
    // The handler does not see a difference.
    Server::new(listener, greet).tls(tls).run()?;
    Ok(())
}

fn greet(mut ws: WebSocket) -> Result<(), Error> {
    if let Some(name) = ws.recv()? {
        let name = name.as_text().unwrap_or("whoever speaks in bytes");
        ws.send(format!("Hello, {name}!"))?;
    }
    Ok(())
}
