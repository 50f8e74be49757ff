//! What a client tells of its attempts.

use std::time::Duration;

use tidewire_tokio::{ReconnectEvent, Response, Retry};

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
