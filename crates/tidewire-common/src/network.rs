use std::net::IpAddr;
use std::sync::Arc;

/// Addresses that begin with the same bits.
///
/// An IPv4 address that is written as an IPv6 one (`::ffff:192.0.2.1`, as sockets for both have it) is the IPv4 address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    like: IpAddr,
    /// How many bits are the same in all of them.
    prefix: u32,
}

impl Network {
    /// Reads `10.0.0.0/8`, `fd00::/8`, or one address as `::1`. Bits behind the prefix mean nothing.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidNetwork> {
        Self::read(text).ok_or_else(|| InvalidNetwork {
            network: text.to_owned(),
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let like: IpAddr = address.parse().ok()?;
        let bits = match like {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        let prefix = match prefix {
            // The standard library takes a sign, too.
            Some(prefix) if prefix.starts_with('+') => return None,
            Some(prefix) => prefix.parse().ok()?,
            None => bits,
        };
        let network = Self { like, prefix };
        (prefix <= bits).then(|| network.as_ipv4().unwrap_or(network))
    }

    /// The IPv4 network that all of this one stands for.
    fn as_ipv4(&self) -> Option<Self> {
        // RFC 4291 §2.5.5.2: 96 bits stand before the IPv4 address.
        let prefix = self.prefix.checked_sub(96)?;
        match self.like {
            IpAddr::V4(_) => None,
            IpAddr::V6(like) => like.to_ipv4_mapped().map(|like| Self {
                like: like.into(),
                prefix,
            }),
        }
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let alike = match (self.like, address.to_canonical()) {
            (IpAddr::V4(like), IpAddr::V4(address)) => (like.to_bits() ^ address.to_bits()).leading_zeros(),
            (IpAddr::V6(like), IpAddr::V6(address)) => (like.to_bits() ^ address.to_bits()).leading_zeros(),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        alike >= self.prefix
    }
}

/// Several of them; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Networks(Arc<[Network]>);

impl Networks {
    /// Reads each, up to the first that is none.
    pub(crate) fn parse<T: AsRef<str>>(
        networks: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidNetwork> {
        let networks = networks
            .into_iter()
            .map(|network| Network::parse(network.as_ref()));
        Ok(Self(networks.collect::<Result<_, _>>()?))
    }

    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// A text that names no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{network:?} is no network: an address is required, alone or with a prefix of at most 32 bits, 128 for IPv6"
)]
pub struct InvalidNetwork {
    network: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(network: &str, address: &str) -> bool {
        let network = Network::parse(network).expect(network);
        network.contains(address.parse().expect(address))
    }

    #[test]
    fn a_network_has_the_addresses_that_begin_as_it_does() {
        let table = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.1.2.3/8", "10.9.9.9", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.0", false),
            ("192.0.2.0/31", "192.0.2.1", true),
            ("192.0.2.0/31", "192.0.2.2", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false),
            ("::1", "::1", true),
            ("::1", "::2", false),
            ("::/0", "ffff::", true),
            ("::/0", "1.2.3.4", false),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe80::1", false),
            ("2001:db8::/127", "2001:db8::1", true),
            ("2001:db8::/127", "2001:db8::2", false),
        ];
        for (network, address, expected) in table {
            assert_eq!(has(network, address), expected, "{address} in {network}");
        }
    }

    #[test]
    fn an_ipv4_address_written_as_ipv6_is_the_ipv4_address() {
        let table = [
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "::ffff:11.0.0.1", false),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "::ffff:10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "11.0.0.1", false),
            ("::ffff:0:0/96", "1.2.3.4", true),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            // It has others, too.
            ("::ffff:0:0/95", "1.2.3.4", false),
        ];
        for (network, address, expected) in table {
            assert_eq!(has(network, address), expected, "{address} in {network}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused_with_its_text() {
        for network in [
            "",
            "/",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
            "10.0.0.0/255.0.0.0",
            "10.0.0/8",
            "010.0.0.0/8",
            " 10.0.0.0/8",
            "::1/129",
            "[::1]",
            "fe80::1%eth0",
            "localhost",
            "10.0.0.0/4294967304",
        ] {
            let error = Network::parse(network).expect_err(network);
            assert!(error.to_string().contains(&format!("{network:?}")), "{error}");
        }
    }
}
