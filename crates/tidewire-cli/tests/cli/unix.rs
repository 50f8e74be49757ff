//! Unix sockets, on both sides.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::process::Signal;
use tidewire::tokio::{WebSocket, accept};
use tokio::net::UnixStream;

use crate::support::{RUNTIMES, Running, TestResult, check_echo, connect_over, run, soon, text_of};

/// A server on this path alone.
async fn serve(runtime: &str, path: &Path) -> TestResult<Running> {
    let path = path.to_str().ok_or("no text")?;
    let mut server = Running::start(&["serve", "--runtime", runtime, "--unix", path])?;
    assert_eq!(server.line().await?, format!("listening on {path}"), "{runtime}");
    Ok(server)
}

/// Tells it to stop, and waits until it has.
async fn stop(mut server: Running) -> TestResult {
    server.signal(Signal::TERM)?;
    // On this path alone.
    assert_eq!(server.lines_left().await?, "");
    let (code, said) = server.ended().await?;
    assert_eq!((code, said.as_str()), (Some(0), ""));
    Ok(())
}

async fn connect(path: &Path) -> TestResult<WebSocket> {
    Ok(connect_over(UnixStream::connect(path).await?).await??)
}

#[tokio::test]
async fn serve_listens_on_a_path_and_removes_the_file_at_the_end() -> TestResult {
    let folder = tempfile::tempdir()?;
    for runtime in RUNTIMES {
        let path = folder.path().join(runtime);
        let server = serve(runtime, &path).await?;
        check_echo(connect(&path).await?, runtime).await?;
        stop(server).await?;
        assert!(!path.exists(), "{runtime}");
    }
    Ok(())
}

#[tokio::test]
async fn a_socket_on_which_nobody_listens_is_replaced() -> TestResult {
    let folder = tempfile::tempdir()?;
    for runtime in RUNTIMES {
        let path = folder.path().join(runtime);
        drop(UnixListener::bind(&path)?);
        let server = serve(runtime, &path).await?;
        check_echo(connect(&path).await?, runtime).await?;
        stop(server).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_socket_on_which_somebody_listens_and_any_other_file_stay() -> TestResult {
    let folder = tempfile::tempdir()?;
    let live = folder.path().join("live");
    let _listener = UnixListener::bind(&live)?;
    let file = folder.path().join("file");
    fs::write(&file, "text")?;
    for runtime in RUNTIMES {
        for path in [&live, &file] {
            let path = path.to_str().ok_or("no text")?;
            let ended = run(&["serve", "--runtime", runtime, "--unix", path]).await?;
            assert_eq!(ended.status.code(), Some(2), "{runtime}");
            let said = text_of(&ended.stderr)?;
            let begin = format!("tidewire: cannot listen on {path}: ");
            assert!(
                said.starts_with(&begin) && said.lines().count() == 1,
                "{runtime}: {said}"
            );
        }
        assert_eq!(fs::read_to_string(&file)?, "text", "{runtime}");
        UnixStream::connect(&live).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_socket_of_a_successor_stays() -> TestResult {
    let folder = tempfile::tempdir()?;
    for runtime in RUNTIMES {
        let path = folder.path().join(runtime);
        let server = serve(runtime, &path).await?;
        fs::rename(&path, folder.path().join("old"))?;
        let _successor = UnixListener::bind(&path)?;
        stop(server).await?;
        UnixStream::connect(&path).await?;
    }
    Ok(())
}

#[tokio::test]
async fn connect_leads_over_a_path_and_asks_for_the_url() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let listener = tokio::net::UnixListener::bind(&path)?;
    let path = path.to_str().ok_or("no text")?;
    let mut client = Running::start(&["connect", "ws://example.com/room", "--unix", path])?;
    let (stream, _) = soon(listener.accept()).await??;
    let ws = soon(accept(stream)).await??;
    let handshake = ws.handshake();
    let request = handshake.request().ok_or("no request")?;
    assert_eq!(request.path(), "/room");
    assert_eq!(request.fields().first("host"), Some(&b"example.com"[..]));
    ws.send("hello").await?;
    assert_eq!(client.line().await?, "hello");
    soon(ws.close(1000, "")).await??;
    let (code, said) = client.ended().await?;
    assert_eq!(code, Some(0), "{said}");
    Ok(())
}
