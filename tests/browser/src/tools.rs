use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidewire_blocking::{WebSocket, connect};

use crate::BrowserResult;

/// How long each wait may take; generous, since a machine that builds is slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection over which a browser, or a page, is told what to do.
#[derive(Debug)]
pub(crate) struct Tools {
    ws: WebSocket,
    calls: u64,
    /// The events that came so far, by name.
    events: HashSet<String>,
}

impl Tools {
    pub(crate) fn reach(url: &str) -> BrowserResult<Self> {
        Ok(Self {
            ws: connect(url).open()?,
            calls: 0,
            events: HashSet::new(),
        })
    }

    /// Calls a method, and gives its result.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> BrowserResult<Value> {
        self.calls += 1;
        let call = json!({ "id": self.calls, "method": method, "params": parameters });
        self.ws.send(call.to_string())?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut message = self.next(deadline)?;
            if message["id"] == self.calls {
                return match message.get("error") {
                    Some(error) => Err(format!("{method}: {error}").into()),
                    None => Ok(message["result"].take()),
                };
            }
        }
    }

    /// Waits for an event that did not come before.
    pub(crate) fn wait_for(&mut self, event: &str) -> BrowserResult<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.events.contains(event) {
            self.next(deadline)?;
        }
        Ok(())
    }

    /// The next message, noted where it is an event.
    fn next(&mut self, deadline: Instant) -> BrowserResult<Value> {
        let message = self
            .ws
            .recv_timeout(left(deadline))?
            .ok_or("the browser has closed")?;
        let message: Value = serde_json::from_slice(message.as_bytes())?;
        if let Some(event) = message["method"].as_str() {
            self.events.insert(event.to_owned());
        }
        Ok(message)
    }
}

pub(crate) fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
