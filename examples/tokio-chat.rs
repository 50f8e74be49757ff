//! A chat on tokio, with a room for each path:
//! `cargo run --example tokio-chat -p tidewire-examples -- 127.0.0.1:9001`, then `tidewire connect
//! ws://127.0.0.1:9001/tea` in two terminals.

use std::collections::HashMap;
use std::env;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tidewire::tokio::{Error, Membership, Room, WebSocket, serve};
use tokio::net::TcpListener;

/// The rooms by their paths.
type Rooms = Arc<Mutex<HashMap<String, Room>>>;

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let rooms = Rooms::default();
    serve(listener, move |ws| chat(ws, rooms.clone())).await?;
    Ok(())
}

async fn chat(mut ws: WebSocket, rooms: Rooms) -> Result<(), Error> {
    let name = format!("guest {}", ws.id());
    let membership = enter(&ws, &rooms);
    let room = membership.room().clone();
    room.send(format!("{name} has come; here are {}", room.len()));
    let ended = talk(&mut ws, &name, &membership).await;
    drop(membership);
    room.send(format!("{name} has left"));
    ended
}

async fn talk(ws: &mut WebSocket, name: &str, membership: &Membership) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        if let Some(text) = message.as_text() {
            // Waits for nobody: who reads too slowly is disconnected with 1013.
            membership
                .room()
                .send_except(membership, format!("{name}: {text}"));
        }
    }
    Ok(())
}

/// Joins the room of the request's path, which is made for the first and forgotten after the last.
fn enter(ws: &WebSocket, rooms: &Rooms) -> Membership {
    let handshake = ws.handshake();
    let path = handshake.request().map_or("/", |request| request.path());
    let mut rooms = rooms.lock().unwrap_or_else(PoisonError::into_inner);
    rooms.retain(|_, room| !room.is_empty());
    rooms.entry(path.to_owned()).or_default().join(ws)
}
