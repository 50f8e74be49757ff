//! A number that everybody sees and may change, on plain threads, with its page.
//!
//! `cargo run -p tidewire-examples --example blocking-counter`, then open <http://127.0.0.1:9001/> in two windows.
//!
//! The page sends `+` or `-`; the server tells all pages the number, and how many of them there are.

use std::collections::HashMap;
use std::env;
use std::error::Error as StdError;
use std::net::TcpListener;
use std::sync::Mutex;

use tidewire::blocking::{ConnectionId, Error, Receiver, Response, Sender, Server, ServerPolicy, WebSocket};

/// What is shared.
#[derive(Default)]
struct State {
    number: i64,
    users: HashMap<ConnectionId, Sender>,
}

fn main() -> Result<(), Box<dyn StdError>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}", listener.local_addr()?);
    let page = Response::new(200)?
        .field("Content-Type", "text/html; charset=utf-8")?
        .body(include_str!("counter.html"));
    let policy =
        ServerPolicy::default().on_request(move |request| (request.path() == "/").then(|| page.clone()));
    let shared = Mutex::new(State::default());
    Server::new(listener, move |ws| take_part(ws, &shared))
        .policy(policy)
        .run()?;
    Ok(())
}

fn take_part(ws: WebSocket, shared: &Mutex<State>) -> Result<(), Error> {
    let id = ws.id();
    let (sender, receiver) = ws.split();
    change(shared, |state| {
        state.users.insert(id, sender);
    });
    let ended = follow(receiver, shared);
    // However that was.
    change(shared, |state| {
        state.users.remove(&id);
    });
    ended
}

fn follow(receiver: Receiver, shared: &Mutex<State>) -> Result<(), Error> {
    for message in receiver {
        match message?.as_text() {
            Some("+") => change(shared, |state| state.number += 1),
            Some("-") => change(shared, |state| state.number -= 1),
            // Whoever says anything else was not made by us.
            _ => {}
        }
    }
    Ok(())
}

/// Changes what is shared, and tells everybody: under the lock, so that all are told the same in the same order.
fn change(shared: &Mutex<State>, change: impl FnOnce(&mut State)) {
    let mut state = shared.lock().expect("no holder panics");
    change(&mut state);
    let State { number, users } = &*state;
    let told = format!(r#"{{"number":{number},"users":{}}}"#, users.len());
    for user in users.values() {
        // Nobody is waited for: one whose queue is full, since he does not read, misses this.
        let _ = user.try_send(told.as_str());
    }
}
