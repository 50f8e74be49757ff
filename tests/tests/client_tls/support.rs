//! Servers that speak TLS, and clients of both adapters.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tidewire_blocking::rustls::crypto::ring;
use tidewire_blocking::rustls::pki_types::pem::PemObject as _;
use tidewire_blocking::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tidewire_blocking::rustls::{ConfigBuilder, ServerConfig, WantsVerifier};
use tidewire_blocking::{Error, Server, ServerTls, WebSocket};
use tidewire_tests::connect_by;
use tidewire_tests::live::{Adapter, Certificate, Client, Running};
use tidewire_tokio::{ClientTls, Config, HandshakeError, TlsFailure, TlsReason};

/// Longer than any of this takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Serves an echo.
pub(crate) fn serve(tls: impl Into<ServerTls>) -> Running {
    let tls = tls.into();
    Running::on_threads(|listener| Server::new(listener, echo).tls(tls))
}

pub(crate) fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv()? {
        ws.send(message)?;
    }
    Ok(())
}

/// The settings of a server as rustls has them, up to who it is.
pub(crate) fn settings() -> ConfigBuilder<ServerConfig, WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks both versions")
}

/// A chain of one, and its key.
pub(crate) fn parts(made: &Certificate) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let certificate = CertificateDer::from_pem_slice(made.certificate.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).expect("a key");
    (vec![certificate], key)
}

pub(crate) fn url(host: &str, server: SocketAddr) -> String {
    format!("wss://{host}:{}/", server.port())
}

/// Connects with these settings, or with none.
pub(crate) fn open(
    adapter: Adapter,
    url: &str,
    tls: Option<&ClientTls>,
    config: Config,
) -> Result<Client, HandshakeError> {
    match tls {
        Some(tls) => connect_by!(adapter, url, config(config), tls(tls.clone())),
        None => connect_by!(adapter, url, config(config)),
    }
}

/// Connects to `localhost`.
pub(crate) fn connect(adapter: Adapter, server: &Running, tls: &ClientTls) -> Result<Client, HandshakeError> {
    open(
        adapter,
        &url("localhost", server.address()),
        Some(tls),
        Config::default(),
    )
}

/// Has a message echoed, and closes.
pub(crate) fn talk(client: &mut Client) {
    assert_eq!(client.ask("hello").as_text(), Some("hello"));
    client.close(1000, "").expect("a code that may be sent");
    assert!(client.wait_closed().is_clean());
}

/// What went wrong with TLS.
pub(crate) fn failure(result: Result<Client, HandshakeError>) -> TlsFailure {
    match result {
        Err(HandshakeError::Tls(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

/// The reason, of a failure that names the server.
pub(crate) fn reason(result: Result<Client, HandshakeError>) -> TlsReason {
    let failure = failure(result);
    assert_eq!(failure.server(), Some("localhost"), "{failure}");
    assert!(
        failure.to_string().starts_with("TLS handshake with localhost: "),
        "{failure}"
    );
    failure.reason().clone()
}
