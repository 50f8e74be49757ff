use std::sync::Arc;

use tidewire_blocking::rustls::crypto::ring;
use tidewire_blocking::rustls::pki_types::pem::PemObject as _;
use tidewire_blocking::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tidewire_blocking::rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tidewire_blocking::{ClientTls, ServerTls};

/// A certificate for `localhost` that has signed itself, and its key, both as PEM.
#[derive(Debug)]
pub struct Certificate {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}

impl Certificate {
    /// A new one.
    #[expect(
        clippy::missing_panics_doc,
        reason = "making one needs nothing that may be missing"
    )]
    pub fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a good name");
        Self {
            certificate: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }
    }

    /// A server of ours that has it.
    #[expect(clippy::missing_panics_doc, reason = "it was made for this")]
    pub fn server(&self) -> ServerTls {
        ServerTls::pem(self.certificate.as_bytes(), self.key.as_bytes()).expect("a certificate and its key")
    }

    /// A client of ours that trusts it alone.
    #[expect(clippy::missing_panics_doc, reason = "it was made for this")]
    pub fn client(&self) -> ClientTls {
        ClientTls::roots(self.certificate.as_bytes()).expect("a certificate")
    }

    /// The settings of a server that has it and speaks one version only.
    #[expect(clippy::missing_panics_doc, reason = "it was made for this")]
    pub fn server_speaking(&self, version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version])
            .expect("a version of this provider")
            .with_no_client_auth()
            .with_single_cert(vec![self.der()], key)
            .expect("a certificate and its key");
        Arc::new(config)
    }

    /// The settings of a client that trusts it and speaks one version only.
    #[expect(clippy::missing_panics_doc, reason = "it was made for this")]
    pub fn client_speaking(&self, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der()).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version])
            .expect("a version of this provider")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }

    fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("a certificate")
    }
}
