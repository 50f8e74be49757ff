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
        (
            &["serve", "--tls-certificate", "site.pem"],
            "--tls-certificate without --tls-key",
        ),
        (
            &["serve", "--tls-key", "site.key"],
            "--tls-key without --tls-certificate",
        ),
        (&["serve", "--realm", "here"], "--realm without --basic-auth"),
        (&["serve", "--basic-auth", "/nowhere/users"], "/nowhere/users"),
        (&["serve", "--subprotocol", "a\x1bb"], "--subprotocol"),
        (
            &["serve", "--unix", "/nowhere/\x1b"],
            "cannot listen on /nowhere/",
        ),
        (
            &["connect", "ws://localhost/", "--unix", "/nowhere/socket"],
            "No such file",
        ),
        (&["connect", "not a url"], "space"),
        (&["connect", "http://localhost/"], "scheme http"),
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
async fn a_value_that_cannot_be_is_named_with_its_option() -> TestResult {
    for (wrong, part) in [
        ("--max-connections=0", "--max-connections <N>"),
        (
            "--max-connections-per-address=some",
            "--max-connections-per-address <N>",
        ),
        ("--max-handshakes=-1", "--max-handshakes <N>"),
        ("--proxy-protocol=lan", "\"lan\" is no network"),
        ("--proxy-protocol=10.0.0.0/8,", "\"\" is no network"),
    ] {
        let ended = run(&["serve", wrong]).await?;
        assert_eq!(ended.status.code(), Some(2), "{wrong}: {ended:?}");
        let said = text_of(&ended.stderr)?;
        let line = said.lines().next().unwrap_or_default();
        assert!(
            line.starts_with("error: ") && line.contains(part),
            "{wrong}: {said}"
        );
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
