//! The trust of the system, which a process is told by variables: so each test has one of its own.

use std::env;
use std::fs;
use std::process::Command;

use tidewire_tests::live::{ADAPTERS, Authority, Validity};
use tidewire_tokio::{ClientTls, Config, TlsMaterial, TlsReason};

use crate::support::{failure, open, serve, talk, url};

/// Where a child finds the server that it is to connect to.
const URL: &str = "TIDEWIRE_TEST_URL";

/// Runs one of the tests below in a process whose system trusts the certificates of this file.
fn succeed(test: &str, server: &Authority, trusted: &str) {
    let server = serve(server.sign(&["localhost"], Validity::Now).server());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("roots.pem");
    fs::write(&file, trusted).expect("room for a file");
    let output = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", "--nocapture", test])
        .env("SSL_CERT_FILE", file)
        .env_remove("SSL_CERT_DIR")
        .env(URL, url("localhost", server.address()))
        .output()
        .expect("this program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn whom_the_system_trusts_is_trusted_where_nothing_was_set() {
    let authority = Authority::new("the system's");
    succeed("platform::child_of_a_friend", &authority, &authority.certificate);
}

#[test]
fn child_of_a_friend() {
    // Without a parent there is nothing to connect to.
    let Ok(url) = env::var(URL) else { return };
    for adapter in ADAPTERS {
        // Twice, since the second finds what the first has read.
        for _ in 0..2 {
            talk(&mut open(adapter, &url, None, Config::default()).expect("a trusted server"));
        }
        let tls = ClientTls::platform().expect("a system with certificates");
        talk(&mut open(adapter, &url, Some(&tls), Config::default()).expect("a trusted server"));
    }
}

#[test]
fn whom_the_system_does_not_trust_is_not_trusted() {
    let (theirs, ours) = (Authority::new("theirs"), Authority::new("the system's"));
    succeed("platform::child_of_a_stranger", &theirs, &ours.certificate);
}

#[test]
fn child_of_a_stranger() {
    let Ok(url) = env::var(URL) else { return };
    for adapter in ADAPTERS {
        let failure = failure(open(adapter, &url, None, Config::default()));
        assert_eq!(failure.reason(), &TlsReason::UnknownIssuer, "{adapter:?}");
    }
}

#[test]
fn a_system_without_certificates_is_told() {
    succeed("platform::child_of_nobody", &Authority::new("theirs"), "");
}

#[test]
fn child_of_nobody() {
    let Ok(url) = env::var(URL) else { return };
    let error = ClientTls::platform().expect_err("there are none");
    assert_eq!(error.material(), TlsMaterial::Platform);
    for adapter in ADAPTERS {
        let failure = failure(open(adapter, &url, None, Config::default()));
        assert_eq!(failure.reason(), &TlsReason::Roots);
        assert!(
            failure
                .to_string()
                .starts_with("TLS handshake with localhost: trusted certificates of the system: "),
            "{failure}"
        );
    }
}
