//! Which certificates are taken, and what is said of the others.

use std::error::Error as _;
use std::sync::Arc;

use tidewire_blocking::rustls::client::WebPkiServerVerifier;
use tidewire_blocking::rustls::crypto::ring;
use tidewire_blocking::rustls::pki_types::CertificateDer;
use tidewire_blocking::rustls::pki_types::pem::PemObject as _;
use tidewire_blocking::rustls::{self, ClientConfig, RootCertStore};
use tidewire_tests::live::{ADAPTERS, Authority, Certificate, Validity};
use tidewire_tokio::{ClientTls, TlsReason};

use crate::support::{connect, failure, reason, serve, talk};

#[test]
fn a_certificate_that_a_root_has_signed_is_taken() {
    let authority = Authority::new("ours");
    let server = serve(authority.sign(&["localhost"], Validity::Now).server());
    for adapter in ADAPTERS {
        talk(&mut connect(adapter, &server, &authority.client()).expect("a trusted server"));
    }
}

#[test]
fn a_certificate_that_is_a_root_itself_is_taken() {
    let certificate = Certificate::new();
    let server = serve(certificate.server());
    for adapter in ADAPTERS {
        talk(&mut connect(adapter, &server, &certificate.client()).expect("a trusted server"));
    }
}

#[test]
fn a_root_that_is_not_trusted_is_told() {
    let server = serve(
        Authority::new("theirs")
            .sign(&["localhost"], Validity::Now)
            .server(),
    );
    let strangers = [Authority::new("ours").client(), ClientTls::webpki_roots()];
    for adapter in ADAPTERS {
        for tls in &strangers {
            let failure = failure(connect(adapter, &server, tls));
            assert_eq!(failure.reason(), &TlsReason::UnknownIssuer, "{adapter:?}");
            assert_eq!(
                failure.to_string(),
                "TLS handshake with localhost: certificate leads to no trusted root"
            );
            let cause = failure.source().and_then(|cause| cause.downcast_ref());
            assert_eq!(
                cause,
                Some(&rustls::Error::InvalidCertificate(
                    rustls::CertificateError::UnknownIssuer
                ))
            );
        }
    }
}

#[test]
fn a_certificate_out_of_its_time_is_told() {
    let authority = Authority::new("ours");
    for (validity, expected, words) in [
        (Validity::Past, TlsReason::Expired, "certificate expired"),
        (
            Validity::Future,
            TlsReason::NotYetValid,
            "certificate not valid yet",
        ),
    ] {
        let server = serve(authority.sign(&["localhost"], validity).server());
        for adapter in ADAPTERS {
            let failure = failure(connect(adapter, &server, &authority.client()));
            assert_eq!(failure.reason(), &expected, "{adapter:?}");
            assert!(failure.to_string().contains(words), "{failure}");
        }
    }
}

#[test]
fn a_certificate_that_was_revoked_is_told_where_that_is_looked_at() {
    let authority = Authority::new("ours");
    let server = serve(authority.sign(&["localhost"], Validity::Now).server());
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.certificate.as_bytes()).expect("a certificate");
    roots.add(root).expect("a certificate");
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone())
        .with_crls([authority.revocations()])
        .build()
        .expect("a good list");
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks both versions")
        .with_webpki_verifier(verifier)
        .with_no_client_auth();
    let tls = ClientTls::from(config);
    for adapter in ADAPTERS {
        assert_eq!(
            reason(connect(adapter, &server, &tls)),
            TlsReason::Revoked,
            "{adapter:?}"
        );
    }
}
