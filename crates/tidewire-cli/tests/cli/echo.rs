use std::io::ErrorKind;

use tidewire::tokio::{CloseCode, Message, connect};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{RUNTIMES, Server, TestResult, soon};

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
