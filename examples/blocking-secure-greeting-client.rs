//! The client that has itself greeted, over TLS, without a runtime.
//!
//! `cargo run -p tidewire-examples --example blocking-secure-greeting-client -- wss://localhost:9001 certificate.pem`, with
//! `blocking-secure-greeting-server` in another terminal.

use std::env;
use std::error::Error;

use tidewire::blocking::{ClientTls, connect};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "wss://localhost:9001".into());
    let roots = arguments.next().unwrap_or_else(|| "certificate.pem".into());
    // Trusts this certificate, and what it has signed, alone; without it, whom the system trusts.
    let tls = ClientTls::roots_from_file(roots)?;
    let mut ws = connect(url).tls(tls).open()?;
    ws.send("Ada")?;
    let greeting = ws.recv()?.ok_or("the server closed without a word")?;
    println!("{}", greeting.as_text().unwrap_or("a greeting in bytes"));
    ws.close(1000, "")?;
    Ok(())
}
