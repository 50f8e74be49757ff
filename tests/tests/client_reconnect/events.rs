//! What a client tells of its attempts.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tidewire_tokio::{ReconnectEvent, Request, Response, Retry, ServerPolicy};

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Whose delays are half of their bounds: 5 s, 10 s, 20 s, 30 s and so on.
pub(crate) fn halves() -> Retry {
    Retry::default().random(|| 1 << 63)
}

/// An event in a line.
pub(crate) fn told(event: ReconnectEvent<'_>) -> String {
    match event {
        ReconnectEvent::Connecting { attempt } => format!("connecting {attempt}"),
        ReconnectEvent::Failed { error, next_in } => format!("failed, {}: {error}", next(next_in)),
        ReconnectEvent::Open => "open".into(),
        ReconnectEvent::Closed { closed, next_in } => {
            let code = closed.map_or("no code".into(), |closed| closed.code().as_u16().to_string());
            format!("closed with {code}, {}", next(next_in))
        }
        other => format!("{other:?}"),
    }
}

fn next(next_in: Option<Duration>) -> String {
    next_in.map_or("and that is all".into(), |delay| format!("next in {delay:?}"))
}

/// A refusal.
pub(crate) fn response(status: u16, retry_after: &str) -> Response {
    let response = Response::new(status).expect("a status");
    response.field("Retry-After", retry_after).expect("a field")
}

/// What a server wants that refuses all; tells the tokens that it is shown.
pub(crate) fn overloaded() -> (ServerPolicy, Receiver<String>) {
    let (tell, shown) = channel();
    let policy = ServerPolicy::default().on_request(move |request: &Request| {
        for token in request.fields().all("token") {
            let token = str::from_utf8(token).expect("text");
            tell.send(token.to_owned()).expect("a test");
        }
        Some(response(503, "0"))
    });
    (policy, shown)
}
