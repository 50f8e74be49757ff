//! Where a server listens.

use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::process::Signal;
use tidewire::tokio::connect;
use tokio::net::UnixStream;

use crate::support::{RUNTIMES, Running, Server, TestResult, check_echo, connect_over, soon};

#[tokio::test]
async fn serve_listens_on_several_addresses() -> TestResult {
    for runtime in RUNTIMES {
        let first = ["--listen", "127.0.0.1:0", "--listen", "[::1]:0"];
        let mut server = Running::start(&[&["serve", "--runtime", runtime], &first[..]].concat())?;
        for begin in ["ws://127.0.0.1:", "ws://[::1]:"] {
            let line = server.line().await?;
            let url = line.strip_prefix("listening on ").ok_or("another line")?;
            assert!(url.starts_with(begin), "{runtime}: {line}");
            check_echo(soon(connect(url)).await??, runtime).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn serve_shares_its_port_when_told_to() -> TestResult {
    for runtime in RUNTIMES {
        let first = Server::start(&["--runtime", runtime, "--reuse-port"]).await?;
        let arguments = [
            "serve",
            "--reuse-port",
            "--runtime",
            runtime,
            "--listen",
            &first.address,
        ];
        let mut second = Running::start(&arguments)?;
        assert_eq!(
            second.line().await?,
            format!("listening on {}", first.url),
            "{runtime}"
        );
        let url = first.url.clone();
        first.stop(Signal::TERM).await?;
        check_echo(soon(connect(&url)).await??, runtime).await?;
    }
    Ok(())
}

#[tokio::test]
async fn serve_listens_on_what_was_handed_over_in_place_of_the_default() -> TestResult {
    let folder = tempfile::tempdir()?;
    for runtime in RUNTIMES {
        let tcp = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("ws://{}", tcp.local_addr()?);
        let path = folder.path().join(runtime);
        let unix = UnixListener::bind(&path)?;
        let handed_over = [hand_over(tcp, 500)?, hand_over(unix, 500)?];
        let numbers = handed_over.each_ref().map(AsRawFd::as_raw_fd);
        assert_eq!(numbers[0] + 1, numbers[1]);
        let first = numbers[0].to_string();
        let variables = [("LISTEN_FDS", "2"), ("LISTEN_FDS_FIRST_FD", &first)];
        let mut server = Running::start_with(&["serve", "--runtime", runtime], &variables)?;
        drop(handed_over);
        assert_eq!(server.line().await?, format!("listening on {url}"), "{runtime}");
        let line = server.line().await?;
        assert_eq!(
            line, "listening on a Unix socket that was handed over",
            "{runtime}"
        );
        check_echo(soon(connect(&url)).await??, runtime).await?;
        let stream = UnixStream::connect(&path).await?;
        check_echo(connect_over(stream).await??, runtime).await?;
        server.signal(Signal::TERM)?;
        assert_eq!(server.lines_left().await?, "", "{runtime}");
        let (code, said) = server.ended().await?;
        assert_eq!((code, said.as_str()), (Some(0), ""), "{runtime}");
        // It belongs to whoever made it.
        assert!(path.exists(), "{runtime}");
    }
    Ok(())
}

/// Gives a listener that a child inherits the first free number from here on, away from those that other tests open.
fn hand_over(listener: impl Into<OwnedFd>, from: i32) -> TestResult<OwnedFd> {
    let descriptor = fcntl_dupfd_cloexec(listener.into(), from)?;
    fcntl_setfd(&descriptor, FdFlags::empty())?;
    Ok(descriptor)
}

#[tokio::test]
async fn serve_listens_where_it_is_told_beside_what_was_handed_over() -> TestResult {
    for runtime in RUNTIMES {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let first = format!("ws://{}", listener.local_addr()?);
        let handed_over = hand_over(listener, 600)?;
        let number = handed_over.as_raw_fd().to_string();
        let variables = [("LISTEN_FDS", "1"), ("LISTEN_FDS_FIRST_FD", &number)];
        let arguments = ["serve", "--runtime", runtime, "--listen", "127.0.0.1:0"];
        let mut server = Running::start_with(&arguments, &variables)?;
        drop(handed_over);
        assert_eq!(server.line().await?, format!("listening on {first}"), "{runtime}");
        let line = server.line().await?;
        let second = line.strip_prefix("listening on ").ok_or("another line")?;
        for url in [&first, second] {
            check_echo(soon(connect(url)).await??, runtime).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn serve_leaves_alone_what_was_handed_to_another_process() -> TestResult {
    for runtime in RUNTIMES {
        let variables = [("LISTEN_FDS", "1"), ("LISTEN_PID", "1")];
        let server = Server::start_with(&["--runtime", runtime], &variables).await?;
        check_echo(soon(connect(&server.url)).await??, runtime).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_was_handed_over_and_is_no_listener_is_an_error_at_start() -> TestResult {
    for runtime in RUNTIMES {
        // Standard input, a pipe.
        let variables = [("LISTEN_FDS", "1"), ("LISTEN_FDS_FIRST_FD", "0")];
        let server = Running::start_with(&["serve", "--runtime", runtime], &variables)?;
        let (code, said) = server.ended().await?;
        assert_eq!(code, Some(2), "{runtime}: {said}");
        assert!(
            said.starts_with("tidewire: cannot listen on what was handed over: ")
                && said.lines().count() == 1,
            "{runtime}: {said}"
        );
    }
    Ok(())
}
