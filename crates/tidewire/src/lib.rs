//! WebSocket (RFC 6455) for Rust: servers and clients on tokio or on plain threads, and the core without I/O.
#![forbid(unsafe_code)]

pub use tidewire_proto as proto;

#[cfg(feature = "tokio")]
pub use tidewire_tokio as tokio;

#[cfg(feature = "blocking")]
pub use tidewire_blocking as blocking;
