//! A client on threads that outlives its server, and takes one connection after the other:
//! `cargo run --example blocking-reconnect -p tidewire-examples -- ws://127.0.0.1:9001`.

use std::env;
use std::time::Duration;

use tidewire::blocking::{Backoff, Error, HandshakeError, Retry, WebSocket, connect};

fn main() -> Result<(), HandshakeError> {
    let url = env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001".into());
    // One client of few may come back sooner than one of ten thousand.
    let retry = Retry::default().backoff(Backoff::default().first(Duration::from_secs(1)));
    for ws in connect(url).reconnect().retry(retry) {
        println!("open");
        // Whatever the loop does next: to go on with it means another connection.
        match listen(ws?) {
            Ok(()) => break,
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}

fn listen(mut ws: WebSocket) -> Result<(), Error> {
    ws.send("I am back")?;
    while let Some(message) = ws.recv()? {
        println!("{}", message.as_text().unwrap_or("bytes"));
    }
    Ok(())
}
