use std::net::TcpListener;

use crate::support::{TestResult, run, text_of};

#[tokio::test]
async fn a_start_that_fails_is_one_line_and_exit_code_2() -> TestResult {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let taken_address = taken.local_addr()?.to_string();
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let refused = format!("ws://{free}/");
    for (arguments, part) in [
        (&["serve", "--listen", &taken_address][..], "in use"),
        (
            &["serve", "--listen", &taken_address, "--runtime", "blocking"],
            "in use",
        ),
        (&["serve", "--listen", "nowhere"], "cannot listen on nowhere"),
        (
            &["serve", "--runtime", "blocking", "--threads", "2"],
            "--threads with --runtime blocking",
        ),
        (&["connect", "not a url"], "space"),
        (&["connect", "http://localhost/"], "scheme http"),
        (&["connect", "wss://localhost/"], "TLS"),
        (&["connect", "ws://localhost/\x1b[2J\n"], "control character"),
        (&["connect", &refused], "refused"),
    ] {
        let ended = run(arguments).await?;
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {ended:?}");
        let said = text_of(&ended.stderr)?;
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
        assert!(
            said.starts_with("tidewire: ") && said.contains(part),
            "{arguments:?}: {said}"
        );
        assert!(!said.contains('\x1b'), "{arguments:?}: {said:?}");
        assert_eq!(ended.stdout, b"", "{arguments:?}");
    }
    Ok(())
}

#[tokio::test]
async fn help_shows_examples_and_the_version_its_number() -> TestResult {
    for arguments in [["serve", "--help"], ["connect", "--help"]] {
        let ended = run(&arguments).await?;
        assert_eq!(ended.status.code(), Some(0));
        assert!(text_of(&ended.stdout)?.contains("Examples:"), "{arguments:?}");
    }
    let ended = run(&["--version"]).await?;
    assert_eq!(
        text_of(&ended.stdout)?,
        format!("tidewire {}\n", env!("CARGO_PKG_VERSION"))
    );
    Ok(())
}
