//! A clock for browsers, on tokio: the server pushes the time, and serves the page that shows it, on one port.
//!
//! `cargo run -p tidewire-examples --example tokio-clock`, then open <http://127.0.0.1:9001/>.

use std::env;
use std::error::Error as StdError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidewire::tokio::{Error, Response, Server, ServerPolicy, WebSocket};
use tokio::net::TcpListener;
use tokio::time::interval;

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let page = Response::new(200)?
        .field("Content-Type", "text/html; charset=utf-8")?
        .body(include_str!("clock.html"));
    // The page is at `/`; a WebSocket, at any other path.
    let policy =
        ServerPolicy::default().on_request(move |request| (request.path() == "/").then(|| page.clone()));
    Server::new(listener, tell_time).policy(policy).await?;
    Ok(())
}

async fn tell_time(ws: WebSocket) -> Result<(), Error> {
    // The page has nothing to say: without the half that receives, whatever comes is dropped.
    let (sender, _) = ws.split();
    let mut ticks = interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // An error says that the page has been left.
        if sender.send(now.as_millis().to_string()).await.is_err() {
            return Ok(());
        }
    }
}
