//! The client that has itself greeted, over TLS, without a runtime.
//!
//! `cargo run -p tidewire-examples --example blocking-secure-greeting-client -- 127.0.0.1:9001 certificate.pem`, with
//! `blocking-secure-greeting-server` in another terminal.

use std::env;
use std::error::Error;
use std::net::TcpStream;
use std::time::Duration;

use tidewire::blocking::{ClientTls, Connect, TlsSocket};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:9001".into());
    let roots = arguments.next().unwrap_or_else(|| "certificate.pem".into());
    // Trusts this certificate, and what it has signed, alone.
    let tls = ClientTls::roots_from_file(roots)?;
    let stream = TcpStream::connect(address)?;
    // Whoever answers has to show a certificate for this name, whatever address he was found at.
    let stream = TlsSocket::connect(stream, &tls, "localhost", Some(Duration::from_secs(10)))?;
    // The stream leads there already; the URL says what the server is asked for.
    let mut ws = Connect::new("ws://localhost").over(stream)?;
    ws.send("Ada")?;
    let greeting = ws.recv()?.ok_or("the server closed without a word")?;
    println!("{}", greeting.as_text().unwrap_or("a greeting in bytes"));
    ws.close(1000, "")?;
    Ok(())
}
