//! What whoever runs a server needs: to see that it lives, to reach it without a port, to end it.

use tempfile::tempdir;
use tidewire::blocking::{CloseCode, Message, connect};

use crate::support::{Example, TestResult, get};

#[test]
fn a_health_check_is_answered_beside_the_connections() -> TestResult {
    let mut server = Example::start("tokio-health", &["127.0.0.1:0"])?;
    let url = server.url()?;
    let mut ws = connect(&url).open()?;
    let response = get(&url, "/healthz")?;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\nok\n"), "{response}");
    assert!(get(&url, "/")?.starts_with("HTTP/1.1 426 "));
    ws.send("hello")?;
    assert_eq!(ws.recv()?, Some(Message::from("hello")));
    Ok(())
}

#[test]
fn each_client_is_echoed_over_a_unix_socket_by_each_server() -> TestResult {
    let folder = tempdir()?;
    let path = folder.path().join("socket");
    let path = path.to_str().ok_or("a path in Unicode")?;
    for server in ["tokio-unix-server", "blocking-unix-server"] {
        // The file that the first one leaves is not in the way of the second one.
        let mut running = Example::start(server, &[path])?;
        assert_eq!(running.url()?, path, "{server}");
        for client in ["tokio-unix-client", "blocking-unix-client"] {
            let said = Example::start(client, &[path])?.all_lines()?;
            let expected = [&*format!("connecting to {path}"), "hello"];
            assert_eq!(said, expected, "{client} with {server}");
        }
    }
    Ok(())
}

#[test]
fn a_server_that_is_told_to_end_sees_its_clients_off() -> TestResult {
    let mut server = Example::start("tokio-shutdown", &["127.0.0.1:0"])?;
    let url = server.url()?;
    let mut clients = [connect(&url).open()?, connect(&url).open()?];
    for ws in &mut clients {
        ws.send("hello")?;
        assert_eq!(ws.recv()?, Some(Message::from("hello")));
    }
    server.terminate()?;
    for ws in &mut clients {
        assert_eq!(ws.recv()?, None);
        let code = ws.closed().map(|closed| closed.code());
        assert_eq!(code, Some(CloseCode::GOING_AWAY));
    }
    assert_eq!(server.all_lines()?, ["2 finished, 0 aborted"]);
    Ok(())
}
