//! A server that speaks TLS.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use tidewire::blocking::{ClientTls, Connect, TlsSocket};

use crate::support::{RUNTIMES, Server, TestResult, answer_to, run, text_of};

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
        let stream = TcpStream::connect(&server.address)?;
        let socket = TlsSocket::connect(stream, &tls, "localhost", Some(PATIENCE))?;
        let mut ws = Connect::new("ws://localhost/").over(socket)?;
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
