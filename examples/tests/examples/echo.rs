//! Servers that echo, and clients of theirs.

use tidewire::blocking::{Message, connect};

use crate::support::{Example, TestResult};

const SERVERS: [&str; 4] = [
    "tokio-echo-server",
    "blocking-echo-server",
    "core-over-tcp",
    "tokio-axum",
];

#[test]
fn each_server_echoes_one_client_after_the_other() -> TestResult {
    for name in SERVERS {
        let mut server = Example::start(name, &["127.0.0.1:0"])?;
        let url = server.url()?;
        for _ in 0..2 {
            let mut ws = connect(&url).open()?;
            for message in [Message::from("hello"), Message::from(vec![0; 100_000])] {
                ws.send(message.clone())?;
                assert_eq!(ws.recv()?, Some(message), "{name}");
            }
            ws.ping()?;
            ws.close(1000, "")?;
            assert!(ws.closed().is_some_and(|closed| closed.is_clean()), "{name}");
        }
    }
    Ok(())
}

#[test]
fn each_client_ends_well_with_each_server() -> TestResult {
    for client in ["tokio-client", "blocking-client"] {
        for server in SERVERS {
            let mut running = Example::start(server, &["127.0.0.1:0"])?;
            let mut said = Example::start(client, &[&running.url()?])?.all_lines()?;
            said.retain(|line| !line.starts_with("round trip: "));
            let expected = [
                "text: message 1",
                "text: message 2",
                "text: message 3",
                "binary: 2 bytes",
                "closed with 1000 (normal closure)",
            ];
            assert_eq!(said, expected, "{client} with {server}");
        }
    }
    Ok(())
}
