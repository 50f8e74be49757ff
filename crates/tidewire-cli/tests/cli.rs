//! The `tidewire` command as a user meets it: started, talked to, stopped.

mod support;

use std::io::ErrorKind;
use std::net::TcpListener as StdListener;

use rustix::process::Signal;
use support::{RUNTIMES, Running, Server, TestResult, run, run_with_input, soon, text_of};
use tidewire::tokio::{Accept, CloseCode, Deflate, Message, Side, accept, connect};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn serve_echoes_text_and_bytes_until_the_client_closes() -> TestResult {
    for runtime in RUNTIMES {
        let server = Server::start(&["--runtime", runtime]).await?;
        let mut ws = soon(connect(&server.url)).await??;
        for message in [
            Message::from("hello"),
            Message::from(vec![0, 1, 2]),
            Message::from(""),
        ] {
            ws.send(message.clone()).await?;
            assert_eq!(soon(ws.recv()).await??, Some(message), "{runtime}");
        }
        soon(ws.close(1000, "bye")).await??;
        let closed = ws.closed().ok_or("not closed")?;
        assert!(closed.is_clean(), "{runtime}: {closed:?}");
        assert_eq!(closed.code(), CloseCode::NORMAL, "{runtime}");
    }
    Ok(())
}

#[tokio::test]
async fn serve_runs_on_as_many_threads_as_it_is_told() -> TestResult {
    for threads in ["1", "3"] {
        let server = Server::start(&["--threads", threads]).await?;
        let mut ws = soon(connect(&server.url)).await??;
        ws.send("hello").await?;
        assert_eq!(soon(ws.recv()).await??, Some("hello".into()), "{threads}");
    }
    Ok(())
}

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
            let mut stream = TcpStream::connect(&server.address).await?;
            let request = format!("{method} / HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", server.address);
            stream.write_all(request.as_bytes()).await?;
            let mut response = Vec::new();
            soon(stream.read_to_end(&mut response)).await??;
            let response = String::from_utf8(response)?;
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
        let ask = async |path| -> TestResult<String> {
            // As the check of a proxy may be: of an old HTTP, and without a host.
            let mut stream = TcpStream::connect(&server.address).await?;
            stream
                .write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())
                .await?;
            let mut response = String::new();
            soon(stream.read_to_string(&mut response)).await??;
            Ok(response)
        };
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

#[tokio::test]
async fn serve_fails_a_message_over_the_limit_with_1009() -> TestResult {
    for runtime in RUNTIMES {
        let server = Server::start(&["--runtime", runtime, "--max-message-size", "5"]).await?;
        let mut ws = soon(connect(&server.url)).await??;
        ws.send("five!").await?;
        assert_eq!(soon(ws.recv()).await??, Some("five!".into()), "{runtime}");
        ws.send("six...").await?;
        assert!(soon(ws.recv()).await?.is_err(), "{runtime}");
        let closed = soon(ws.wait_closed()).await?;
        assert_eq!(closed.code(), CloseCode::MESSAGE_TOO_BIG, "{runtime}");
    }
    Ok(())
}

/// A client that says nothing once its connection is open.
async fn silent_client(server: &Server) -> TestResult<TcpStream> {
    let mut stream = TcpStream::connect(&server.address).await?;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon(stream.read_u8()).await??);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", head.escape_ascii());
    Ok(stream)
}

#[tokio::test]
async fn serve_pings_silent_clients_unless_it_is_told_not_to() -> TestResult {
    // All four at once, since the first ping is due after 20 seconds; those that get none were there first.
    let mut quiet = Vec::new();
    for runtime in RUNTIMES {
        let server = Server::start(&["--runtime", runtime, "--no-keepalive"]).await?;
        let client = silent_client(&server).await?;
        quiet.push((runtime, client, server));
    }
    let mut pinged = Vec::new();
    for runtime in RUNTIMES {
        let server = Server::start(&["--runtime", runtime]).await?;
        let client = silent_client(&server).await?;
        pinged.push((runtime, client, server));
    }
    for (runtime, client, _server) in &mut pinged {
        assert_eq!(soon(client.read_u8()).await??, 0x89, "{runtime}");
    }
    for (runtime, client, _server) in &quiet {
        let read = client.try_read(&mut [0; 16]).map_err(|error| error.kind());
        assert_eq!(read, Err(ErrorKind::WouldBlock), "{runtime}");
    }
    Ok(())
}

#[tokio::test]
async fn serve_logs_a_refused_handshake_once_and_connections_not_at_all() -> TestResult {
    for runtime in RUNTIMES {
        let server = Server::start(&["--runtime", runtime]).await?;
        let mut ws = soon(connect(&server.url)).await??;
        ws.send("hello").await?;
        soon(ws.recv()).await??;
        // One client leaves without a word, one is refused.
        drop(ws);
        let mut stream = TcpStream::connect(&server.address).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await?;
        soon(stream.read_to_end(&mut Vec::new())).await??;
        drop(stream);
        let (code, said) = server.stop(Signal::TERM).await?;
        assert_eq!(code, Some(0), "{runtime}: {said}");
        assert_eq!(said.lines().count(), 1, "{runtime}: {said}");
        assert!(
            said.contains("refused") && said.contains("426"),
            "{runtime}: {said}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn serve_closes_with_1001_when_it_is_told_to_stop() -> TestResult {
    for runtime in RUNTIMES {
        for signal in [Signal::TERM, Signal::INT] {
            let server = Server::start(&["--runtime", runtime]).await?;
            let mut ws = soon(connect(&server.url)).await??;
            ws.send("hello").await?;
            soon(ws.recv()).await??;
            let end = async {
                let end = ws.recv().await;
                (end, ws.wait_closed().await)
            };
            let (stopped, ended) = tokio::join!(server.stop(signal), soon(end));
            let (end, closed) = ended?;
            assert_eq!(end?, None, "{runtime} {signal:?}");
            assert_eq!(closed.code(), CloseCode::GOING_AWAY, "{runtime} {signal:?}");
            assert_eq!(closed.first(), Some(Side::Remote), "{runtime} {signal:?}");
            let (code, said) = stopped?;
            assert_eq!((code, said.as_str()), (Some(0), ""), "{runtime} {signal:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_start_that_fails_is_one_line_and_exit_code_2() -> TestResult {
    let taken = StdListener::bind("127.0.0.1:0")?;
    let taken_address = taken.local_addr()?.to_string();
    let free = StdListener::bind("127.0.0.1:0")?.local_addr()?;
    let refused = format!("ws://{free}/");
    for (arguments, part) in [
        (&["serve", "--listen", &taken_address][..], "in use"),
        (
            &["serve", "--listen", &taken_address, "--runtime", "blocking"],
            "in use",
        ),
        (&["serve", "--listen", "nowhere"], "cannot listen on nowhere"),
        (
            &["serve", "--runtime", "blocking", "--threads", "2"],
            "--threads with --runtime blocking",
        ),
        (&["connect", "not a url"], "space"),
        (&["connect", "http://localhost/"], "scheme http"),
        (&["connect", "wss://localhost/"], "TLS"),
        (&["connect", "ws://localhost/\x1b[2J\n"], "control character"),
        (&["connect", &refused], "refused"),
    ] {
        let ended = run(arguments).await?;
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {ended:?}");
        let said = text_of(&ended.stderr)?;
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
        assert!(
            said.starts_with("tidewire: ") && said.contains(part),
            "{arguments:?}: {said}"
        );
        assert!(!said.contains('\x1b'), "{arguments:?}: {said:?}");
        assert_eq!(ended.stdout, b"", "{arguments:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_refuses_the_upgrade_is_exit_code_2() -> TestResult {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    let refuse = async {
        let (mut stream, _) = listener.accept().await?;
        let mut head = vec![0; 4096];
        let _ = stream.read(&mut head).await?;
        stream
            .write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            .await
    };
    let arguments = ["connect", &url];
    let (ended, refused) = tokio::join!(run_with_input(&arguments, ""), soon(refuse));
    refused??;
    let ended = ended?;
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert!(text_of(&ended.stderr)?.contains("403"), "{ended:?}");
    Ok(())
}

#[tokio::test]
async fn connect_sends_lines_prints_messages_and_closes_at_the_end_of_input() -> TestResult {
    for runtime in RUNTIMES {
        let server = Server::start(&["--runtime", runtime]).await?;
        let mut client = Running::start(&["connect", &server.url])?;
        client.write("hello\nwörld\r\n\n").await?;
        for expected in ["hello", "wörld", ""] {
            assert_eq!(client.line().await?, expected, "{runtime}");
        }
        client.end_input();
        let (code, said) = client.ended().await?;
        assert_eq!(code, Some(0), "{runtime}: {said}");
        assert!(said.contains("closed with 1000"), "{runtime}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn both_commands_compress_when_told_to() -> TestResult {
    let text = "again and again ".repeat(100);
    for runtime in RUNTIMES {
        let server = Server::start(&["--runtime", runtime, "--deflate=no-takeover,window=10"]).await?;
        let mut ws = soon(connect(&server.url).deflate(Deflate::default())).await??;
        let agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
            server_max_window_bits=10; client_max_window_bits=10";
        assert!(ws.handshake().extensions().eq([agreed]), "{runtime}");
        ws.send(text.as_str()).await?;
        assert_eq!(soon(ws.recv()).await??, Some(text.as_str().into()), "{runtime}");
        assert!(ws.metrics().traffic.bytes_received < 100, "{runtime}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    let mut client = Running::start(&["connect", &url, "--deflate=server-window=9"])?;
    let (stream, _) = soon(listener.accept()).await??;
    let ws = soon(Accept::new().deflate(Deflate::default()).accept(stream)).await??;
    let agreed = "permessage-deflate; server_max_window_bits=9; client_max_window_bits=12";
    assert!(ws.handshake().extensions().eq([agreed]));
    ws.send(text.as_str()).await?;
    assert_eq!(client.line().await?, text);
    let refused = run(&["serve", "--deflate=window=16"]).await?;
    assert_eq!(refused.status.code(), Some(2));
    assert!(text_of(&refused.stderr)?.contains("window bits of 16 are not 8 to 15"));
    Ok(())
}

#[tokio::test]
async fn connect_shows_what_comes_without_letting_it_touch_the_terminal() -> TestResult {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut client = Running::start(&["connect", &format!("ws://{}/", listener.local_addr()?)])?;
    let (stream, _) = soon(listener.accept()).await??;
    let ws = soon(accept(stream)).await??;
    ws.send("\x1b[2Ja\nb").await?;
    ws.send(vec![0xca, 0xfe]).await?;
    assert_eq!(client.line().await?, r"\u{1b}[2Ja\nb");
    assert_eq!(client.line().await?, "binary, 2 bytes: cafe");
    soon(ws.close(1001, "l\x1b8r")).await??;
    // Its standard input is still open: the end of the connection is the end of the command.
    let (code, said) = client.ended().await?;
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("closed with 1001") && said.contains(r"l\u{1b}8r"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn connect_ends_with_1_when_the_connection_ends_badly() -> TestResult {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    for (code, part) in [(None, "1006"), (Some(4000), "4000"), (Some(1011), "1011")] {
        let client = Running::start(&["connect", &url])?;
        let (stream, _) = soon(listener.accept()).await??;
        let ws = soon(accept(stream)).await??;
        if let Some(code) = code {
            soon(ws.close(code, "")).await??;
        }
        drop(ws);
        let (code, said) = client.ended().await?;
        assert_eq!(code, Some(1), "{part}: {said}");
        assert!(said.contains(part), "{part}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn help_shows_examples_and_the_version_its_number() -> TestResult {
    for arguments in [["serve", "--help"], ["connect", "--help"]] {
        let ended = run(&arguments).await?;
        assert_eq!(ended.status.code(), Some(0));
        assert!(text_of(&ended.stdout)?.contains("Examples:"), "{arguments:?}");
    }
    let ended = run(&["--version"]).await?;
    assert_eq!(
        text_of(&ended.stdout)?,
        format!("tidewire {}\n", env!("CARGO_PKG_VERSION"))
    );
    Ok(())
}
