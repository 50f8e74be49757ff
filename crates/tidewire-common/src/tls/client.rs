use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use super::error::{TlsError, TlsFault, TlsMaterial};
use super::pem::Pem;
use super::{PROTOCOL, provider};

/// A client's side of TLS: whom it trusts. Cheap to clone; clones share the sessions that they may resume.
///
/// TLS 1.2 and 1.3 are spoken, and servers are told `http/1.1` by ALPN. Whoever wants another setting makes a
/// [`rustls::ClientConfig`] of his own, which is taken as it is.
///
/// ```no_run
/// use tidewire_common::ClientTls;
///
/// let tls = ClientTls::roots_from_file("/etc/ssl/our-authority.pem")?;
/// # Ok::<(), tidewire_common::TlsError>(())
/// ```
#[derive(Clone)]
pub struct ClientTls(Arc<ClientConfig>);

impl ClientTls {
    /// Trusts the certificates in a PEM file, and what they have signed, alone. It is read once, here.
    ///
    /// # Errors
    /// [`TlsError`] names the file and what is wrong with it.
    pub fn roots_from_file(certificates: impl AsRef<Path>) -> Result<Self, TlsError> {
        Self::new(&Pem::read(TlsMaterial::Roots, certificates.as_ref())?)
    }

    /// As [`roots_from_file`](Self::roots_from_file), with what stands in it.
    ///
    /// # Errors
    /// As for [`roots_from_file`](Self::roots_from_file), without a file's name.
    pub fn roots(certificates: &[u8]) -> Result<Self, TlsError> {
        Self::new(&Pem::lent(TlsMaterial::Roots, certificates))
    }

    fn new<B: AsRef<[u8]>>(pem: &Pem<'_, B>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in pem.certificates()? {
            roots
                .add(certificate)
                .map_err(|error| pem.error(TlsFault::Unusable(error)))?;
        }
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| pem.error(TlsFault::Unusable(error)))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(config.into())
    }

    /// The settings as rustls has them.
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.0
    }
}

impl From<ClientConfig> for ClientTls {
    fn from(config: ClientConfig) -> Self {
        Self(Arc::new(config))
    }
}

impl From<Arc<ClientConfig>> for ClientTls {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self(config)
    }
}

/// Shows no key of a client's.
impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").finish_non_exhaustive()
    }
}
