//! The client that has itself greeted, over TLS, on tokio.
//!
//! `cargo run -p tidewire-examples --example tokio-secure-greeting-client -- 127.0.0.1:9001 certificate.pem`, with
//! `tokio-secure-greeting-server` in another terminal.

use std::env;
use std::error::Error;

use tidewire::tokio::rustls::pki_types::ServerName;
use tidewire::tokio::{ClientTls, Connect};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:9001".into());
    let roots = arguments.next().unwrap_or_else(|| "certificate.pem".into());
    // Trusts this certificate, and what it has signed, alone.
    let tls = ClientTls::roots_from_file(roots)?;
    let stream = TcpStream::connect(address).await?;
    // Whoever answers has to show a certificate for this name, whatever address he was found at.
    let name = ServerName::try_from("localhost")?;
    let stream = TlsConnector::from(tls.config().clone())
        .connect(name, stream)
        .await?;
    // The stream leads there already; the URL says what the server is asked for.
    let mut ws = Connect::new("ws://localhost").over(stream).await?;
    ws.send("Ada").await?;
    let greeting = ws.recv().await?.ok_or("the server closed without a word")?;
    println!("{}", greeting.as_text().unwrap_or("a greeting in bytes"));
    ws.close(1000, "").await?;
    Ok(())
}
