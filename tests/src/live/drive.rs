use std::convert::Infallible;

use tidewire_tokio::{Transport, WebSocket};

/// Runs a handler that gives whatever it likes with a connection, which has a driver meanwhile.
pub async fn drive<S, F, Fut>(ws: WebSocket<S>, handler: F) -> Fut::Output
where
    S: Transport,
    F: FnOnce(WebSocket<S>) -> Fut,
    Fut: Future,
{
    let handling = |ws| {
        let handling = handler(ws);
        async { Ok::<_, Infallible>(handling.await) }
    };
    let Ok(output) = ws.run(handling).await;
    output
}
