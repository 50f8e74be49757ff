//! The core without an adapter.

use crate::support::{Example, TestResult, get};

#[test]
fn the_core_over_tcp_refuses_what_is_no_upgrade() -> TestResult {
    let mut server = Example::start("core-over-tcp", &["127.0.0.1:0"])?;
    let url = server.url()?;
    let response = get(&url, "/")?;
    assert!(response.starts_with("HTTP/1.1 426 "), "{response}");
    Ok(())
}

#[test]
fn the_pair_in_memory_shows_what_each_side_sees() -> TestResult {
    let said = Example::start("core-in-memory", &[])?.all_lines()?;
    let expected = ["server: Message(Text(5 bytes))", "client: Message(Text(5 bytes))"];
    assert_eq!(said.get(..2), Some(&expected.map(String::from)[..]));
    assert!(
        said.iter().any(|line| line.starts_with("server: Ping(")),
        "{said:?}"
    );
    assert!(
        said.iter().any(|line| line.starts_with("client: Pong(")),
        "{said:?}"
    );
    assert_eq!(said.last().map(String::as_str), Some("client: clean true"));
    Ok(())
}
