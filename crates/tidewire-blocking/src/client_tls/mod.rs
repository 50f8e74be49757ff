//! The client's side of TLS, where there is one.

#[cfg(not(feature = "tls"))]
mod disabled;
#[cfg(feature = "tls")]
mod enabled;

#[cfg(not(feature = "tls"))]
pub(crate) use disabled::{check, secure};
#[cfg(feature = "tls")]
pub(crate) use enabled::{check, secure};
