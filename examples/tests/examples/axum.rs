//! A server on axum.

use crate::support::{Example, TestResult, get};

#[test]
fn axum_serves_a_page_beside() -> TestResult {
    let mut server = Example::start("tokio-axum", &["127.0.0.1:0"])?;
    let response = get(server.url()?.trim_end_matches("/echo"), "/")?;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert!(response.ends_with("connect to /echo\n"), "{response}");
    Ok(())
}
