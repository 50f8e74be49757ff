//! What an application does with a request that takes its time.

use std::time::Duration;

use tidewire_tests::live::request;
use tidewire_tokio::{Accept, HandshakeError, Response, ServerPolicy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

/// Asks for an upgrade; gives how the server sees it, and the status line that it sent.
async fn upgrade(accept: &Accept, path: &str) -> (Option<u16>, String) {
    let (client, server) = duplex(4096);
    let (accepted, status) = tokio::join!(accept.accept(server), ask(client, path));
    let refused = accepted
        .err()
        .map(|error: HandshakeError| error.status().expect("a refusal"));
    (refused, status)
}

async fn ask(mut stream: DuplexStream, path: &str) -> String {
    stream
        .write_all(request(path, "").as_bytes())
        .await
        .expect("a server that reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") && stream.read_buf(&mut answer).await.expect("an answer") > 0 {}
    let answer = String::from_utf8(answer).expect("text");
    answer.lines().next().expect("a status line").to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_when_the_application_knows() {
    let accept = Accept::new()
        .policy(
            ServerPolicy::default().on_request(|request| match request.path() {
                "/closed" => Response::new(410).ok(),
                _ => None,
            }),
        )
        .on_request(async |request| {
            sleep(Duration::from_secs(3)).await;
            (request.query() != Some("token=7")).then(|| Response::new(403).expect("a status"))
        });
    let start = Instant::now();
    assert_eq!(
        upgrade(&accept, "/?token=7").await,
        (None, "HTTP/1.1 101 Switching Protocols".into())
    );
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    assert_eq!(
        upgrade(&accept, "/?token=8").await,
        (Some(403), "HTTP/1.1 403 Forbidden".into())
    );
    assert_eq!(
        upgrade(&accept, "/closed?token=7").await,
        (Some(410), "HTTP/1.1 410 Gone".into())
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_longer_than_the_handshake_may_is_503() {
    let accept = Accept::new().on_request(async |_| std::future::pending().await);
    let start = Instant::now();
    assert_eq!(
        upgrade(&accept, "/").await,
        (Some(503), "HTTP/1.1 503 Service Unavailable".into())
    );
    assert_eq!(start.elapsed(), Duration::from_secs(10));
}

#[tokio::test]
async fn a_function_of_the_application_that_panics_is_answered_with_500() {
    let policies = [
        ServerPolicy::default().on_request(|_| panic!("on request")),
        ServerPolicy::default().on_answer(|_, _| panic!("on answer")),
        ServerPolicy::default().choose_subprotocol(|_, _| panic!("at the choice")),
    ];
    let accepts = policies.map(|policy| Accept::new().policy(policy));
    let late = Accept::new().on_request(async |_| panic!("at last"));
    for accept in accepts.iter().chain([&late]) {
        let refused = upgrade(accept, "/").await;
        assert_eq!(
            refused,
            (Some(500), "HTTP/1.1 500 Internal Server Error".into()),
            "{accept:?}"
        );
    }
}
