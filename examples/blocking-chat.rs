//! A chat on plain threads, with a room for each path:
//! `cargo run --example blocking-chat -p tidewire-examples -- 127.0.0.1:9001`, then `tidewire connect
//! ws://127.0.0.1:9001/tea` in two terminals.

use std::collections::HashMap;
use std::env;
use std::io;
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

use tidewire::blocking::{Error, Membership, Room, WebSocket, serve};

/// The rooms by their paths.
type Rooms = Mutex<HashMap<String, Room>>;

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}", listener.local_addr()?);
    let rooms = Rooms::default();
    serve(listener, move |ws| chat(ws, &rooms))?;
    Ok(())
}

fn chat(mut ws: WebSocket, rooms: &Rooms) -> Result<(), Error> {
    let name = format!("guest {}", ws.id());
    let membership = enter(&ws, rooms);
    let room = membership.room().clone();
    room.send(format!("{name} has come; here are {}", room.len()));
    let ended = talk(&mut ws, &name, &membership);
    drop(membership);
    room.send(format!("{name} has left"));
    ended
}

fn talk(ws: &mut WebSocket, name: &str, membership: &Membership) -> Result<(), Error> {
    while let Some(message) = ws.recv()? {
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
