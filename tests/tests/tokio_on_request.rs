//! What an application does with a request that takes its time.

use std::future::{Ready, pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tidewire_tests::live::request;
use tidewire_tokio::{Accept, BasicAuth, Credentials, HandshakeError, Request, Response, ServerPolicy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

/// Asks for an upgrade; gives how the server sees it, and the status line that it sent.
async fn upgrade(accept: &Accept, path: &str) -> (Option<u16>, String) {
    let (client, server) = duplex(4096);
    let (accepted, head) = tokio::join!(accept.accept(server), ask(client, path, ""));
    let refused = accepted
        .err()
        .map(|error: HandshakeError| error.status().expect("a refusal"));
    (refused, head.lines().next().expect("a status line").to_owned())
}

/// Asks for an upgrade with these credentials; gives the user whom the server knows, or the head of its refusal.
async fn upgrade_as(accept: &Accept, path: &str, credentials: &str) -> Result<Option<String>, String> {
    let (client, server) = duplex(4096);
    let lines = format!("Authorization: Basic {credentials}\r\n");
    let (accepted, head) = tokio::join!(accept.accept(server), ask(client, path, &lines));
    match accepted {
        Ok(ws) => Ok(ws.handshake().user().map(str::to_owned)),
        Err(_) => Err(head),
    }
}

async fn ask(mut stream: DuplexStream, path: &str, lines: &str) -> String {
    stream
        .write_all(request(path, lines).as_bytes())
        .await
        .expect("a server that reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") && stream.read_buf(&mut answer).await.expect("an answer") > 0 {}
    String::from_utf8(answer).expect("text")
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
    let accept = Accept::new().on_request(async |_| pending().await);
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
    let at_once = Accept::new().on_request(|_| -> Ready<Option<Response>> { panic!("at once") });
    let late = Accept::new().on_request(async |_| panic!("at last"));
    for accept in accepts.iter().chain([&at_once, &late]) {
        let refused = upgrade(accept, "/").await;
        assert_eq!(
            refused,
            (Some(500), "HTTP/1.1 500 Internal Server Error".into()),
            "{accept:?}"
        );
    }
}

/// `ada:right`, `ada:wrong`.
const RIGHT: &str = "YWRhOnJpZ2h0";
const WRONG: &str = "YWRhOndyb25n";

#[tokio::test(start_paused = true)]
async fn credentials_may_take_their_time_to_be_checked() {
    let accept = Accept::new()
        .basic_auth("chat", async |who: Credentials| {
            sleep(Duration::from_secs(3)).await;
            (who.user(), who.password()) == ("ada", "right")
        })
        .expect("a realm")
        // It is not asked.
        .policy(
            ServerPolicy::default().basic_auth(BasicAuth::fixed("else", [("bob", "")]).expect("a realm")),
        );
    let start = Instant::now();
    assert_eq!(upgrade_as(&accept, "/", RIGHT).await, Ok(Some("ada".into())));
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    let refused = upgrade_as(&accept, "/", WRONG).await.expect_err("a refusal");
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    assert!(
        refused.contains("\r\nWWW-Authenticate: Basic realm=\"chat\", charset=\"UTF-8\"\r\n"),
        "{refused}"
    );
}

#[tokio::test]
async fn credentials_are_not_checked_where_there_are_none_or_the_application_answers() {
    let checks = Arc::new(AtomicUsize::new(0));
    let counted = checks.clone();
    let answer =
        |path: &'static str| move |request: &Request| (request.path() == path).then(Response::internal_error);
    let (health, page) = (answer("/health"), answer("/page"));
    let accept = Accept::new()
        .on_request(move |request| ready(health(&request)))
        .policy(ServerPolicy::default().on_request(page))
        .basic_auth("chat", move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            ready(true)
        })
        .expect("a realm");
    for (path, credentials, status) in [
        ("/health", RIGHT, "500"),
        ("/page", RIGHT, "500"),
        ("/", "?", "401"),
    ] {
        let refused = upgrade_as(&accept, path, credentials).await.expect_err(path);
        assert!(refused.starts_with(&format!("HTTP/1.1 {status} ")), "{refused}");
    }
    assert_eq!(checks.load(Ordering::Relaxed), 0);
    assert_eq!(upgrade_as(&accept, "/", RIGHT).await, Ok(Some("ada".into())));
    assert_eq!(checks.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_not_checked_in_time_are_503_and_a_panic_is_500() {
    let late = Accept::new().basic_auth("chat", async |_| pending().await);
    let broken = Accept::new().basic_auth("chat", async |_| panic!("no database"));
    for (accept, status) in [(late, "503"), (broken, "500")] {
        let refused = upgrade_as(&accept.expect("a realm"), "/", RIGHT).await;
        let refused = refused.expect_err("a refusal");
        assert!(refused.starts_with(&format!("HTTP/1.1 {status} ")), "{refused}");
    }
}

#[test]
fn a_realm_that_ends_its_quotes_is_refused_when_it_is_set() {
    assert!(Accept::new().basic_auth("a\"b", async |_| true).is_err());
}
