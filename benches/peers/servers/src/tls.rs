//! The server's end of TLS.

use std::io;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

/// Settings with a certificate made for this run, which the load takes as it is.
///
/// # Errors
/// If no certificate can be made.
pub fn config() -> io::Result<Arc<ServerConfig>> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).map_err(io::Error::other)?;
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config
                .with_no_client_auth()
                .with_single_cert(vec![cert.into()], key)
        })
        .map_err(io::Error::other)?;
    Ok(Arc::new(config))
}

/// The same for tokio.
///
/// # Errors
/// As for [`config`].
pub fn acceptor() -> io::Result<TlsAcceptor> {
    Ok(config()?.into())
}
