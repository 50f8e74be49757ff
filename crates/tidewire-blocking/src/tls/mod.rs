//! TLS as a layer over any transport.
//!
//! rustls sees memory alone, under a lock that is never held across a system call: whoever reads decrypts in it what has
//! arrived, whoever writes encrypts in it and sends what came of that when it has been given up. So both directions are
//! used at once, and a full socket keeps nobody from receiving.

mod handshake;
mod records;
mod socket;

pub use socket::TlsSocket;
