//! A number that everybody sees and may change, on tokio, with its page.
//!
//! `cargo run -p tidewire-examples --example tokio-counter`, then open <http://127.0.0.1:9001/> in two windows.
//!
//! The page sends `+` or `-`; the server tells all pages the number, and how many of them there are.

use std::env;
use std::error::Error as StdError;

use tidewire::tokio::{Error, Response, Server, ServerPolicy, WebSocket};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What is shared: a watch wakes all who follow it, and whoever is slow skips what is out of date.
type Shared = watch::Sender<State>;

#[derive(Default)]
struct State {
    number: i64,
    users: usize,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let page = Response::new(200)?
        .field("Content-Type", "text/html; charset=utf-8")?
        .body(include_str!("counter.html"));
    let policy =
        ServerPolicy::default().on_request(move |request| (request.path() == "/").then(|| page.clone()));
    let shared = Shared::default();
    Server::new(listener, move |ws| take_part(ws, shared.clone()))
        .policy(policy)
        .await?;
    Ok(())
}

async fn take_part(ws: WebSocket, shared: Shared) -> Result<(), Error> {
    let changes = shared.subscribe();
    shared.send_modify(|state| state.users += 1);
    let ended = follow(ws, &shared, changes).await;
    // However that was.
    shared.send_modify(|state| state.users -= 1);
    ended
}

async fn follow(
    mut ws: WebSocket,
    shared: &Shared,
    mut changes: watch::Receiver<State>,
) -> Result<(), Error> {
    loop {
        // Whichever is not ready may be dropped: no message and no change is lost.
        tokio::select! {
            Ok(()) = changes.changed() => {
                let State { number, users } = *changes.borrow_and_update();
                ws.send(format!(r#"{{"number":{number},"users":{users}}}"#)).await?;
            }
            message = ws.recv() => match message?.as_ref().map(|message| message.as_text()) {
                Some(Some("+")) => shared.send_modify(|state| state.number += 1),
                Some(Some("-")) => shared.send_modify(|state| state.number -= 1),
                // Whoever says anything else was not made by us.
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}
