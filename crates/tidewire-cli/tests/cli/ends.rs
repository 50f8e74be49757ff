use rustix::process::Signal;
use tidewire::tokio::{CloseCode, Side, connect};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{RUNTIMES, Server, TestResult, soon};

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
async fn serve_logs_at_info_how_its_connections_ended() -> TestResult {
    for runtime in RUNTIMES {
        let variables = [("TIDEWIRE_LOG", "tidewire=info")];
        let server = Server::start_with(&["--runtime", runtime], &variables).await?;
        let mut clients = Vec::new();
        for _ in 0..2 {
            let mut ws = soon(connect(&server.url)).await??;
            ws.send("hello").await?;
            soon(ws.recv()).await??;
            clients.push(ws);
        }
        let end = async {
            for ws in &mut clients {
                soon(ws.wait_closed()).await?;
            }
            TestResult::Ok(())
        };
        let (stopped, ended) = tokio::join!(server.stop(Signal::TERM), end);
        ended?;
        let (code, said) = stopped?;
        assert_eq!(code, Some(0), "{runtime}: {said}");
        assert!(said.contains("2 finished, 0 aborted"), "{runtime}: {said}");
    }
    Ok(())
}
