//! A client that has itself greeted, without a runtime.
//!
//! `cargo run -p tidewire-examples --example blocking-greeting-client`, with `blocking-greeting-server` in another
//! terminal.

use std::env;
use std::error::Error;

use tidewire::blocking::connect;

fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001".into());
    let mut ws = connect(url).open()?;
    ws.send("Ada")?;
    let greeting = ws.recv()?.ok_or("the server closed without a word")?;
    println!("{}", greeting.as_text().unwrap_or("a greeting in bytes"));
    ws.close(1000, "")?;
    Ok(())
}
