//! Both sides of TLS, with a certificate that the server makes for itself and prints.

use std::error::Error;
use std::io::{self, BufRead};
use std::net::TcpStream;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};

const NAME: &str = "localhost";

/// Accepts with a new certificate, which is printed.
pub(crate) fn acceptor() -> io::Result<TlsAcceptor> {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).map_err(io::Error::other)?;
    print!("{}", made.cert.pem());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(io::Error::other)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Trusts the certificate that the server prints. Each handshake is a whole one.
pub(crate) fn client_config(printed: &mut impl BufRead) -> Result<Arc<ClientConfig>, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_reader(printed)?)?;
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// A client's side of TLS, which shakes hands with the first byte.
pub(crate) type TlsStream = StreamOwned<ClientConnection, TcpStream>;

pub(crate) fn connect(config: Arc<ClientConfig>, stream: TcpStream) -> Result<TlsStream, Box<dyn Error>> {
    let connection = ClientConnection::new(config, ServerName::try_from(NAME)?)?;
    Ok(StreamOwned::new(connection, stream))
}
