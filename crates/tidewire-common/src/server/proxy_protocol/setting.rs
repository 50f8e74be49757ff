use std::net::IpAddr;

use crate::network::{InvalidNetwork, Networks};

/// From whom a server expects a PROXY header in front of a connection, of version 1 or 2. Cheap to clone.
///
/// A load balancer that passes connections on as they are, TLS and all, writes such a header to tell whose they are: the
/// server then takes the address in it for the client's. Who may connect to the server and is expected to write a header
/// can name any address, so allow only your load balancers, or let nobody else reach the port.
///
/// Nothing is guessed, as the specification demands: whoever is expected to write a header and does not is dropped without an
/// answer, and a header from anybody else is refused as the bad request that it is, with 400. Extensions in a header are
/// skipped, the checksum among them; one with more than 2 KiB behind its first 16 bytes is refused.
///
/// ```
/// # use tidewire_common::ProxyProtocol;
/// let behind_two_balancers = ProxyProtocol::from_trusted(["10.0.0.2", "10.0.0.3"])?;
/// # let _ = behind_two_balancers;
/// # Ok::<(), tidewire_common::InvalidNetwork>(())
/// ```
#[derive(Clone, Debug)]
pub struct ProxyProtocol(Senders);

/// Whose header is expected.
#[derive(Clone, Debug)]
enum Senders {
    All,
    Trusted(Networks),
}

impl ProxyProtocol {
    /// Expects a header of every connection. Whoever reaches the port can then name any address.
    pub fn required() -> Self {
        Self(Senders::All)
    }

    /// Expects a header of connections from these networks, each as in `10.0.0.0/8`, or a single address as in `::1`; those
    /// from elsewhere are clients, and have none.
    ///
    /// # Errors
    /// [`InvalidNetwork`] names the first that is none.
    pub fn from_trusted<T: AsRef<str>>(
        networks: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidNetwork> {
        Ok(Self(Senders::Trusted(Networks::parse(networks)?)))
    }

    /// Whether a connection from there must begin with a header; `None` is one that has no IP address.
    pub(crate) fn expects(&self, peer: Option<IpAddr>) -> bool {
        match &self.0 {
            Senders::All => true,
            Senders::Trusted(networks) => peer.is_some_and(|peer| networks.contain(peer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_expected_of_those_who_are_trusted() -> Result<(), Box<dyn std::error::Error>> {
        let trusted = ProxyProtocol::from_trusted(["10.0.0.0/8", "::1"])?;
        for (peer, is_trusted) in [
            ("10.0.0.1", true),
            ("::ffff:10.0.0.1", true),
            ("::1", true),
            ("192.0.2.1", false),
        ] {
            let peer = Some(peer.parse()?);
            assert_eq!(trusted.expects(peer), is_trusted, "{peer:?}");
            assert!(ProxyProtocol::required().expects(peer), "{peer:?}");
        }
        assert!(!trusted.expects(None));
        assert!(ProxyProtocol::required().expects(None));
        Ok(())
    }
}
