use std::error::Error;

use rustls::{CertificateError, InvalidMessage};

use super::TlsReason;

/// What an error of rustls says; nothing, if it is none.
pub(super) fn reason(cause: &(dyn Error + 'static)) -> Option<TlsReason> {
    Some(match cause.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(error) => of_certificate(error),
        // The first byte of a record is one of five, none of them of ASCII's letters.
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => TlsReason::NotTls,
        rustls::Error::AlertReceived(_) => TlsReason::Refused,
        _ => TlsReason::Other,
    })
}

fn of_certificate(error: &CertificateError) -> TlsReason {
    match error {
        CertificateError::UnknownIssuer => TlsReason::UnknownIssuer,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsReason::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsReason::NotYetValid,
        CertificateError::Revoked => TlsReason::Revoked,
        CertificateError::NotValidForName => TlsReason::WrongName {
            expected: String::new(),
            presented: Vec::new(),
        },
        CertificateError::NotValidForNameContext { expected, presented } => TlsReason::WrongName {
            expected: expected.to_str().into_owned(),
            presented: presented.iter().filter_map(|name| bare(name)).collect(),
        },
        _ => TlsReason::Certificate,
    }
}

/// A name out of the words in which rustls tells it, `DnsName("localhost")` or `IpAddress(::1)`; others do not count.
fn bare(name: &str) -> Option<String> {
    let dns = || name.strip_prefix("DnsName(\"")?.strip_suffix("\")");
    let address = || name.strip_prefix("IpAddress(")?.strip_suffix(')');
    // Escaped: what peers send must not break a line of a log.
    Some(dns().or_else(address)?.escape_debug().to_string())
}
