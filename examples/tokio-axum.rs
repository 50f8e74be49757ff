//! A page and an echo beside it, on axum: `cargo run --example tokio-axum -p tidewire-examples -- 127.0.0.1:9001`.

use std::env;
use std::io;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{any, get};
use tidewire::tokio::axum::Upgrade;
use tidewire::tokio::{Accept, Deflate, Error, WebSocket};
use tokio::net::TcpListener;
use tokio::sync::watch;

#[derive(Clone)]
struct App {
    accept: Accept,
    stopping: watch::Receiver<bool>,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}/echo", listener.local_addr()?);
    let (stop, stopping) = watch::channel(false);
    let app = App {
        accept: Accept::new().deflate(Deflate::default()),
        stopping,
    };
    let routes = Router::new()
        .route("/", get("connect to /echo\n"))
        // HTTP/1.1 asks by GET, HTTP/2 by CONNECT.
        .route("/echo", any(open))
        .with_state(app);
    let told = stop.clone();
    let interrupted = async move {
        let _ = tokio::signal::ctrl_c().await;
        told.send_replace(true);
    };
    axum::serve(listener, routes)
        .with_graceful_shutdown(interrupted)
        .await?;
    // axum waits for no connection that has left HTTP; the last handler to end drops the last receiver.
    stop.closed().await;
    Ok(())
}

async fn open(State(app): State<App>, upgrade: Upgrade) -> Response {
    let handler = |ws| echo(ws, app.stopping);
    upgrade.accept(app.accept).on_upgrade(handler).await
}

async fn echo(mut ws: WebSocket, mut stopping: watch::Receiver<bool>) -> Result<(), Error> {
    loop {
        tokio::select! {
            message = ws.recv() => match message? {
                Some(message) => ws.send(message).await?,
                None => return Ok(()),
            },
            _ = stopping.changed() => {
                ws.close(1001, "server shuts down").await?;
                return Ok(());
            }
        }
    }
}
