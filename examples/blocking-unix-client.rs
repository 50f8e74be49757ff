//! A client over a Unix socket, without a runtime.
//!
//! `cargo run -p tidewire-examples --example blocking-unix-client`, with `blocking-unix-server` in another terminal.
//! Both take a path as an argument.

use std::env;
use std::error::Error;
use std::path::PathBuf;

use tidewire::blocking::connect;

fn main() -> Result<(), Box<dyn Error>> {
    let usual = || env::temp_dir().join("tidewire.sock");
    let path = env::args_os().nth(1).map_or_else(usual, PathBuf::from);
    println!("connecting to {}", path.display());
    // The URL still says what the server is asked for.
    let mut ws = connect("ws://localhost/").unix(path).open()?;
    ws.send("hello")?;
    let echo = ws.recv()?.ok_or("the server closed without a word")?;
    println!("{}", echo.as_text().unwrap_or("bytes"));
    ws.close(1000, "")?;
    Ok(())
}
