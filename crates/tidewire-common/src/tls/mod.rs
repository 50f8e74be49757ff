//! What TLS needs of certificates, for servers and clients on any runtime.

mod certified;
mod client;
mod dangerous;
mod error;
mod pem;
mod platform;
mod server;

pub use client::ClientTls;
pub use error::{TlsError, TlsFault, TlsMaterial};
pub use platform::PlatformTls;
pub use server::ServerTls;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};

/// What is spoken inside of TLS. Browsers and proxies that would speak HTTP/2 as well learn from it that a WebSocket is
/// opened by HTTP/1.1 here.
const PROTOCOL: &[u8] = b"http/1.1";

/// Named at every place, since the default of the process may be the application's, or none.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
