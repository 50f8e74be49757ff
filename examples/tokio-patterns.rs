//! What handlers do, in four patterns, each under a path of its own, on tokio.
//!
//! | path | pattern | the handler |
//! |---|---|---|
//! | `/consume` | consumer | does something with each message |
//! | `/produce` | producer | sends whenever there is something to tell |
//! | `/both` | both at once | talks and listens, and neither waits for the other |
//! | `/register` | registration | tells everybody what one of them said |
//!
//! `cargo run -p tidewire-examples --example tokio-patterns`; then `cargo run -- connect ws://127.0.0.1:9001/both`
//! talks to it, for example.

use std::collections::HashMap;
use std::env;
use std::error::Error as StdError;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidewire::tokio::{ConnectionId, Error, Receiver, Router, Sender, WebSocket};
use tokio::net::TcpListener;
use tokio::time::interval;

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let members = Members::default();
    Router::new()
        // Each of the two needs only one half of the connection. Without the half that receives, what the client sends is
        // dropped; its close is seen all the same.
        .route("/consume", |ws: WebSocket, ()| consume(ws.split().1))?
        .route("/produce", |ws: WebSocket, ()| produce(ws.split().0))?
        .route("/both", |ws: WebSocket, ()| both(ws))?
        .route("/register", move |ws: WebSocket, ()| {
            register(ws, members.clone())
        })?
        .serve(listener)
        .await?;
    Ok(())
}

async fn consume(mut receiver: Receiver) -> Result<(), Error> {
    // `None` is a clean close. Any other end is an error, which the server logs before it goes on.
    while let Some(message) = receiver.recv().await? {
        println!("received {} bytes", message.len());
    }
    Ok(())
}

async fn produce(sender: Sender) -> Result<(), Error> {
    let mut ticks = interval(Duration::from_millis(100));
    let mut number = 0;
    // An error says that the client has gone: nobody is left to be told anything.
    while sender.send(format!("tick {number}")).await.is_ok() {
        ticks.tick().await;
        number += 1;
    }
    Ok(())
}

async fn both(ws: WebSocket) -> Result<(), Error> {
    let (sender, receiver) = ws.split();
    // Whichever ends first ends the other.
    tokio::select! {
        ended = consume(receiver) => ended,
        ended = produce(sender) => ended,
    }
}

/// Who is here. (`ServerHandle::senders` gives everybody who is connected to a server, and a `Room` does more about those
/// who read slowly: see `tokio-chat`.)
type Members = Arc<Mutex<HashMap<ConnectionId, Sender>>>;

async fn register(ws: WebSocket, members: Members) -> Result<(), Error> {
    let id = ws.id();
    let (sender, receiver) = ws.split();
    members.lock().expect("no holder panics").insert(id, sender);
    let ended = pass_on(receiver, &members).await;
    // However that was.
    members.lock().expect("no holder panics").remove(&id);
    ended
}

async fn pass_on(mut receiver: Receiver, members: &Members) -> Result<(), Error> {
    while let Some(message) = receiver.recv().await? {
        for member in members.lock().expect("no holder panics").values() {
            // To wait for one who reads slowly would be to hold up all others: he misses this one.
            let _ = member.try_send(message.clone());
        }
    }
    Ok(())
}
