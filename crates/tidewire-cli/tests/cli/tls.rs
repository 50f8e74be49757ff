//! A server that speaks TLS.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tidewire::blocking::{ClientTls, connect};

use crate::support::{RUNTIMES, Server, TestResult, answer_to, run, run_with_input, text_of};

/// Longer than any of this takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes a certificate for localhost that has signed itself, and its key, into `PREFIX.pem` and `PREFIX.key` there.
fn write_certificate(folder: &Path, prefix: &str) -> TestResult<[String; 2]> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let write = |end: &str, text: String| -> TestResult<String> {
        let file = folder.join(format!("{prefix}.{end}"));
        fs::write(&file, text)?;
        Ok(file.to_str().ok_or("no text")?.to_owned())
    };
    Ok([
        write("pem", made.cert.pem())?,
        write("key", made.signing_key.serialize_pem())?,
    ])
}

/// The server's URL with the name that its certificate is for.
fn by_name(server: &Server) -> String {
    server.url.replace("127.0.0.1", "localhost")
}

#[tokio::test]
async fn serve_speaks_tls_with_its_certificate() -> TestResult {
    let folder = tempfile::tempdir()?;
    let [certificate, key] = write_certificate(folder.path(), "site")?;
    let tls = ClientTls::roots_from_file(&certificate)?;
    for runtime in RUNTIMES {
        let files = ["--tls-certificate", &certificate, "--tls-key", &key];
        let server = Server::start(&[&["--runtime", runtime], &files[..]].concat()).await?;
        assert!(server.url.starts_with("wss://"), "{runtime}: {}", server.url);
        // A client that blocks its thread is fine: the server is another process.
        let mut ws = connect(by_name(&server)).tls(tls.clone()).open()?;
        ws.send("hello")?;
        assert_eq!(ws.recv_timeout(PATIENCE)?, Some("hello".into()), "{runtime}");
        let in_the_clear = answer_to(&server.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await?;
        assert!(
            in_the_clear.starts_with("HTTP/1.1 400 "),
            "{runtime}: {in_the_clear}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_certificate_or_a_key_that_cannot_be_used_is_named_at_start() -> TestResult {
    let folder = tempfile::tempdir()?;
    let [certificate, key] = write_certificate(folder.path(), "site")?;
    let [_, other_key] = write_certificate(folder.path(), "other")?;
    let missing = folder.path().join("missing.pem");
    let missing = missing.to_str().ok_or("no text")?;
    for (certificate, key, named) in [
        (missing, key.as_str(), missing),
        (&certificate, missing, missing),
        (&key, &key, &key),
        (&certificate, &certificate, &certificate),
        (&certificate, &other_key, &other_key),
    ] {
        for runtime in RUNTIMES {
            let files = ["--tls-certificate", certificate, "--tls-key", key];
            let ended = run(&[&["serve", "--runtime", runtime], &files[..]].concat()).await?;
            assert_eq!(ended.status.code(), Some(2), "{runtime} {files:?}");
            let said = text_of(&ended.stderr)?;
            assert!(
                said.starts_with("tidewire: TLS: ") && said.contains(named) && said.lines().count() == 1,
                "{runtime} {files:?}: {said}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn connect_trusts_whom_it_is_told_to() -> TestResult {
    let folder = tempfile::tempdir()?;
    let [certificate, key] = write_certificate(folder.path(), "site")?;
    let server = Server::start(&["--tls-certificate", &certificate, "--tls-key", &key]).await?;
    let (by_name, by_address) = (by_name(&server), server.url.as_str());
    for (url, options) in [
        (by_name.as_str(), &["--tls-roots", &certificate][..]),
        (
            by_address,
            &["--tls-roots", &certificate, "--tls-server-name", "localhost"],
        ),
        (by_address, &["--insecure"]),
        // The server does not ask for it.
        (
            &by_name,
            &[
                "--tls-roots",
                &certificate,
                "--tls-certificate",
                &certificate,
                "--tls-key",
                &key,
            ],
        ),
    ] {
        let ended = run_with_input(&[&["connect", url], options].concat(), "hello\n").await?;
        let said = text_of(&ended.stderr)?;
        assert_eq!(ended.status.code(), Some(0), "{options:?}: {said}");
        assert_eq!(text_of(&ended.stdout)?, "hello\n", "{options:?}");
        assert_eq!(
            said.contains("TLS without verification"),
            options == ["--insecure"],
            "{options:?}: {said}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn connect_says_why_it_does_not_trust_a_server() -> TestResult {
    let folder = tempfile::tempdir()?;
    let [certificate, key] = write_certificate(folder.path(), "site")?;
    let [other, _] = write_certificate(folder.path(), "other")?;
    let server = Server::start(&["--tls-certificate", &certificate, "--tls-key", &key]).await?;
    let in_the_clear = Server::start(&[]).await?;
    let in_the_clear = in_the_clear.url.replace("ws://", "wss://");
    let by_name = by_name(&server);
    for (url, options, part) in [
        (
            by_name.as_str(),
            &[][..],
            "with localhost: certificate leads to no trusted root",
        ),
        (
            &server.url,
            &["--tls-roots", &certificate],
            "with 127.0.0.1: certificate is for localhost and not for 127.0.0.1",
        ),
        (
            &in_the_clear,
            &["--insecure"],
            "with 127.0.0.1: peer does not speak TLS",
        ),
        (
            &by_name,
            &["--tls-roots", "/nowhere/roots.pem"],
            "/nowhere/roots.pem: ",
        ),
        (
            &by_name,
            &[
                "--insecure",
                "--tls-certificate",
                &certificate,
                "--tls-key",
                &other,
            ],
            "other.pem: no private key",
        ),
        (
            &by_name,
            &["--insecure", "--tls-server-name", "a b"],
            "server name: neither",
        ),
    ] {
        let ended = run(&[&["connect", url], options].concat()).await?;
        assert_eq!(ended.status.code(), Some(2), "{options:?}: {ended:?}");
        let said = text_of(&ended.stderr)?;
        assert!(
            said.starts_with("tidewire: ") && said.contains(part) && said.lines().count() == 1,
            "{options:?}: {said}"
        );
    }
    Ok(())
}
