use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem;

/// Why certificates or a key cannot be used; names the file, where they come from one.
#[derive(Debug, thiserror::Error)]
#[error("{material}{}: {fault}", .file.as_ref().map(|file| format!(" {}", file.display())).unwrap_or_default())]
pub struct TlsError {
    material: TlsMaterial,
    file: Option<PathBuf>,
    fault: TlsFault,
}

/// What certificates and keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsMaterial {
    /// A certificate of ours, and those that lead from it to a root.
    Chain,
    /// The private key of the first certificate.
    Key,
    /// The certificates that a client trusts.
    Roots,
    /// Those of them that the system has.
    Platform,
    /// The name that a server has to show a certificate for.
    ServerName,
}

/// What is wrong with them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFault {
    /// The file cannot be read, or is not there.
    #[error(transparent)]
    Unreadable(io::Error),
    /// It looks like PEM and is none. What stands in it is not shown: it may be a key.
    #[error("malformed PEM, {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no certificate in it.
    #[error("no certificate in it")]
    NoCertificate,
    /// There is no private key in it; one with a passphrase does not count.
    #[error("no private key without a passphrase in it")]
    NoKey,
    /// The certificate or the key cannot be read, or is of a kind that is not supported.
    #[error(transparent)]
    Unusable(rustls::Error),
    /// The key is not that of the first certificate.
    #[error("not the key of the first certificate")]
    Mismatch,
    /// It is neither a DNS name nor an IP address.
    #[error("neither a DNS name nor an IP address")]
    NoName,
}

impl TlsError {
    pub(super) fn new(material: TlsMaterial, file: Option<&Path>, fault: TlsFault) -> Self {
        Self {
            material,
            file: file.map(Path::to_owned),
            fault,
        }
    }

    /// What cannot be used.
    pub fn material(&self) -> TlsMaterial {
        self.material
    }

    /// The file that it comes from, if it does from one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What is wrong with it.
    pub fn fault(&self) -> &TlsFault {
        &self.fault
    }
}

impl TlsFault {
    /// What is wrong with PEM, without what the error shows of it: where line ends were lost, that is all of a key.
    pub(super) fn malformed(error: &pem::Error) -> Self {
        Self::Malformed {
            reason: match error {
                pem::Error::MissingSectionEnd { .. } => "a section has no end",
                pem::Error::IllegalSectionStart { .. } => "the first line of a section cannot be read",
                pem::Error::Base64Decode(_) => "a section is no base64",
                pem::Error::SectionTooLarge => "a section is too large",
                _ => "it cannot be read",
            },
        }
    }
}

impl fmt::Display for TlsMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chain => "certificate chain",
            Self::Key => "private key",
            Self::Roots => "trusted certificates",
            Self::Platform => "trusted certificates of the system",
            Self::ServerName => "server name",
        })
    }
}
