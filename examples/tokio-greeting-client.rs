//! A client that has itself greeted, on tokio.
//!
//! `cargo run -p tidewire-examples --example tokio-greeting-client`, with `tokio-greeting-server` in another terminal.

use std::env;
use std::error::Error;

use tidewire::tokio::connect;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001".into());
    let mut ws = connect(url).await?;
    ws.send("Ada").await?;
    let greeting = ws.recv().await?.ok_or("the server closed without a word")?;
    println!("{}", greeting.as_text().unwrap_or("a greeting in bytes"));
    ws.close(1000, "").await?;
    Ok(())
}
