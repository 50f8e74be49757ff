//! Clients that come back.

use std::net::TcpListener;

use tidewire::blocking::{Message, Socket, WebSocket, accept};

use crate::support::{Example, TestResult};

#[test]
fn a_client_comes_back_to_a_server_that_was_lost() -> TestResult {
    let table = [
        ("tokio-reconnect", "closed with 1012 (service restart)"),
        (
            "blocking-reconnect",
            "connection closed with 1012 (service restart): soon",
        ),
    ];
    for (name, lost) in table {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut client = Example::start(name, &[&format!("ws://{}", listener.local_addr()?)])?;
        let greeted = || -> TestResult<WebSocket> {
            let mut ws = accept(Socket::from(listener.accept()?.0))?;
            assert_eq!(ws.recv()?, Some(Message::from("I am back")), "{name}");
            ws.send("hello")?;
            Ok(ws)
        };
        greeted()?.close(1012, "soon")?;
        for expected in ["open", "hello", lost] {
            assert_eq!(client.line()?, expected, "{name}");
        }
        greeted()?.close(1000, "")?;
        let said = client.all_lines()?;
        assert_eq!(
            said.get(..2),
            Some(&["open".to_owned(), "hello".to_owned()][..]),
            "{name}"
        );
    }
    Ok(())
}
