use std::net::SocketAddr;

use tracing::debug;

use super::choice::ProxyChoice;
use super::endpoint::Endpoint;
use super::setting::Proxy;
use super::tunnel::{TunnelError, TunnelFault};
use crate::client::dial::Destination;
use crate::client::target::Target;
use crate::error::HandshakeError;

/// A way through a proxy: which one, and what it is asked for.
#[derive(Clone, Debug)]
pub struct Detour {
    /// The proxy, which is connected to.
    pub proxy: Proxy,
    /// The server.
    pub endpoint: Endpoint,
}

impl Detour {
    /// The one that is chosen, if one is, to a target, or to what was set in place of its host.
    ///
    /// What was set is there to be connected to, whatever the environment says. A proxy that was set, too, is asked for it,
    /// since to go past it might show somebody what it is there to hide.
    pub(crate) fn new(
        choice: &ProxyChoice,
        target: &Target,
        destination: Option<&Destination>,
    ) -> Result<Option<Self>, HandshakeError> {
        let Some(destination) = destination else {
            let (host, port) = (target.host(), target.port());
            let proxy = choice.proxy_for(target.scheme(), host, port)?;
            return Ok(proxy.map(|proxy| Self::by(proxy, Endpoint::new(host, port))));
        };
        let proxy = match choice {
            ProxyChoice::Through(proxy) => Proxy::clone(proxy),
            ProxyChoice::FromEnvironment | ProxyChoice::Variables(_) | ProxyChoice::Direct => {
                return Ok(None);
            }
        };
        let endpoint = match destination {
            Destination::Host { name, port } => Some(Endpoint::new(name, *port)),
            Destination::Addresses(addresses) => Endpoint::favourite(addresses),
            Destination::Unix(_) => None,
        };
        match endpoint {
            Some(endpoint) => Ok(Some(Self::by(proxy, endpoint))),
            None => Err(no_address(&proxy, destination).into()),
        }
    }

    fn by(proxy: Proxy, endpoint: Endpoint) -> Self {
        debug!(%proxy, %endpoint, "through a proxy");
        Self { proxy, endpoint }
    }

    /// The name that has to be looked up before the proxy can be asked.
    pub fn name_to_look_up(&self) -> Option<(&str, u16)> {
        self.proxy.name_to_look_up(&self.endpoint)
    }

    /// The server by one of its addresses, where its name had to be looked up and this came of it.
    ///
    /// # Errors
    /// What the look-up failed with, and [`HandshakeError::Tunnel`] where there is no address.
    pub fn found(
        &self,
        looked_up: Result<Vec<SocketAddr>, HandshakeError>,
    ) -> Result<Endpoint, HandshakeError> {
        let addresses = looked_up.map_err(|error| error.while_connecting(&self.endpoint.to_destination()))?;
        Endpoint::favourite(&addresses).ok_or_else(|| no_address(&self.proxy, &self.endpoint).into())
    }
}

fn no_address(proxy: &Proxy, asked: &impl ToString) -> TunnelError {
    TunnelError::new((proxy.to_string(), asked.to_string()), TunnelFault::NoAddress)
}
