use tidewire::tokio::accept;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{RUNTIMES, Running, Server, TestResult, run_with_input, soon, text_of};

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

/// Leads whoever comes to a server, whatever it is asked for; gives what that was.
async fn lead(proxy: TcpListener, server: &str) -> TestResult<String> {
    let (mut client, _) = proxy.accept().await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let mut server = TcpStream::connect(server).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(String::from_utf8(head)?)
}

#[tokio::test]
async fn connect_goes_through_the_proxy_that_the_environment_names() -> TestResult {
    let server = Server::start(&[]).await?;
    let proxy = TcpListener::bind("127.0.0.1:0").await?;
    let named = format!("http://ada:s3cret@{}", proxy.local_addr()?);
    let variables = [
        ("ws_proxy", &*named),
        ("WS_PROXY", "http://127.0.0.1:1"),
        ("no_proxy", "127.0.0.1"),
    ];
    let mut client = Running::start_with(&["connect", "ws://echo.test/"], &variables)?;
    client.write("hello\n").await?;
    let talk = async {
        assert_eq!(client.line().await?, "hello");
        client.end_input();
        client.ended().await
    };
    let (told, ended) = tokio::join!(soon(lead(proxy, &server.address)), talk);
    let (code, said) = ended?;
    assert_eq!(code, Some(0), "{said}");
    let told = told??;
    assert!(told.starts_with("CONNECT echo.test:80 HTTP/1.1\r\n"), "{told}");
    assert!(
        told.contains("\r\nProxy-Authorization: Basic YWRhOnMzY3JldA==\r\n"),
        "{told}"
    );

    let variables = [("ws_proxy", "ada:s3cret@"), ("no_proxy", "other.test")];
    let client = Running::start_with(&["connect", "ws://echo.test/"], &variables)?;
    let (code, said) = client.ended().await?;
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("variable ws_proxy") && !said.contains("s3cret"),
        "{said}"
    );
    Ok(())
}
