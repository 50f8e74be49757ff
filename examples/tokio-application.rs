//! A client on tokio made of callbacks, for those who know `WebSocketApp` of Python's `websocket-client`:
//! `cargo run --example tokio-application -p tidewire-examples -- ws://127.0.0.1:9001`.

use std::env;

use tidewire::tokio::{AfterError, ApplicationError, Error, Message, Sender, connect};

#[tokio::main]
async fn main() -> Result<(), ApplicationError> {
    let url = env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001".into());
    connect(url)
        // What `enableTrace(True)` is there.
        .trace(|frame| eprintln!("{frame}"))
        .application()
        .on_open(async |ws: Sender| {
            println!("open");
            ws.send("hello").await
        })
        .on_message(on_message)
        .on_error(|error| {
            println!("{error}");
            // Another attempt follows, or another connection, or the next message.
            AfterError::GoOn
        })
        .on_close(async |closed| {
            println!("closed with {}", closed.code());
            Ok::<_, Error>(())
        })
        // What `run_forever()` is there.
        .run()
        .await
}

/// A callback may be a function, too, and fail with `?`.
async fn on_message(ws: Sender, message: Message) -> Result<(), Error> {
    match message {
        Message::Text(text) => println!("{text}"),
        Message::Binary(bytes) => println!("{} bytes", bytes.len()),
    }
    // Whoever closes with 1000 is done: no other connection follows.
    ws.close(1000, "").await?;
    Ok(())
}
