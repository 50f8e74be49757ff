//! A server that calculates, in JSON, on tokio: `cargo run --example tokio-json -p tidewire-examples -- 127.0.0.1:9001`.
//!
//! `{"add": [1, 2, 3]}` is answered with `{"is": 6}`, and what cannot be read with `{"error": "…"}`.

use std::env;
use std::error::Error as StdError;

use serde::{Deserialize, Serialize};
use tidewire::tokio::{Error, WebSocket, serve};
use tokio::net::TcpListener;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    Add(Vec<i64>),
    Negate(i64),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Is(i64),
    Error(String),
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    serve(listener, calculate).await?;
    Ok(())
}

async fn calculate(mut ws: WebSocket) -> Result<(), Error> {
    loop {
        let answer = match ws.recv_json().await {
            Ok(Some(question)) => answer(question),
            Ok(None) => return Ok(()),
            // It says where, and nothing of what was sent; the connection goes on.
            Err(Error::Json(error)) => Answer::Error(error.to_string()),
            Err(error) => return Err(error),
        };
        ws.send_json(&answer).await?;
    }
}

fn answer(question: Question) -> Answer {
    let is = match question {
        Question::Add(numbers) => numbers.into_iter().try_fold(0_i64, i64::checked_add),
        Question::Negate(number) => number.checked_neg(),
    };
    is.map_or_else(|| Answer::Error("too large".into()), Answer::Is)
}
