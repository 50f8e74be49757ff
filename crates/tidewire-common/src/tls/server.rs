use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::ResolvesServerCert;
use rustls::sign::SingleCertAndKey;

use super::certified::certified;
use super::error::{TlsError, TlsFault, TlsMaterial};
use super::pem::Pem;
use super::{PROTOCOL, provider};

/// A server's side of TLS: its certificate and key. Cheap to clone; clones share the sessions that clients may resume.
///
/// TLS 1.2 and 1.3 are spoken, and clients that ask by ALPN are told `http/1.1`. Whoever wants another setting makes a
/// [`rustls::ServerConfig`] of his own, which is taken as it is.
///
/// ```no_run
/// # use tidewire_common::ServerTls;
/// let tls = ServerTls::files("/etc/ssl/example.com.pem", "/etc/ssl/example.com.key")?;
/// # Ok::<(), tidewire_common::TlsError>(())
/// ```
#[derive(Clone)]
pub struct ServerTls(Arc<ServerConfig>);

impl ServerTls {
    /// Reads PEM files: the certificate with those that lead to a root behind it, and its private key (PKCS #8, SEC 1
    /// or PKCS #1, without a passphrase). One file may hold both. They are read once, here.
    ///
    /// # Errors
    /// [`TlsError`] names the file and what is wrong with it.
    pub fn files(
        certificate_chain: impl AsRef<Path>,
        private_key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        let chain = Pem::read(TlsMaterial::Chain, certificate_chain.as_ref())?;
        let key = Pem::read(TlsMaterial::Key, private_key.as_ref())?;
        Self::new(&chain, &key)
    }

    /// As [`files`](Self::files), with what stands in them.
    ///
    /// # Errors
    /// As for [`files`](Self::files), without a file's name.
    pub fn pem(certificate_chain: &[u8], private_key: &[u8]) -> Result<Self, TlsError> {
        let chain = Pem::lent(TlsMaterial::Chain, certificate_chain);
        let key = Pem::lent(TlsMaterial::Key, private_key);
        Self::new(&chain, &key)
    }

    fn new<B: AsRef<[u8]>>(chain: &Pem<'_, B>, key: &Pem<'_, B>) -> Result<Self, TlsError> {
        let provider = provider();
        let certified = certified(&provider, chain, key)?;
        let certified: Arc<dyn ResolvesServerCert> = Arc::new(SingleCertAndKey::from(certified));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| chain.error(TlsFault::Unusable(error)))?
            .with_no_client_auth()
            .with_cert_resolver(certified);
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(config.into())
    }

    /// The settings as rustls has them.
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.0
    }
}

impl From<ServerConfig> for ServerTls {
    fn from(config: ServerConfig) -> Self {
        Self(Arc::new(config))
    }
}

impl From<Arc<ServerConfig>> for ServerTls {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self(config)
    }
}

/// Shows no key.
impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}
