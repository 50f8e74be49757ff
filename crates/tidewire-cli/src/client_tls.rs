//! Whom `tidewire connect` trusts, and who it says it is.

use tidewire::tokio::{ClientTls, TlsError};

use crate::arguments::ClientTlsArguments;
use crate::failure::Failure;
use crate::shown::Escaped;

/// What was asked for; nothing, if nothing was.
pub(crate) fn read(arguments: &ClientTlsArguments) -> Result<Option<ClientTls>, Failure> {
    if *arguments == ClientTlsArguments::default() {
        return Ok(None);
    }
    settings(arguments)
        .map(Some)
        .map_err(|error| Failure::start("TLS", Escaped(&error.to_string())))
}

fn settings(arguments: &ClientTlsArguments) -> Result<ClientTls, TlsError> {
    let mut tls = match &arguments.tls_roots {
        Some(roots) => ClientTls::roots_from_file(roots)?,
        None if arguments.insecure => ClientTls::dangerous(),
        None => ClientTls::platform()?,
    };
    if let Some((certificate, key)) = arguments.tls_certificate.as_ref().zip(arguments.tls_key.as_ref()) {
        tls = tls.certificate_from_files(certificate, key)?;
    }
    match &arguments.tls_server_name {
        Some(name) => tls.server_name(name),
        None => Ok(tls),
    }
}
