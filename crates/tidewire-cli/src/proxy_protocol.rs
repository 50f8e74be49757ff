use tidewire::tokio::{InvalidNetwork, ProxyProtocol};

/// What `--proxy-protocol` alone stands for.
pub(crate) const EVERYBODY: &str = "";

/// What `--proxy-protocol` says: from whom a PROXY header is expected.
pub(crate) fn parse(networks: &str) -> Result<ProxyProtocol, InvalidNetwork> {
    if networks == EVERYBODY {
        Ok(ProxyProtocol::required())
    } else {
        ProxyProtocol::from_trusted(networks.split(','))
    }
}
