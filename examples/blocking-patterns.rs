//! What handlers do, in four patterns, each under a path of its own, on plain threads.
//!
//! | path | pattern | the handler |
//! |---|---|---|
//! | `/consume` | consumer | does something with each message |
//! | `/produce` | producer | sends whenever there is something to tell |
//! | `/both` | both at once | talks and listens, and neither waits for the other |
//! | `/register` | registration | tells everybody what one of them said |
//!
//! `cargo run -p tidewire-examples --example blocking-patterns`; then `cargo run -- connect ws://127.0.0.1:9001/both`
//! talks to it, for example.

use std::collections::HashMap;
use std::env;
use std::error::Error as StdError;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tidewire::blocking::{ConnectionId, Error, Receiver, Router, Sender, WebSocket};

fn main() -> Result<(), Box<dyn StdError>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}", listener.local_addr()?);
    let members = Members::default();
    Router::new()
        // Each of the two needs only one half of the connection. Without the half that receives, what the client sends is
        // dropped; its close is seen all the same.
        .route("/consume", |ws, ()| consume(ws.split().1))?
        .route("/produce", |ws, ()| {
            produce(&ws.split().0);
            Ok::<_, Error>(())
        })?
        .route("/both", |ws, ()| both(ws))?
        .route("/register", move |ws, ()| register(ws, &members))?
        .serve(listener)
        .run()?;
    Ok(())
}

fn consume(receiver: Receiver) -> Result<(), Error> {
    // A clean close ends the loop. Any other end is an error, which the server logs before it goes on.
    for message in receiver {
        println!("received {} bytes", message?.len());
    }
    Ok(())
}

fn produce(sender: &Sender) {
    let mut number = 0;
    // An error says that the client has gone: nobody is left to be told anything.
    while sender.send(format!("tick {number}")).is_ok() {
        thread::sleep(Duration::from_millis(100));
        number += 1;
    }
}

fn both(ws: WebSocket) -> Result<(), Error> {
    let (sender, receiver) = ws.split();
    // A call that waits cannot be given up, so there is a thread for each half. When the client closes, both end.
    thread::spawn(move || produce(&sender));
    consume(receiver)
}

/// Who is here. (`ServerHandle::senders` gives everybody who is connected to a server, and a `Room` does more about those
/// who read slowly: see `blocking-chat`.)
type Members = Arc<Mutex<HashMap<ConnectionId, Sender>>>;

fn register(ws: WebSocket, members: &Members) -> Result<(), Error> {
    let id = ws.id();
    let (sender, receiver) = ws.split();
    members.lock().expect("no holder panics").insert(id, sender);
    let ended = pass_on(receiver, members);
    // However that was.
    members.lock().expect("no holder panics").remove(&id);
    ended
}

fn pass_on(receiver: Receiver, members: &Members) -> Result<(), Error> {
    for message in receiver {
        let message = message?;
        for member in members.lock().expect("no holder panics").values() {
            // To wait for one who reads slowly would be to hold up all others: he misses this one.
            let _ = member.try_send(message.clone());
        }
    }
    Ok(())
}
