use super::invalid::InvalidVariable;
use super::setting::Proxy;
use super::variables::ProxyVariables;
use crate::client::target::Scheme;

/// Which proxy leads to a server.
///
/// ```
/// # use tidewire_common::{InvalidProxy, Proxy, ProxyChoice};
/// let through = ProxyChoice::from(Proxy::parse("socks5h://127.0.0.1:9050")?);
/// assert!(matches!(through, ProxyChoice::Through(_)));
/// # Ok::<(), InvalidProxy>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum ProxyChoice {
    /// The one that the process's [variables](ProxyVariables) name when the attempt begins.
    #[default]
    FromEnvironment,
    /// The one that these variables name.
    Variables(ProxyVariables),
    /// None.
    Direct,
    /// This one, whatever the server.
    Through(Box<Proxy>),
}

impl ProxyChoice {
    /// The proxy that leads to a host: a name, or an address without brackets.
    ///
    /// # Errors
    /// As for [`ProxyVariables::proxy_for`].
    pub fn proxy_for(&self, scheme: Scheme, host: &str, port: u16) -> Result<Option<Proxy>, InvalidVariable> {
        match self {
            Self::FromEnvironment => ProxyVariables::read().proxy_for(scheme, host, port),
            Self::Variables(variables) => variables.proxy_for(scheme, host, port),
            Self::Direct => Ok(None),
            Self::Through(proxy) => Ok(Some(Proxy::clone(proxy))),
        }
    }
}

impl From<Proxy> for ProxyChoice {
    fn from(proxy: Proxy) -> Self {
        Self::Through(Box::new(proxy))
    }
}

impl From<ProxyVariables> for ProxyChoice {
    fn from(variables: ProxyVariables) -> Self {
        Self::Variables(variables)
    }
}
