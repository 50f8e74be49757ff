use std::net::{IpAddr, SocketAddr};
use std::str;

use tidewire_proto::handshake::Request;

use crate::network::{InvalidNetwork, Networks};

/// The proxies whose `X-Forwarded-For` is believed. Cheap to clone.
///
/// Anybody can send this field and write any address into it: whoever believes it from everybody lets a client choose
/// the address that it is counted, banned or trusted by. What is known is who opened the connection. If that is a proxy
/// of yours, what it added, the last address, is true; and so on for as long as that is a proxy of yours, too.
///
/// ```
/// use std::net::IpAddr;
/// # use tidewire_common::TrustedProxies;
/// # use tidewire_common::proto::handshake::{Fields, Request};
///
/// let proxies = TrustedProxies::new(["10.0.0.0/8", "fd00::/8"])?;
/// let mut fields = Fields::new();
/// fields.push("X-Forwarded-For", "127.0.0.1, 203.0.113.7, 10.0.0.2")?;
/// let request = Request::new("GET", "/", fields)?;
///
/// let client: IpAddr = "203.0.113.7".parse()?;
/// assert_eq!(proxies.client_addr("10.0.0.1".parse()?, &request), client);
/// // From elsewhere the field is ignored.
/// assert_eq!(proxies.client_addr(client, &request), client);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TrustedProxies(Networks);

impl TrustedProxies {
    /// Trusts these networks, each as in `10.0.0.0/8`, or a single address as in `::1`. Name your proxies alone, and not
    /// networks from which clients connect as well.
    ///
    /// # Errors
    /// [`InvalidNetwork`] names the first that is none.
    pub fn new<T: AsRef<str>>(networks: impl IntoIterator<Item = T>) -> Result<Self, InvalidNetwork> {
        Ok(Self(Networks::parse(networks)?))
    }

    /// The address of the client who sent this request over a connection from `peer`: the last one in `X-Forwarded-For`
    /// that is not a trusted proxy's, or the first where all are, or `peer` itself if that is not trusted or nothing is there.
    ///
    /// Several fields read as one. Addresses may have a port, `192.0.2.1:80` or `[::1]:80`. At anything else, such as
    /// `unknown`, the last address before it, from the right, is given. An IPv4 address is given as such, not as
    /// `::ffff:192.0.2.1`. Where the connection began with a PROXY header, `peer` is the source that it names.
    pub fn client_addr(&self, peer: IpAddr, request: &Request) -> IpAddr {
        let mut client = peer.to_canonical();
        let forwarded: Vec<&[u8]> = request.fields().tokens("x-forwarded-for").collect();
        for entry in forwarded.into_iter().rev() {
            if !self.0.contain(client) {
                break;
            }
            let Some(address) = address(entry) else { break };
            client = address;
        }
        client
    }
}

/// Reads an address, with a port or without.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let entry = str::from_utf8(entry).ok()?;
    let bare = || entry.parse::<IpAddr>().ok();
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || {
        let inner = entry.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse().ok().map(IpAddr::V6)
    };
    let address = bare().or_else(with_port).or_else(in_brackets)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use tidewire_proto::handshake::Fields;

    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let proxies = TrustedProxies::new(["10.0.0.0/8", "::1", "fd00::/8"]).expect("networks");
        let mut fields = Fields::new();
        for value in forwarded {
            fields.push("X-Forwarded-For", value).expect("a value");
        }
        let request = Request::new("GET", "/", fields).expect("a request");
        let peer = peer.parse().expect("an address");
        proxies.client_addr(peer, &request).to_string()
    }

    #[test]
    fn the_last_address_that_is_not_trusted_is_the_client() {
        let table: &[(&[&str], &str)] = &[
            (&[], "10.0.0.1"),
            (&[""], "10.0.0.1"),
            (&["203.0.113.7"], "203.0.113.7"),
            (&["127.0.0.1, 203.0.113.7"], "203.0.113.7"),
            (&["127.0.0.1, 203.0.113.7, 10.0.0.2"], "203.0.113.7"),
            (&["127.0.0.1, 203.0.113.7", "10.0.0.2,fd00::1"], "203.0.113.7"),
            (&["203.0.113.7,,", " , 10.0.0.2"], "203.0.113.7"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&["2001:db8::1, ::1"], "2001:db8::1"),
        ];
        for (forwarded, expected) in table {
            assert_eq!(client("10.0.0.1", forwarded), *expected, "{forwarded:?}");
        }
    }

    #[test]
    fn nothing_is_believed_from_a_peer_that_is_not_trusted() {
        assert_eq!(client("192.0.2.1", &["203.0.113.7"]), "192.0.2.1");
        assert_eq!(client("::2", &["203.0.113.7, 10.0.0.1"]), "::2");
    }

    #[test]
    fn an_address_may_have_a_port_and_brackets() {
        for (entry, expected) in [
            ("203.0.113.7:80", "203.0.113.7"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
        ] {
            assert_eq!(client("10.0.0.1", &[entry]), expected, "{entry}");
        }
        assert_eq!(
            client("10.0.0.1", &["203.0.113.7, [::1]:80, 10.0.0.2:1"]),
            "203.0.113.7"
        );
    }

    #[test]
    fn what_is_no_address_ends_the_walk_at_the_last_one_that_is() {
        for entry in [
            "unknown",
            "_hidden",
            "203.0.113.7 10.0.0.1",
            "203.0.113.7:",
            "203.0.113.7:65536",
            "203.0.113.07",
            "[203.0.113.7]",
            "[::1",
            "\"[::1]\"",
            "::1%eth0",
            "for=203.0.113.7",
            "203.0.113.7;",
            "ü",
        ] {
            let forwarded = format!("198.51.100.1, {entry}, 10.0.0.2");
            assert_eq!(client("10.0.0.1", &[&forwarded]), "10.0.0.2", "{entry}");
            assert_eq!(client("10.0.0.1", &[entry]), "10.0.0.1", "{entry}");
        }
    }

    #[test]
    fn an_ipv4_address_written_as_ipv6_is_the_ipv4_address() {
        assert_eq!(
            client("::ffff:10.0.0.1", &["203.0.113.7, ::ffff:10.0.0.2"]),
            "203.0.113.7"
        );
        assert_eq!(client("10.0.0.1", &["::ffff:203.0.113.7"]), "203.0.113.7");
        assert_eq!(client("::ffff:192.0.2.1", &["203.0.113.7"]), "192.0.2.1");
    }
}
