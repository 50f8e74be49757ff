//! Certificates and keys as PEM, from memory or from files.

use std::fs;
use std::path::Path;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::{TlsError, TlsFault, TlsMaterial};

/// PEM, and where it comes from.
pub(super) struct Pem<'a, B> {
    bytes: B,
    material: TlsMaterial,
    file: Option<&'a Path>,
}

impl<'a> Pem<'a, Vec<u8>> {
    pub(super) fn read(material: TlsMaterial, file: &'a Path) -> Result<Self, TlsError> {
        let bytes = fs::read(file)
            .map_err(|error| TlsError::new(material, Some(file), TlsFault::Unreadable(error)))?;
        Ok(Self {
            bytes,
            material,
            file: Some(file),
        })
    }
}

impl<'a> Pem<'_, &'a [u8]> {
    pub(super) fn lent(material: TlsMaterial, bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            material,
            file: None,
        }
    }
}

impl<B: AsRef<[u8]>> Pem<'_, B> {
    /// Its certificates, one at least.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let certificates = CertificateDer::pem_slice_iter(self.bytes.as_ref())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| self.error(TlsFault::malformed(&error)))?;
        if certificates.is_empty() {
            return Err(self.error(TlsFault::NoCertificate));
        }
        Ok(certificates)
    }

    /// The first private key.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(self.bytes.as_ref()).map_err(|error| match error {
            pem::Error::NoItemsFound => self.error(TlsFault::NoKey),
            error => self.error(TlsFault::malformed(&error)),
        })
    }

    pub(super) fn error(&self, fault: TlsFault) -> TlsError {
        TlsError::new(self.material, self.file, fault)
    }
}
