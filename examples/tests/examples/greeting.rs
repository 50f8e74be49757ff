//! A greeting, plain and over TLS.

use std::fs;

use tempfile::tempdir;
use tidewire_tests::live::Certificate;

use crate::support::{Example, TestResult};

const ADAPTERS: [&str; 2] = ["tokio", "blocking"];

#[test]
fn each_client_is_greeted_by_each_server() -> TestResult {
    for server in ADAPTERS {
        for client in ADAPTERS {
            let mut running = Example::start(&format!("{server}-greeting-server"), &["127.0.0.1:0"])?;
            let url = running.url()?;
            let said = Example::start(&format!("{client}-greeting-client"), &[&url])?.all_lines()?;
            assert_eq!(said, ["Hello, Ada!"], "{client} with {server}");
        }
    }
    Ok(())
}

#[test]
fn each_client_is_greeted_over_tls_by_each_server() -> TestResult {
    let folder = tempdir()?;
    let made = Certificate::new();
    let write = |name: &str, content: &str| -> TestResult<String> {
        let path = folder.path().join(name);
        fs::write(&path, content)?;
        Ok(path.to_str().ok_or("a path in Unicode")?.to_owned())
    };
    let certificate = write("certificate.pem", &made.certificate)?;
    let key = write("key.pem", &made.key)?;
    for server in ADAPTERS {
        for client in ADAPTERS {
            let mut running = Example::start(
                &format!("{server}-secure-greeting-server"),
                &["127.0.0.1:0", &certificate, &key],
            )?;
            let url = running.url()?;
            // The certificate is for a name.
            let url = url.replace("127.0.0.1", "localhost");
            let said = Example::start(&format!("{client}-secure-greeting-client"), &[&url, &certificate])?;
            assert_eq!(said.all_lines()?, ["Hello, Ada!"], "{client} with {server}");
        }
    }
    Ok(())
}
