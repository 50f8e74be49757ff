use rustix::process::Signal;
use tidewire::tokio::connect;

use crate::support::{RUNTIMES, Server, TestResult, answer_to, run, soon, text_of};

#[tokio::test]
async fn serve_refuses_pages_of_other_origins() -> TestResult {
    for runtime in RUNTIMES {
        let server = Server::start(&["--runtime", runtime, "--origin", "https://*.example.com"]).await?;
        soon(connect(&server.url)).await??;
        let ours = connect(&server.url).field("Origin", "https://www.example.com");
        soon(ours.into_future()).await??;
        let other = connect(&server.url).field("Origin", "https://example.org");
        let refused = soon(other.into_future()).await?.expect_err("refused");
        assert_eq!(refused.status(), Some(403), "{runtime}");
    }
    let wrong = run(&["serve", "--origin", "example.com"]).await?;
    assert!(
        text_of(&wrong.stderr)?.contains("\"example.com\" is no origin"),
        "{wrong:?}"
    );
    Ok(())
}

#[tokio::test]
async fn serve_answers_what_is_no_upgrade_by_what_it_asks_for() -> TestResult {
    let upgrade =
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    let table = [
        (
            "GET",
            "Accept: text/html,*/*;q=0.8\r\n",
            "200 OK",
            Some("<!doctype html>"),
        ),
        (
            "GET",
            "Accept: */*\r\n",
            "426 Upgrade Required",
            Some("Sec-WebSocket-Version: 13\r\n"),
        ),
        ("GET", "", "426 Upgrade Required", Some("Upgrade: websocket\r\n")),
        (
            "GET",
            "Accept: text/html\r\nUpgrade: h2c\r\n",
            "426 Upgrade Required",
            None,
        ),
        (
            "GET",
            "Accept: text/html\r\nSec-WebSocket-Version: 13\r\n",
            "426 Upgrade Required",
            None,
        ),
        (
            "GET",
            &format!("{upgrade}Sec-WebSocket-Version: 8\r\n"),
            "426 Upgrade Required",
            Some("Sec-WebSocket-Version: 13\r\n"),
        ),
        ("HEAD", "Accept: text/html\r\n", "426 Upgrade Required", None),
        ("POST", "Accept: text/html\r\n", "426 Upgrade Required", None),
        (
            "POST",
            &format!("{upgrade}Sec-WebSocket-Version: 13\r\n"),
            "405 Method Not Allowed",
            Some("Allow: GET\r\n"),
        ),
    ];
    for runtime in RUNTIMES {
        let server = Server::start(&["--runtime", runtime]).await?;
        for (method, fields, status, part) in table {
            let request = format!("{method} / HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", server.address);
            let response = answer_to(&server.address, &request).await?;
            let row = format!("{runtime}: {method} {fields:?} got {response:?}");
            assert!(response.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{row}");
            assert!(response.contains("Connection: close"), "{row}");
            assert!(part.is_none_or(|part| response.contains(part)), "{row}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn serve_answers_health_checks_where_it_is_told_to_and_does_not_log_them() -> TestResult {
    for runtime in RUNTIMES {
        // Those who check are no page of the origin.
        let origin = ["--origin", "https://example.com"];
        let arguments = [&["--runtime", runtime, "--health", "/healthz"], &origin[..]].concat();
        let server = Server::start(&arguments).await?;
        // As the check of a proxy may be: of an old HTTP, and without a host.
        let ask = async |path| answer_to(&server.address, &format!("GET {path} HTTP/1.0\r\n\r\n")).await;
        for _ in 0..2 {
            let healthy = ask("/healthz").await?;
            assert!(
                healthy.starts_with("HTTP/1.1 200 ") && healthy.ends_with("\r\n\r\nok\n"),
                "{runtime}: {healthy}"
            );
        }
        assert!(!ask("/health").await?.starts_with("HTTP/1.1 200 "), "{runtime}");
        let (code, said) = server.stop(Signal::TERM).await?;
        assert_eq!((code, said.lines().count()), (Some(0), 1), "{runtime}: {said}");
    }
    let wrong = run(&["serve", "--health", "healthz"]).await?;
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        text_of(&wrong.stderr)?.contains("a path begins with /"),
        "{wrong:?}"
    );
    Ok(())
}
