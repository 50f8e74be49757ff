//! Who may connect.

use std::fs;

use tidewire::tokio::connect;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{RUNTIMES, Server, TestResult, answer_to, check_echo, connect_over, soon};

/// Of ada, whose password is `correct horse`.
const CREDENTIALS: &str = "Basic YWRhOmNvcnJlY3QgaG9yc2U=";

#[tokio::test]
async fn serve_lets_in_the_users_of_a_file_alone() -> TestResult {
    let folder = tempfile::tempdir()?;
    let users = folder.path().join("users");
    fs::write(&users, "bob:battery\nada:correct horse\n")?;
    let users = users.to_str().ok_or("no text")?;
    for runtime in RUNTIMES {
        let auth = [
            "--basic-auth",
            users,
            "--realm",
            "the lab",
            "--health",
            "/healthz",
        ];
        let server = Server::start(&[&["--runtime", runtime], &auth[..]].concat()).await?;
        let ada = connect(&server.url).field("Authorization", CREDENTIALS);
        check_echo(soon(ada.into_future()).await??, runtime).await?;
        for value in [None, Some("Basic YWRhOmJhdHRlcnk=")] {
            let mut nobody = connect(&server.url);
            if let Some(value) = value {
                nobody = nobody.field("Authorization", value);
            }
            let refused = soon(nobody.into_future()).await?.expect_err("refused");
            assert_eq!(refused.status(), Some(401), "{runtime} {value:?}");
        }
        // A browser asks its user for a password where the page wants one, and not where a WebSocket does.
        let page = "GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n";
        let refused = answer_to(&server.address, &format!("{page}\r\n")).await?;
        assert!(
            refused.starts_with("HTTP/1.1 401 ") && refused.contains("Basic realm=\"the lab\""),
            "{runtime}: {refused}"
        );
        let shown = format!("{page}Authorization: {CREDENTIALS}\r\n\r\n");
        let shown = answer_to(&server.address, &shown).await?;
        assert!(shown.contains("<!doctype html>"), "{runtime}: {shown}");
        // Those who check whether it serves have no password.
        let healthy = answer_to(&server.address, "GET /healthz HTTP/1.0\r\n\r\n").await?;
        assert!(healthy.ends_with("\r\n\r\nok\n"), "{runtime}: {healthy}");
    }
    Ok(())
}

#[tokio::test]
async fn serve_agrees_to_its_favourite_subprotocol_that_is_offered() -> TestResult {
    for runtime in RUNTIMES {
        let names = ["--subprotocol", "chat.v2", "--subprotocol", "chat.v1"];
        let server = Server::start(&[&["--runtime", runtime], &names[..]].concat()).await?;
        let both = connect(&server.url).subprotocol("chat.v1").subprotocol("chat.v2");
        let ws = soon(both.into_future()).await??;
        assert_eq!(ws.handshake().subprotocol(), Some("chat.v2"), "{runtime}");
        let refused = soon(connect(&server.url).into_future())
            .await?
            .expect_err("refused");
        assert_eq!(refused.status(), Some(400), "{runtime}");
    }
    Ok(())
}

#[tokio::test]
async fn serve_expects_a_proxy_header_of_whom_it_is_told() -> TestResult {
    for runtime in RUNTIMES {
        for (setting, is_expected) in [
            ("--proxy-protocol", true),
            ("--proxy-protocol=::1,127.0.0.0/8", true),
            ("--proxy-protocol=192.0.2.0/24", false),
        ] {
            let row = format!("{runtime} {setting}");
            let server = Server::start(&["--runtime", runtime, setting]).await?;
            let mut with = TcpStream::connect(&server.address).await?;
            with.write_all(b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n")
                .await?;
            let without = TcpStream::connect(&server.address).await?;
            if is_expected {
                check_echo(connect_over(with).await??, &row).await?;
                assert!(connect_over(without).await?.is_err(), "{row}");
            } else {
                check_echo(connect_over(without).await??, &row).await?;
                let mut response = String::new();
                with.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await?;
                soon(with.read_to_string(&mut response)).await??;
                assert!(response.starts_with("HTTP/1.1 400 "), "{row}: {response}");
            }
        }
    }
    Ok(())
}
