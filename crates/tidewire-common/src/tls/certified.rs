//! A certificate of ours and its key, which belong together.

use rustls::InconsistentKeys;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;

use super::error::{TlsError, TlsFault};
use super::pem::Pem;

pub(super) fn certified<B: AsRef<[u8]>>(
    provider: &CryptoProvider,
    chain: &Pem<'_, B>,
    key: &Pem<'_, B>,
) -> Result<CertifiedKey, TlsError> {
    let certificates = chain.certificates()?;
    let signing_key = provider
        .key_provider
        .load_private_key(key.key()?)
        .map_err(|error| key.error(TlsFault::Unusable(error)))?;
    let certified = CertifiedKey::new(certificates, signing_key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => Err(key.error(TlsFault::Mismatch)),
        Err(error) => Err(chain.error(TlsFault::Unusable(error))),
    }
}
