//! A client on tokio that sends and receives at the same time:
//! `cargo run --example tokio-client -p tidewire-examples -- ws://127.0.0.1:9001`.

use std::env;
use std::error::Error;

use tidewire::tokio::{Message, connect};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001".into());
    // Two halves for two tasks; the connection itself is driven by a third, which keeps it alive meanwhile.
    let (sender, mut receiver) = connect(url).await?.split();
    let sending = tokio::spawn(async move {
        for number in 1..=3 {
            sender.send(format!("message {number}")).await?;
        }
        println!("round trip: {} µs", sender.ping().await?.as_micros());
        sender.send(vec![0xca, 0xfe]).await?;
        Ok::<_, tidewire::tokio::Error>(sender)
    });
    for _ in 0..4 {
        match receiver.recv().await?.ok_or("the server closed early")? {
            Message::Text(text) => println!("text: {text}"),
            Message::Binary(bytes) => println!("binary: {} bytes", bytes.len()),
        }
    }
    // A close waits for the end of the connection, so it is known how that went.
    let sender = sending.await??;
    sender.close(1000, "done").await?;
    println!("closed with {}", sender.wait_closed().await.code());
    Ok(())
}
