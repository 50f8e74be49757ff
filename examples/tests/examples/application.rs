//! Clients made of callbacks.

use crate::support::{Example, TestResult};

#[test]
fn each_application_talks_to_each_server() -> TestResult {
    for client in ["tokio-application", "blocking-application"] {
        for server in ["tokio-echo-server", "blocking-echo-server"] {
            let mut running = Example::start(server, &["127.0.0.1:0"])?;
            let said = Example::start(client, &[&running.url()?])?.all_lines()?;
            let expected = ["open", "hello", "closed with 1000 (normal closure)"];
            assert_eq!(said, expected, "{client} with {server}");
        }
    }
    Ok(())
}
