//! Servers that ask who a client is.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use tidewire_blocking::rustls::{ServerConfig, ServerConnection};
use tidewire_tests::live::{ADAPTERS, Authority, Certificate, Validity};
use tidewire_tokio::http2::Http2;
use tidewire_tokio::{HandshakeError, TlsError, TlsFault, TlsMaterial, TlsReason};
use tokio::runtime::Runtime;

use crate::support::{PATIENCE, connect, reason, serve, talk, url};

#[test]
fn a_certificate_that_the_server_trusts_lets_in() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let server = serve(servers.server_for(&clients));
    let ada = clients.sign(&["ada"], Validity::Now);
    let folder = tempfile::tempdir().expect("a folder");
    let [chain, key] = [("ada.pem", &ada.certificate), ("ada.key", &ada.key)].map(|(name, text)| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("room for a file");
        path
    });
    let from_memory = servers
        .client()
        .certificate(ada.certificate.as_bytes(), ada.key.as_bytes())
        .expect("a certificate and its key");
    let from_files = servers
        .client()
        .certificate_from_files(chain, key)
        .expect("a certificate and its key");
    for adapter in ADAPTERS {
        for tls in [&from_memory, &from_files] {
            talk(&mut connect(adapter, &server, tls).expect("a client that is known"));
        }
    }
}

#[test]
fn a_client_without_a_certificate_is_told_that_it_was_refused() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let server = serve(servers.server_for(&clients));
    for adapter in ADAPTERS {
        assert_eq!(
            reason(connect(adapter, &server, &servers.client())),
            TlsReason::Refused,
            "{adapter:?}"
        );
    }
}

#[test]
fn a_client_with_a_certificate_of_another_authority_is_told_that_it_was_refused() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let server = serve(servers.server_for(&clients));
    let stranger = Authority::new("others").sign(&["ada"], Validity::Now);
    let expired = clients.sign(&["ada"], Validity::Past);
    for made in [stranger, expired] {
        let tls = servers
            .client()
            .certificate(made.certificate.as_bytes(), made.key.as_bytes())
            .expect("a certificate and its key");
        for adapter in ADAPTERS {
            assert_eq!(
                reason(connect(adapter, &server, &tls)),
                TlsReason::Refused,
                "{adapter:?}"
            );
        }
    }
}

/// A server that agrees with nobody, and waits until each client has gone: it resets no stream with its word on it.
fn refusing(config: ServerConfig) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let config = Arc::new(config);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            let mut tls = ServerConnection::new(config.clone()).expect("good settings");
            tls.complete_io(&mut stream).expect_err("no certificate");
            // However it goes.
            let _ = io::copy(&mut stream, &mut io::sink());
        }
    });
    address
}

#[test]
fn a_refusal_behind_the_handshake_is_no_failure_of_the_transport_over_http2() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let mut config = servers.server_for(&clients);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connect = tidewire_tokio::connect(url("localhost", refusing(config))).tls(servers.client());
    let runtime = Runtime::new().expect("a runtime");
    for opened in [
        runtime.block_on(async { connect.clone().http2().await.map(drop) }),
        runtime.block_on(async { Http2::connect(&connect).await.map(drop) }),
    ] {
        let error = opened.expect_err("a refusal");
        let expected = "TLS handshake with localhost: received fatal alert: CertificateRequired";
        assert_eq!(error.to_string(), expected, "{error:?}");
        assert!(
            matches!(error, HandshakeError::Tls(_)) && !error.is_transient(),
            "{error:?}"
        );
    }
}

#[test]
fn a_session_is_not_resumed_with_another_certificate() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let server = serve(servers.server_for(&clients));
    let ada = clients.sign(&["ada"], Validity::Now);
    let known = servers
        .client()
        .certificate(ada.certificate.as_bytes(), ada.key.as_bytes())
        .expect("a certificate and its key");
    let stranger = Authority::new("others").sign(&["ada"], Validity::Now);
    let unknown = known
        .clone()
        .certificate(stranger.certificate.as_bytes(), stranger.key.as_bytes())
        .expect("a certificate and its key");
    for adapter in ADAPTERS {
        talk(&mut connect(adapter, &server, &known).expect("a client that is known"));
        assert_eq!(reason(connect(adapter, &server, &unknown)), TlsReason::Refused);
    }
}

/// Tells what is wrong.
type Expected = fn(&TlsFault) -> bool;

#[test]
fn a_certificate_of_ours_that_cannot_be_used_is_named() {
    let made = Certificate::new();
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("room for a file");
        path
    };
    let chain = file("chain.pem", &made.certificate);
    let key = file("key.pem", &made.key);
    let other = file("other.pem", &Certificate::new().key);
    let missing = folder.path().join("missing.pem");
    let unreadable: Expected = |fault| matches!(fault, TlsFault::Unreadable(_));
    for (chain, key, material, named, expected) in [
        (&missing, &key, TlsMaterial::Chain, &missing, unreadable),
        (&chain, &missing, TlsMaterial::Key, &missing, unreadable),
        (&key, &key, TlsMaterial::Chain, &key, |fault| {
            matches!(fault, TlsFault::NoCertificate)
        }),
        (&chain, &chain, TlsMaterial::Key, &chain, |fault| {
            matches!(fault, TlsFault::NoKey)
        }),
        (&chain, &other, TlsMaterial::Key, &other, |fault| {
            matches!(fault, TlsFault::Mismatch)
        }),
    ] {
        let error: TlsError = made
            .client()
            .certificate_from_files(chain, key)
            .expect_err("not usable");
        assert_eq!(error.material(), material, "{error}");
        assert_eq!(error.file(), Some(named.as_path()), "{error}");
        assert!(expected(error.fault()), "{error:?}");
    }
}
