use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ResolvesClientCert, WantsClientCert};
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, SignatureScheme, WantsVerifier};
use rustls_platform_verifier::Verifier;

use super::certified::certified;
use super::dangerous::Unverified;
use super::error::{TlsError, TlsFault, TlsMaterial};
use super::pem::Pem;
use super::{PROTOCOL, provider};
use crate::tls_failure::{TlsFailure, TlsReason};

/// A client's side of TLS: whom it trusts, and who it is. Cheap to clone; clones share the sessions that they may resume.
///
/// TLS 1.2 and 1.3 are spoken, and servers are told `http/1.1` by ALPN. Whoever wants another setting makes a
/// [`rustls::ClientConfig`] of his own, which is taken as it is.
///
/// ```no_run
/// # use tidewire_common::ClientTls;
/// let tls = ClientTls::roots_from_file("/etc/ssl/our-authority.pem")?
///     .certificate_from_files("/etc/ssl/client.pem", "/etc/ssl/client.key")?;
/// # Ok::<(), tidewire_common::TlsError>(())
/// ```
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

impl ClientTls {
    /// Trusts whom the system trusts, as it is now; this is what a `wss://` URL gets where nothing else is set.
    ///
    /// It blocks while files are read, for some milliseconds. On Linux and other Unix systems these are the files that
    /// OpenSSL would read, or those that the variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name. On macOS and Windows it is
    /// the system itself that judges certificates, which may block during each handshake.
    ///
    /// # Errors
    /// [`TlsError`], where no certificate can be read, as in a container without any.
    pub fn platform() -> Result<Self, TlsError> {
        let verifier = Verifier::new(provider())
            .map_err(|error| TlsError::new(TlsMaterial::Platform, None, TlsFault::Unusable(error)))?;
        Ok(Self::judging_by(verifier))
    }

    /// Trusts whom Mozilla trusted when the crate `webpki-roots` was published, whatever the system has.
    #[cfg(feature = "webpki-roots")]
    pub fn webpki_roots() -> Self {
        Self::trusting(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
    }

    /// Trusts the certificates in a PEM file, and what they have signed, alone. It is read once, here.
    ///
    /// # Errors
    /// [`TlsError`] names the file and what is wrong with it.
    pub fn roots_from_file(certificates: impl AsRef<Path>) -> Result<Self, TlsError> {
        Self::of_pem(&Pem::read(TlsMaterial::Roots, certificates.as_ref())?)
    }

    /// As [`roots_from_file`](Self::roots_from_file), with what stands in it.
    ///
    /// # Errors
    /// As for [`roots_from_file`](Self::roots_from_file), without a file's name.
    pub fn roots(certificates: &[u8]) -> Result<Self, TlsError> {
        Self::of_pem(&Pem::lent(TlsMaterial::Roots, certificates))
    }

    /// Trusts **anybody**: no certificate is looked at, so that whoever is on the way may read and change everything.
    /// For a server at hand that is being tried, and for nothing else.
    ///
    /// The first connection of this setting and its clones says so in the log, as a warning.
    pub fn dangerous() -> Self {
        Self::judging_by(Unverified::new(&provider()))
    }

    fn of_pem<B: AsRef<[u8]>>(pem: &Pem<'_, B>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in pem.certificates()? {
            roots
                .add(certificate)
                .map_err(|error| pem.error(TlsFault::Unusable(error)))?;
        }
        Ok(Self::trusting(roots))
    }

    fn trusting(roots: RootCertStore) -> Self {
        Self::unknown(builder().with_root_certificates(roots))
    }

    fn judging_by(verifier: impl ServerCertVerifier + 'static) -> Self {
        let builder = builder().dangerous();
        Self::unknown(builder.with_custom_certificate_verifier(Arc::new(verifier)))
    }

    /// A client without a certificate of its own.
    fn unknown(builder: ConfigBuilder<ClientConfig, WantsClientCert>) -> Self {
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.into()
    }

    /// Shows a certificate to servers that ask for one. Both files are PEM and read once, here: the certificate with
    /// those that lead to a root behind it, and its private key (PKCS #8, SEC 1 or PKCS #1, without a passphrase). One
    /// file may hold both.
    ///
    /// # Errors
    /// [`TlsError`] names the file and what is wrong with it.
    pub fn certificate_from_files(
        self,
        certificate_chain: impl AsRef<Path>,
        private_key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        let chain = Pem::read(TlsMaterial::Chain, certificate_chain.as_ref())?;
        let key = Pem::read(TlsMaterial::Key, private_key.as_ref())?;
        self.with_certificate(&chain, &key)
    }

    /// As [`certificate_from_files`](Self::certificate_from_files), with what stands in them.
    ///
    /// # Errors
    /// As for [`certificate_from_files`](Self::certificate_from_files), without a file's name.
    pub fn certificate(self, certificate_chain: &[u8], private_key: &[u8]) -> Result<Self, TlsError> {
        let chain = Pem::lent(TlsMaterial::Chain, certificate_chain);
        let key = Pem::lent(TlsMaterial::Key, private_key);
        self.with_certificate(&chain, &key)
    }

    fn with_certificate<B: AsRef<[u8]>>(
        self,
        chain: &Pem<'_, B>,
        key: &Pem<'_, B>,
    ) -> Result<Self, TlsError> {
        let certified = certified(self.config.crypto_provider(), chain, key)?;
        let mut config = Arc::unwrap_or_clone(self.config);
        // Sessions of another certificate are not resumed: rustls sees to that.
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified));
        Ok(Self {
            config: Arc::new(config),
            server_name: self.server_name,
        })
    }

    /// Asks for a server of this name (SNI) in place of the URL's host, and takes a certificate for this name alone: a DNS
    /// name, or an IP address without brackets, which is not asked for.
    ///
    /// # Errors
    /// [`TlsError`], where it is neither.
    pub fn server_name(mut self, name: &str) -> Result<Self, TlsError> {
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| TlsError::new(TlsMaterial::ServerName, None, TlsFault::NoName))?;
        self.server_name = Some(name);
        Ok(self)
    }

    /// The same trust without what is between the application and one server: a certificate of its own, and the name that
    /// the server is asked for.
    pub(crate) fn unnamed(self) -> Self {
        let mut config = self.config;
        if config.client_auth_cert_resolver.has_certs() {
            // Sessions of a certificate are not resumed without it: rustls sees to that.
            Arc::make_mut(&mut config).client_auth_cert_resolver = Arc::new(NoCertificate);
        }
        config.into()
    }

    /// The name that a server at `host`, a DNS name or an IP address without brackets, has to show a certificate for.
    ///
    /// # Errors
    /// [`TlsReason::Name`], where it is neither.
    pub fn name_at(&self, host: &str) -> Result<ServerName<'static>, TlsFailure> {
        match &self.server_name {
            Some(name) => Ok(name.clone()),
            None => {
                ServerName::try_from(host.to_owned()).map_err(|error| TlsFailure::new(TlsReason::Name, error))
            }
        }
    }

    /// The settings as rustls has them.
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// The same settings, but servers are told this protocol alone by ALPN.
    pub fn speaking(&self, protocol: &[u8]) -> Arc<ClientConfig> {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    }
}

/// Shows none.
#[derive(Debug)]
struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring speaks both versions of TLS")
}

impl From<ClientConfig> for ClientTls {
    fn from(config: ClientConfig) -> Self {
        Arc::new(config).into()
    }
}

impl From<Arc<ClientConfig>> for ClientTls {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self {
            config,
            server_name: None,
        }
    }
}

/// Shows no key of a client's.
impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").finish_non_exhaustive()
    }
}
