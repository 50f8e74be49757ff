//! The version of HTTP by which a client opens a connection of its own.

#[cfg(not(feature = "http2"))]
mod disabled;
#[cfg(feature = "http2")]
mod enabled;

#[cfg(not(feature = "http2"))]
pub(crate) use disabled::Version;
#[cfg(feature = "http2")]
pub(crate) use enabled::Version;
