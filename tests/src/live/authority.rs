use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber, date_time_ymd,
};
use tidewire_blocking::ClientTls;
use tidewire_blocking::rustls::crypto::ring;
use tidewire_blocking::rustls::pki_types::pem::PemObject as _;
use tidewire_blocking::rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use tidewire_blocking::rustls::server::WebPkiClientVerifier;
use tidewire_blocking::rustls::{RootCertStore, ServerConfig};

use super::Certificate;

/// The serial number of every certificate that authorities sign.
const SERIAL: u64 = 7;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Somebody who signs certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate as PEM.
    pub certificate: String,
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug)]
pub enum Validity {
    /// Long before and after the test.
    Now,
    /// It was.
    Past,
    /// It will be.
    Future,
}

#[expect(
    clippy::missing_panics_doc,
    reason = "making certificates needs nothing that may be missing"
)]
impl Authority {
    /// A new one.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().expect("random numbers");
        let certificate = params.self_signed(&key).expect("a good certificate").pem();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    /// Signs a certificate for DNS names and IP addresses.
    pub fn sign(&self, names: &[&str], validity: Validity) -> Certificate {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("good names");
        params.serial_number = Some(SerialNumber::from(SERIAL));
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = match validity {
            Validity::Now => (date_time_ymd(1975, 1, 1), date_time_ymd(4096, 1, 1)),
            Validity::Past => (date_time_ymd(1975, 1, 1), date_time_ymd(1999, 12, 31)),
            Validity::Future => (date_time_ymd(3000, 1, 1), date_time_ymd(4096, 1, 1)),
        };
        let key = KeyPair::generate().expect("random numbers");
        let signed = params.signed_by(&key, &self.issuer).expect("a good certificate");
        Certificate {
            certificate: signed.pem(),
            key: key.serialize_pem(),
        }
    }

    /// A server whose certificate it has signed, and which lets in whom the other has signed.
    pub fn server_for(&self, clients: &Self) -> ServerConfig {
        let der = |text: &str| CertificateDer::from_pem_slice(text.as_bytes()).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(der(&clients.certificate)).expect("a certificate");
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let made = self.sign(&["localhost"], Validity::Now);
        let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).expect("a key");
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring speaks both versions")
            .with_client_cert_verifier(verifier.build().expect("a root"))
            .with_single_cert(vec![der(&made.certificate)], key)
            .expect("a certificate and its key")
    }

    /// Takes back all that it has signed.
    pub fn revocations(&self) -> CertificateRevocationListDer<'static> {
        let begun = date_time_ymd(2000, 1, 1);
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(SERIAL),
            revocation_time: begun,
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: begun,
            next_update: begun + DAY,
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).expect("a good list").into()
    }

    /// A client of ours that trusts it alone.
    pub fn client(&self) -> ClientTls {
        ClientTls::roots(self.certificate.as_bytes()).expect("a certificate")
    }
}
