use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::client::dial::Destination;

/// The server that a proxy is to connect to, as it is told: by name, or by address.
///
/// `Display` shows it as `example.com:443`, `192.0.2.1:80` or `[::1]:80`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A name, which the proxy looks up.
    Name {
        /// The name.
        name: String,
        /// The port.
        port: u16,
    },
    /// An address.
    Address(SocketAddr),
}

impl Endpoint {
    /// A host as a URL has it: a name, or an address without brackets.
    pub fn new(host: &str, port: u16) -> Self {
        match host.parse::<IpAddr>() {
            Ok(address) => Self::Address(SocketAddr::new(address, port)),
            Err(_) => Self::Name {
                name: host.to_owned(),
                port,
            },
        }
    }

    /// The same to be connected to from here.
    pub(super) fn to_destination(&self) -> Destination {
        match self {
            Self::Name { name, port } => Destination::Host {
                name: name.clone(),
                port: *port,
            },
            Self::Address(address) => Destination::Addresses(vec![*address]),
        }
    }

    /// The one of several addresses that a proxy is told, where it is to be told one: the first of IPv4, since more
    /// proxies reach those, or else the first.
    pub(super) fn favourite(addresses: &[SocketAddr]) -> Option<Self> {
        let ipv4 = addresses.iter().find(|address| address.is_ipv4());
        ipv4.or(addresses.first()).copied().map(Self::Address)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { name, port } => write!(f, "{name}:{port}"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for (host, shown) in [
            ("example.com", "example.com:80"),
            ("192.0.2.1", "192.0.2.1:80"),
            ("::1", "[::1]:80"),
        ] {
            let endpoint = Endpoint::new(host, 80);
            assert_eq!(endpoint.to_string(), shown);
            assert_eq!(matches!(endpoint, Endpoint::Name { .. }), host == "example.com");
        }
    }

    #[test]
    fn of_several_addresses_the_first_of_ipv4_is_told() {
        let address = |text: &str| text.parse().expect("an address");
        let (six, four) = (address("[::1]:1"), address("127.0.0.1:1"));
        let favourite = |addresses: &[SocketAddr]| Endpoint::favourite(addresses);
        assert_eq!(favourite(&[six, four]), Some(Endpoint::Address(four)));
        assert_eq!(favourite(&[six]), Some(Endpoint::Address(six)));
        assert_eq!(favourite(&[]), None);
    }
}
