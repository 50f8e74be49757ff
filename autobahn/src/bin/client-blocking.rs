//! The testee `client-blocking`: `client-blocking URL --agent NAME [--client-no-context-takeover]` takes every case the
//! suite at this URL has.

use std::env;
use std::error::Error;

use tidewire::blocking::{self as ws, Connect, WebSocket};
use tidewire_autobahn::{ClientArguments, config};

fn main() -> Result<(), Box<dyn Error>> {
    let ClientArguments { url, agent, deflate } = ClientArguments::parse(env::args())?;
    let config = config()?;
    for case in 1..=case_count(&url)? {
        let ws = Connect::new(format!("{url}/runCase?case={case}&agent={agent}"))
            .config(config.clone())
            .deflate(deflate.clone())
            .open()?;
        // Many cases break the protocol on purpose: how each one ends is for the suite to judge.
        let _ = ws.run(echo);
    }
    // When the report is written the suite ends, with a Close frame or without.
    let _ = ws::connect(format!("{url}/updateReports?agent={agent}"))
        .open()?
        .run(echo);
    Ok(())
}

fn case_count(url: &str) -> Result<u32, Box<dyn Error>> {
    let mut ws = ws::connect(format!("{url}/getCaseCount")).open()?;
    let count = ws.recv()?.ok_or("the suite told no number of cases")?;
    Ok(count.as_text().ok_or("the number of cases is no text")?.parse()?)
}

fn echo(mut ws: WebSocket) -> Result<(), ws::Error> {
    while let Some(message) = ws.recv()? {
        ws.send(message)?;
    }
    Ok(())
}
