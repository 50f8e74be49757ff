//! Proxies that stand between a client and its server: which one, where it is, and what is said to it.

mod choice;
mod detour;
mod endpoint;
mod exceptions;
mod invalid;
mod protocol;
mod setting;
mod tunnel;
mod variables;

pub use choice::ProxyChoice;
pub use detour::Detour;
pub use endpoint::Endpoint;
pub use invalid::{InvalidProxy, InvalidVariable};
pub use setting::Proxy;
pub use tunnel::{Tunnel, TunnelError, TunnelFault};
pub use variables::ProxyVariables;
