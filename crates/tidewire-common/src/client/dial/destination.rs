use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What is connected to.
///
/// `Display` shows it in one line: `example.com:443`, `[::1]:9001`, `/run/tidewire.sock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A host, whose name is looked up.
    Host {
        /// A name, or an address without brackets.
        name: String,
        /// Its port.
        port: u16,
    },
    /// Addresses of one server, the favourite first; no name is looked up.
    Addresses(Vec<SocketAddr>),
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { name, port } if name.contains(':') => write!(f, "[{name}]:{port}"),
            Self::Host { name, port } => write!(f, "{name}:{port}"),
            Self::Addresses(addresses) => {
                for (index, address) in addresses.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{address}")?;
                }
                Ok(())
            }
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}
