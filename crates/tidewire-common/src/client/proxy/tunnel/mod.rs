//! What is said to a proxy, and what comes back.

mod dialogue;
mod error;
mod socks4;
mod socks5;

pub use dialogue::Tunnel;
pub use error::{TunnelError, TunnelFault};
