//! What may go wrong while TLS is agreed on, in words that need no TLS.

#[cfg(not(feature = "tls"))]
mod disabled;
#[cfg(feature = "tls")]
mod enabled;

#[cfg(not(feature = "tls"))]
use disabled as rustls;
#[cfg(feature = "tls")]
use enabled as rustls;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;

/// Any error, from whatever crate.
type Cause = Box<dyn StdError + Send + Sync>;

/// Why a handshake of TLS went wrong, and with which server.
#[derive(Debug)]
pub struct TlsFailure(Box<Failure>);

#[derive(Debug)]
struct Failure {
    server: Option<String>,
    reason: TlsReason,
    cause: Cause,
}

/// What was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsReason {
    /// The certificates that the system trusts cannot be read; nothing was sent.
    Roots,
    /// The server's name is neither a DNS name nor an IP address; nothing was sent.
    Name,
    /// The peer answered with something that is not TLS.
    NotTls,
    /// The certificate leads to no root that is trusted here; one that has signed itself leads nowhere.
    UnknownIssuer,
    /// The time of the certificate, or of one that leads from it to a root, is over.
    Expired,
    /// The time of the certificate, or of one that leads from it to a root, has not begun.
    NotYetValid,
    /// The certificate is for others.
    WrongName {
        /// Whom it should be for.
        expected: String,
        /// Whom it is for: DNS names and IP addresses. Some systems do not tell them.
        presented: Vec<String>,
    },
    /// The certificate was revoked.
    Revoked,
    /// The certificate is not acceptable for another reason.
    Certificate,
    /// The peer refused, for example because it asks for a certificate of ours, or does not trust the one it got.
    Refused,
    /// Anything else: nothing is spoken by both, or what arrived breaks a rule of TLS.
    Other,
}

impl TlsFailure {
    /// For adapters: a failure of which more is known than its cause says.
    pub fn new(reason: TlsReason, cause: impl Into<Cause>) -> Self {
        Self(Box::new(Failure {
            server: None,
            reason,
            cause: cause.into(),
        }))
    }

    /// Finds the failure of TLS in an error of a stream; gives back any other.
    pub(crate) fn find(error: io::Error) -> Result<Self, io::Error> {
        match error.get_ref().and_then(|cause| rustls::reason(cause)) {
            Some(reason) => Ok(Self::new(
                reason,
                error.into_inner().unwrap_or_else(|| "TLS".into()),
            )),
            None => Err(error),
        }
    }

    pub(crate) fn with_server(mut self, server: &str) -> Self {
        self.0.server.get_or_insert_with(|| server.to_owned());
        self
    }

    /// The host that the URL names, or that of its proxy, where a client failed.
    pub fn server(&self) -> Option<&str> {
        self.0.server.as_deref()
    }

    /// What was wrong.
    pub fn reason(&self) -> &TlsReason {
        &self.0.reason
    }

    /// The error of rustls, but for [`TlsReason::Roots`] a `TlsError` and for [`TlsReason::Name`] one that says so.
    pub fn cause(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0.cause
    }

    /// What was wrong, where the cause does not tell it well.
    fn summary(&self) -> Option<Cow<'static, str>> {
        match &self.0.reason {
            TlsReason::NotTls => Some("peer does not speak TLS".into()),
            TlsReason::UnknownIssuer => Some("certificate leads to no trusted root".into()),
            TlsReason::WrongName { expected, presented } if !presented.is_empty() => {
                let presented = presented.join(", ");
                Some(format!("certificate is for {presented} and not for {expected}").into())
            }
            TlsReason::Roots
            | TlsReason::Name
            | TlsReason::Expired
            | TlsReason::NotYetValid
            | TlsReason::WrongName { .. }
            | TlsReason::Revoked
            | TlsReason::Certificate
            | TlsReason::Refused
            | TlsReason::Other => None,
        }
    }
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TLS handshake")?;
        if let Some(server) = &self.0.server {
            write!(f, " with {server}")?;
        }
        match self.summary() {
            Some(summary) => write!(f, ": {summary}"),
            None => write!(f, ": {}", self.0.cause),
        }
    }
}

impl StdError for TlsFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.summary() {
            Some(_) => Some(&*self.0.cause),
            None => self.0.cause.source(),
        }
    }
}
