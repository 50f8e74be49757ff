//! A client over a Unix socket, without a runtime.
//!
//! `cargo run -p tidewire-examples --example blocking-unix-client -- /tmp/tidewire.sock`, with `blocking-unix-server` in
//! another terminal.

use std::env;
use std::error::Error;

use tidewire::blocking::connect;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).unwrap_or_else(|| "/tmp/tidewire.sock".into());
    // The URL still says what the server is asked for.
    let mut ws = connect("ws://localhost/").unix(path).open()?;
    ws.send("hello")?;
    let echo = ws.recv()?.ok_or("the server closed without a word")?;
    println!("{}", echo.as_text().unwrap_or("bytes"));
    ws.close(1000, "")?;
    Ok(())
}
