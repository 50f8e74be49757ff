//! How many may connect.

use tidewire::tokio::{WebSocket, connect};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::{RUNTIMES, Server, TestResult, check_echo, connect_over, soon};

/// Connects as somebody behind a proxy.
async fn connect_as(client: &str, server: &Server) -> TestResult<Result<WebSocket, Option<u16>>> {
    let mut stream = TcpStream::connect(&server.address).await?;
    let header = format!("PROXY TCP4 {client} 198.51.100.1 56324 443\r\n");
    stream.write_all(header.as_bytes()).await?;
    Ok(connect_over(stream).await?.map_err(|error| error.status()))
}

#[tokio::test]
async fn serve_refuses_one_connection_too_many_with_503() -> TestResult {
    for runtime in RUNTIMES {
        let server = Server::start(&["--runtime", runtime, "--max-connections", "2"]).await?;
        let first = soon(connect(&server.url)).await??;
        let second = soon(connect(&server.url)).await??;
        let refused = soon(connect(&server.url)).await?.expect_err("refused");
        assert_eq!(refused.status(), Some(503), "{runtime}");
        check_echo(first, runtime).await?;
        check_echo(second, runtime).await?;
    }
    Ok(())
}

#[tokio::test]
async fn serve_counts_the_connections_of_the_address_that_a_proxy_names() -> TestResult {
    for runtime in RUNTIMES {
        let caps = ["--proxy-protocol", "--max-connections-per-address", "1"];
        let server = Server::start(&[&["--runtime", runtime], &caps[..]].concat()).await?;
        let first = connect_as("192.0.2.1", &server).await?.expect("room");
        let refused = connect_as("192.0.2.1", &server).await?.expect_err("refused");
        assert_eq!(refused, Some(503), "{runtime}");
        let other = connect_as("192.0.2.2", &server).await?.expect("room");
        check_echo(first, runtime).await?;
        check_echo(other, runtime).await?;
    }
    Ok(())
}

#[tokio::test]
async fn serve_counts_those_who_have_not_asked_for_anything() -> TestResult {
    for runtime in RUNTIMES {
        let server = Server::start(&["--runtime", runtime, "--max-handshakes", "1"]).await?;
        let silent = TcpStream::connect(&server.address).await?;
        let refused = soon(connect(&server.url)).await?.expect_err("refused");
        assert_eq!(refused.status(), Some(503), "{runtime}");
        // Whoever has opened a connection counts no more.
        check_echo(connect_over(silent).await??, runtime).await?;
    }
    Ok(())
}
