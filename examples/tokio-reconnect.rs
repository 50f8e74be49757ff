//! A client on tokio that outlives its server, and comes back to the next one:
//! `cargo run --example tokio-reconnect -p tidewire-examples -- ws://127.0.0.1:9001`. Ctrl-C ends it.

use std::env;
use std::time::Duration;

use tidewire::tokio::{Backoff, Error, ReconnectEvent, Retry, StopToken, WebSocket, connect};
use tokio::signal;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let url = env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001".into());
    let stop = StopToken::new();
    let elsewhere = stop.clone();
    tokio::spawn(async move {
        if signal::ctrl_c().await.is_ok() {
            elsewhere.stop();
        }
    });
    // One client of few may come back sooner than one of ten thousand.
    let retry = Retry::default().backoff(Backoff::default().first(Duration::from_secs(1)));
    connect(url)
        .reconnect()
        .retry(retry)
        .stop_token(stop)
        .on_event(report)
        .run(listen)
        .await
}

/// Ends when the connection does. A server that closes with 1000 is done with us; after all else there is another.
async fn listen(mut ws: WebSocket) -> Result<(), Error> {
    ws.send("I am back").await?;
    while let Some(message) = ws.recv().await? {
        println!("{}", message.as_text().unwrap_or("bytes"));
    }
    Ok(())
}

fn report(event: ReconnectEvent<'_>) {
    match event {
        ReconnectEvent::Open => println!("open"),
        ReconnectEvent::Failed { error, .. } => println!("failed: {error}"),
        ReconnectEvent::Closed {
            closed: Some(closed), ..
        } => println!("closed with {}", closed.code()),
        _ => {}
    }
}
