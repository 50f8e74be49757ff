//! A client over a Unix socket, on tokio.
//!
//! `cargo run -p tidewire-examples --example tokio-unix-client -- /tmp/tidewire.sock`, with `tokio-unix-server` in another
//! terminal.

use std::env;
use std::error::Error;

use tidewire::tokio::connect;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).unwrap_or_else(|| "/tmp/tidewire.sock".into());
    // The URL still says what the server is asked for.
    let mut ws = connect("ws://localhost/").unix(path).await?;
    ws.send("hello").await?;
    let echo = ws.recv().await?.ok_or("the server closed without a word")?;
    println!("{}", echo.as_text().unwrap_or("bytes"));
    ws.close(1000, "").await?;
    Ok(())
}
