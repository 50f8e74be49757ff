//! The PROXY protocol: what a load balancer writes in front of a connection to say whose it is.

mod error;
mod header;
mod proxied;
mod setting;
mod version1;
mod version2;

pub use error::ProxyError;
pub use header::{ProxyHeader, ReadHeader};
pub use proxied::Proxied;
pub use setting::ProxyProtocol;
