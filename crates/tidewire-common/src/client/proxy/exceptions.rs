use std::net::IpAddr;

use url::Host;

use crate::network::Network;

/// The hosts of `no_proxy`, to which no proxy leads.
#[derive(Clone, Debug, Default)]
pub(super) struct Exceptions(Vec<Exception>);

#[derive(Clone, Debug)]
struct Exception {
    hosts: Hosts,
    /// `None` is any.
    port: Option<u16>,
}

#[derive(Clone, Debug)]
enum Hosts {
    All,
    Addresses(Network),
    /// A name, and all below it.
    Domain(String),
}

impl Exceptions {
    /// Reads a list with commas or spaces. Many programs read this variable, each in a dialect of its own, so what cannot
    /// be understood is passed over.
    pub(super) fn parse(list: &str) -> Self {
        let entries = list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
        Self(entries.filter_map(Exception::parse).collect())
    }

    /// Whether a host, a name or an address without brackets, is among them.
    pub(super) fn has(&self, host: &str, port: u16) -> bool {
        let address = host.parse::<IpAddr>().ok();
        // The dot that ends a name says only that it is whole.
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        self.0
            .iter()
            .filter(|exception| exception.port.is_none_or(|only| only == port))
            .any(|exception| match &exception.hosts {
                Hosts::All => true,
                Hosts::Addresses(network) => address.is_some_and(|address| network.contains(address)),
                Hosts::Domain(domain) => address.is_none() && is_within(&name, domain),
            })
    }
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        // First as a whole, since colons may be those of an IPv6 address.
        if let Some(hosts) = Hosts::parse(entry) {
            return Some(Self { hosts, port: None });
        }
        let (host, port) = entry.rsplit_once(':')?;
        Some(Self {
            hosts: Hosts::parse(host)?,
            port: Some(port.parse().ok()?),
        })
    }
}

impl Hosts {
    fn parse(host: &str) -> Option<Self> {
        if host == "*" {
            return Some(Self::All);
        }
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if let Ok(network) = Network::parse(bare.unwrap_or(host)) {
            return Some(Self::Addresses(network));
        }
        // `.example.com` and `*.example.com` are written for the same by some programs.
        let name = host.strip_prefix('*').unwrap_or(host).trim_matches('.');
        match Host::parse(name).ok()? {
            // As IDNA writes it, which is how it stands in a URL.
            Host::Domain(name) => Some(Self::Domain(name)),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }
}

/// Whether a name is the domain or one below it.
fn is_within(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_excepted_by_name_port_and_network() {
        let table = [
            ("", "example.com", 80, false),
            ("*", "example.com", 80, true),
            ("*", "::1", 80, true),
            ("a.test, *", "example.com", 80, true),
            ("*:443", "example.com", 443, true),
            ("*:443", "example.com", 80, false),
            ("example.com", "example.com", 80, true),
            ("example.com", "example.com.", 80, true),
            ("example.com.", "example.com", 80, true),
            ("EXAMPLE.com", "Example.COM", 80, true),
            ("example.com", "www.example.com", 80, true),
            ("example.com", "badexample.com", 80, false),
            ("example.com", "example.com.evil.test", 80, false),
            ("example.com", "com", 80, false),
            (".example.com", "www.example.com", 80, true),
            (".example.com", "example.com", 80, true),
            (".example.com", "badexample.com", 80, false),
            ("*.example.com", "a.b.example.com", 80, true),
            ("com", "example.com", 80, true),
            ("bücher.example", "xn--bcher-kva.example", 80, true),
            ("example.com:8080", "example.com", 8080, true),
            ("example.com:8080", "www.example.com", 8080, true),
            ("example.com:8080", "example.com", 80, false),
            ("a.test,b.test", "b.test", 80, true),
            ("a.test b.test\tc.test", "c.test", 80, true),
            (" , ,a.test,", "a.test", 80, true),
            ("192.0.2.1", "192.0.2.1", 80, true),
            ("192.0.2.1", "192.0.2.10", 80, false),
            ("192.0.2.1:80", "192.0.2.1", 80, true),
            ("192.0.2.1:80", "192.0.2.1", 81, false),
            ("192.0.2.0/24", "192.0.2.77", 80, true),
            ("192.0.2.0/24", "192.0.3.1", 80, false),
            ("192.0.2.0/24:80", "192.0.2.1", 80, true),
            ("192.0.2.0/24:80", "192.0.2.1", 81, false),
            ("2001:db8::/32", "2001:db8::1", 80, true),
            ("2001:db8::1", "2001:db8::1", 80, true),
            ("[2001:db8::1]", "2001:db8::1", 80, true),
            ("[2001:db8::1]:80", "2001:db8::1", 80, true),
            ("[2001:db8::1]:80", "2001:db8::1", 81, false),
            ("192.0.2.0/24", "::ffff:192.0.2.1", 80, true),
            // What is written as a name is no address, and the other way round.
            ("2.1", "192.0.2.1", 80, false),
            (".1", "192.0.2.1", 80, false),
            ("192.0.2.0/24", "192.0.2.1.example.com", 80, false),
        ];
        for (list, host, port, expected) in table {
            let found = Exceptions::parse(list).has(host, port);
            assert_eq!(found, expected, "{host}:{port} in {list:?}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_passed_over() {
        for entry in [
            ".",
            "*.",
            ":",
            ":80",
            "a.test:",
            "a.test:x",
            "a.test:65536",
            "192.0.2.0/33",
            "[::1",
            "a b:c:d",
        ] {
            let exceptions = Exceptions::parse(&format!("{entry},good.test"));
            assert!(exceptions.has("good.test", 80), "{entry}");
            assert!(!exceptions.has("other.test", 80), "{entry}");
            assert!(!exceptions.has("192.0.2.1", 80), "{entry}");
        }
    }
}
