//! What certificates and keys are read from, and what is said of files that will not do.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use tidewire_blocking::{ClientTls, ServerTls, TlsError, TlsFault, TlsMaterial};
use tidewire_tests::live::Certificate;

/// A folder of one test, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tidewire-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for what is temporary");
        Self(path)
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("room for a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn said(error: &TlsError) -> String {
    error.to_string()
}

#[test]
fn a_chain_and_its_key_are_read_from_two_files_or_from_one() -> Result<(), Box<dyn Error>> {
    let folder = Folder::new("both");
    let made = Certificate::new();
    let chain = folder.file("chain.pem", &made.certificate);
    let key = folder.file("key.pem", &made.key);
    ServerTls::files(&chain, &key)?;
    let both = folder.file("both.pem", format!("{}{}", made.key, made.certificate));
    ServerTls::files(&both, &both)?;
    ClientTls::roots_from_file(&chain)?;
    Ok(())
}

#[test]
fn a_missing_file_is_named() {
    let folder = Folder::new("missing");
    let made = Certificate::new();
    let chain = folder.file("chain.pem", &made.certificate);
    let missing = folder.0.join("missing.pem");
    for (error, material) in [
        (ServerTls::files(&missing, &chain).map(drop), TlsMaterial::Chain),
        (ServerTls::files(&chain, &missing).map(drop), TlsMaterial::Key),
        (ClientTls::roots_from_file(&missing).map(drop), TlsMaterial::Roots),
    ] {
        let error = error.expect_err("there is no such file");
        assert_eq!(error.file(), Some(missing.as_path()));
        assert_eq!(error.material(), material);
        assert!(matches!(error.fault(), TlsFault::Unreadable(_)), "{error:?}");
        assert!(said(&error).contains("missing.pem: "), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = Folder::new("unreadable");
    // A folder is no file.
    let error = ServerTls::files(&folder.0, &folder.0).expect_err("a folder");
    assert_eq!(error.file(), Some(folder.0.as_path()));
    assert!(matches!(error.fault(), TlsFault::Unreadable(_)), "{error:?}");
}

#[test]
fn a_file_without_what_is_wanted_is_named() {
    let folder = Folder::new("without");
    let made = Certificate::new();
    let chain = folder.file("chain.pem", &made.certificate);
    let key = folder.file("key.pem", &made.key);
    let empty = folder.file("empty.pem", "");

    for wrong in [&key, &empty] {
        let error = ServerTls::files(wrong, &key).expect_err("there is no certificate");
        assert_eq!(error.file(), Some(wrong.as_path()));
        assert!(matches!(error.fault(), TlsFault::NoCertificate), "{error:?}");
        assert!(said(&error).starts_with("certificate chain "), "{error}");
        assert!(said(&error).ends_with(": no certificate in it"), "{error}");

        let error = ClientTls::roots_from_file(wrong).expect_err("there is no certificate");
        assert_eq!(error.file(), Some(wrong.as_path()));
        assert!(matches!(error.fault(), TlsFault::NoCertificate), "{error:?}");
    }
    for wrong in [&chain, &empty] {
        let error = ServerTls::files(&chain, wrong).expect_err("there is no key");
        assert_eq!(error.file(), Some(wrong.as_path()));
        assert!(matches!(error.fault(), TlsFault::NoKey), "{error:?}");
        assert!(
            said(&error).ends_with(": no private key without a passphrase in it"),
            "{error}"
        );
    }
}

#[test]
fn malformed_pem_is_named_and_not_shown() {
    let folder = Folder::new("malformed");
    let made = Certificate::new();
    let chain = folder.file("chain.pem", &made.certificate);
    let key = folder.file("key.pem", &made.key);
    let cut = folder.file("cut.pem", &made.certificate[..made.certificate.len() / 2]);
    let damaged = folder.file("damaged.pem", made.key.replace('M', "*"));

    let error = ServerTls::files(&cut, &key).expect_err("half a certificate");
    assert_eq!(error.file(), Some(cut.as_path()));
    assert!(matches!(error.fault(), TlsFault::Malformed { .. }), "{error:?}");
    assert!(
        said(&error).ends_with(": malformed PEM, a section has no end"),
        "{error}"
    );

    let error = ServerTls::files(&chain, &damaged).expect_err("no base64");
    assert_eq!(error.file(), Some(damaged.as_path()));
    assert!(
        said(&error).ends_with(": malformed PEM, a section is no base64"),
        "{error}"
    );
}

#[test]
fn a_key_whose_line_ends_were_lost_is_shown_nowhere() {
    let made = Certificate::new();
    let secret = &made.key[40..60];
    let bytes = format!("{:?}", secret.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']);
    for lost in [
        made.key.replace('\n', " "),
        made.key.replacen("-----\n", "-----", 1),
    ] {
        let error = ServerTls::pem(made.certificate.as_bytes(), lost.as_bytes()).expect_err("no line is one");
        let causes = std::iter::successors(Some(&error as &dyn Error), |&error| error.source());
        let shown: Vec<_> = causes.map(|error| format!("{error} {error:?}")).collect();
        let shown = shown.join(" ");
        assert!(!shown.contains(secret) && !shown.contains(bytes), "{shown}");
        assert!(
            said(&error).starts_with("private key: malformed PEM, "),
            "{error}"
        );
    }
}

#[test]
fn a_certificate_or_key_that_is_none_is_named() {
    let folder = Folder::new("unusable");
    let made = Certificate::new();
    let chain = folder.file("chain.pem", &made.certificate);
    let key = folder.file("key.pem", &made.key);
    let no_certificate = folder.file(
        "none.pem",
        "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
    );
    let no_key = folder.file(
        "none.key",
        "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n",
    );
    for (error, file) in [
        (ServerTls::files(&no_certificate, &key).map(drop), &no_certificate),
        (ServerTls::files(&chain, &no_key).map(drop), &no_key),
        (
            ClientTls::roots_from_file(&no_certificate).map(drop),
            &no_certificate,
        ),
    ] {
        let error = error.expect_err("five bytes are neither");
        assert_eq!(error.file(), Some(file.as_path()));
        assert!(matches!(error.fault(), TlsFault::Unusable(_)), "{error:?}");
    }
}

#[test]
fn a_key_of_another_certificate_is_named() {
    let folder = Folder::new("mismatch");
    let chain = folder.file("chain.pem", Certificate::new().certificate);
    let key = folder.file("other.pem", Certificate::new().key);
    let error = ServerTls::files(&chain, &key).expect_err("not its key");
    assert_eq!(error.file(), Some(key.as_path()));
    assert!(matches!(error.fault(), TlsFault::Mismatch), "{error:?}");
    assert!(
        said(&error).ends_with("other.pem: not the key of the first certificate"),
        "{error}"
    );
}

#[test]
fn what_is_in_memory_has_no_name() {
    let error = ServerTls::pem(b"", b"").expect_err("there is nothing");
    assert_eq!(error.file(), None);
    assert_eq!(said(&error), "certificate chain: no certificate in it");
}

#[test]
fn neither_keys_nor_certificates_are_shown() {
    let made = Certificate::new();
    assert_eq!(format!("{:?}", made.server()), "ServerTls { .. }");
    assert_eq!(format!("{:?}", made.client()), "ClientTls { .. }");
}
