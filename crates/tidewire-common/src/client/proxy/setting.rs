use std::fmt;

use tidewire_proto::handshake::{InvalidField, TunnelRequest};
use url::{Host, ParseError, Url};

use super::endpoint::Endpoint;
use super::invalid::InvalidProxy;
use super::protocol::Protocol;
use crate::ClientTls;
use crate::client::dial::Destination;
use crate::credentials::Credentials;

/// The field that shows an HTTP proxy who asks.
const AUTHORIZATION: &str = "Proxy-Authorization";
/// RFC 1929 §2: lengths are one byte.
const MAX_LEN: usize = 255;

/// A proxy that leads to servers: where it is, what is spoken to it, and who it is shown asks.
///
/// | scheme | asked for the server | default port |
/// |---|---|---|
/// | `http` | by name, with `CONNECT` | 80 |
/// | `https` | the same, over TLS | 443 |
/// | `socks4` | by IPv4 address: names are looked up here | 1080 |
/// | `socks4a` | by name | 1080 |
/// | `socks5` | by address: names are looked up here | 1080 |
/// | `socks5h`, `socks` | by name | 1080 |
///
/// A name that is looked up here is told by its first IPv4 address, or else by its first.
///
/// `Display` is the URL without credentials, and `Debug` shows neither a password nor the value of a field.
///
/// ```
/// # use tidewire_common::{InvalidProxy, Proxy};
/// let proxy = Proxy::parse("http://ada:s%20cret@proxy.example:3128")?.field("X-Team", "blue")?;
/// assert_eq!(proxy.to_string(), "http://proxy.example:3128");
/// let proxy = Proxy::parse("socks5h://[::1]")?.credentials("ada", "s cret")?;
/// assert_eq!((proxy.host(), proxy.port()), ("::1", 1080));
/// # Ok::<(), InvalidProxy>(())
/// ```
#[derive(Clone)]
pub struct Proxy {
    pub(super) protocol: Protocol,
    host: String,
    port: u16,
    pub(super) credentials: Option<Credentials>,
    fields: Vec<(String, String)>,
    tls: Option<ClientTls>,
}

impl Proxy {
    /// Reads a URL such as `http://proxy.example:3128` or `socks5h://user:password@127.0.0.1`. Bytes of the user and the
    /// password that have a meaning in URLs are percent-encoded.
    ///
    /// # Errors
    /// [`InvalidProxy`] names what is wrong with it.
    pub fn parse(url: &str) -> Result<Self, InvalidProxy> {
        // The URL parser would drop some of these without a word.
        if url.chars().any(|c| c.is_control() || c == ' ') {
            return Err(InvalidProxy::Character);
        }
        // What stands before the first colon may be a user, and what follows that a password, which no error is to show.
        let is_scheme = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        };
        let (scheme, rest) = url
            .split_once("://")
            .filter(|(scheme, _)| is_scheme(scheme))
            .ok_or(InvalidProxy::NoScheme)?;
        let protocol =
            Protocol::of_scheme(&scheme.to_ascii_lowercase()).ok_or_else(|| InvalidProxy::Scheme {
                scheme: scheme.into(),
            })?;
        // A scheme that has neither a default port, which would be lost, nor rules of its own for hosts.
        let url = Url::parse(&format!("proxy://{rest}")).map_err(InvalidProxy::Syntax)?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidProxy::Path);
        }
        let host = match url.host_str() {
            None | Some("") => return Err(InvalidProxy::Syntax(ParseError::EmptyHost)),
            Some(host) => match Host::parse(host).map_err(InvalidProxy::Syntax)? {
                Host::Domain(name) => name,
                Host::Ipv4(address) => address.to_string(),
                Host::Ipv6(address) => address.to_string(),
            },
        };
        let proxy = Self {
            protocol,
            host,
            port: url.port().unwrap_or(protocol.default_port()),
            credentials: None,
            fields: Vec::new(),
            tls: None,
        };
        match Credentials::of_url(&url).map_err(InvalidProxy::Credentials)? {
            Some(credentials) => proxy.showing(credentials),
            None => Ok(proxy),
        }
    }

    /// Sets who it is shown asks, in place of what the URL says: by Basic authentication, by SOCKS5's user and password
    /// (RFC 1929), or by SOCKS4's user, which has no password.
    ///
    /// They are sent to the proxy and to nobody else; to any but an `https` proxy, in the clear.
    ///
    /// # Errors
    /// [`InvalidProxy`] for control characters, a colon in the name, and what the protocol cannot tell.
    pub fn credentials(
        self,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, InvalidProxy> {
        self.showing(Credentials::new(user, password).map_err(InvalidProxy::Credentials)?)
    }

    fn showing(mut self, credentials: Credentials) -> Result<Self, InvalidProxy> {
        let (user, password) = (credentials.user(), credentials.password());
        match self.protocol {
            Protocol::Http | Protocol::Https => {}
            Protocol::Socks4 | Protocol::Socks4a if !password.is_empty() => {
                return Err(InvalidProxy::Password);
            }
            // RFC 1929 §2: one to 255 bytes. Empty passwords are common all the same.
            Protocol::Socks5 | Protocol::Socks5h if user.is_empty() => return Err(InvalidProxy::User),
            Protocol::Socks4 | Protocol::Socks4a | Protocol::Socks5 | Protocol::Socks5h => {
                for (part, text) in [("user", user), ("password", password)] {
                    if text.len() > MAX_LEN {
                        return Err(InvalidProxy::TooLong {
                            part,
                            len: text.len(),
                            limit: MAX_LEN,
                        });
                    }
                }
            }
        }
        self.credentials = Some(credentials);
        Ok(self)
    }

    /// Adds a header field to the `CONNECT` that asks an HTTP proxy for a server. A `Proxy-Authorization` takes the place of
    /// credentials.
    ///
    /// # Errors
    /// [`InvalidProxy::Field`] for what may not stand in a request, and [`InvalidProxy::NoFields`] for SOCKS.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Result<Self, InvalidProxy> {
        match self.protocol {
            Protocol::Http | Protocol::Https => {}
            Protocol::Socks4 | Protocol::Socks4a | Protocol::Socks5 | Protocol::Socks5h => {
                return Err(InvalidProxy::NoFields);
            }
        }
        self.fields.push((name.into(), value.into()));
        self.request("a:1").map_err(InvalidProxy::Field)?;
        Ok(self)
    }

    /// Sets how TLS is spoken to an `https` proxy, and whom it may be; by default, whom the system trusts. What is spoken
    /// through it to the server is set with the connection.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: impl Into<ClientTls>) -> Self {
        self.tls = Some(tls.into());
        self
    }

    /// How TLS is spoken to it, where that was set.
    pub fn own_tls(&self) -> Option<&ClientTls> {
        self.tls.as_ref()
    }

    /// Its host: a name, or an address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it is.
    pub fn destination(&self) -> Destination {
        Destination::Host {
            name: self.host.clone(),
            port: self.port,
        }
    }

    /// Whether TLS is spoken to it.
    pub fn is_https(&self) -> bool {
        self.protocol == Protocol::Https
    }

    /// The name that has to be looked up before the proxy can be asked for a server.
    pub(super) fn name_to_look_up<'e>(&self, endpoint: &'e Endpoint) -> Option<(&'e str, u16)> {
        match (self.protocol, endpoint) {
            (Protocol::Socks4 | Protocol::Socks5, Endpoint::Name { name, port }) => Some((name, *port)),
            (
                Protocol::Http | Protocol::Https | Protocol::Socks4a | Protocol::Socks5h,
                Endpoint::Name { .. },
            )
            | (_, Endpoint::Address(_)) => None,
        }
    }

    /// What an HTTP proxy is asked.
    pub(super) fn request(&self, authority: &str) -> Result<TunnelRequest, InvalidField> {
        let mut request = TunnelRequest::new(authority)?;
        for (name, value) in &self.fields {
            request = request.field(name, value)?;
        }
        let shown = |(name, _): &(String, String)| name.eq_ignore_ascii_case(AUTHORIZATION);
        match &self.credentials {
            Some(who) if !self.fields.iter().any(shown) => request.field(AUTHORIZATION, who.to_basic()),
            _ => Ok(request),
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            protocol, host, port, ..
        } = self;
        if host.contains(':') {
            write!(f, "{protocol}://[{host}]:{port}")
        } else {
            write!(f, "{protocol}://{host}:{port}")
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<_> = self.fields.iter().map(|(name, _)| name).collect();
        f.debug_struct("Proxy")
            .field("url", &format_args!("{self}"))
            .field("credentials", &self.credentials)
            .field("fields", &fields)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_protocol_host_port_and_credentials() {
        let who = |user: &str, password: &str| Some(Credentials::new(user, password).expect("fine ones"));
        for (url, shown, host, port, credentials) in [
            ("http://a.test", "http://a.test:80", "a.test", 80, None),
            ("http://a.test:80/", "http://a.test:80", "a.test", 80, None),
            ("https://a.test", "https://a.test:443", "a.test", 443, None),
            ("https://a.test:80", "https://a.test:80", "a.test", 80, None),
            ("HTTP://A.Test:3128", "http://a.test:3128", "a.test", 3128, None),
            (
                "socks4://192.0.2.1",
                "socks4://192.0.2.1:1080",
                "192.0.2.1",
                1080,
                None,
            ),
            ("socks4a://[::1]:9", "socks4a://[::1]:9", "::1", 9, None),
            ("socks5://a.test", "socks5://a.test:1080", "a.test", 1080, None),
            ("socks5h://a.test", "socks5h://a.test:1080", "a.test", 1080, None),
            ("socks://a.test/", "socks5h://a.test:1080", "a.test", 1080, None),
            (
                "http://bücher.example",
                "http://xn--bcher-kva.example:80",
                "xn--bcher-kva.example",
                80,
                None,
            ),
            (
                "http://ada:b@a.test",
                "http://a.test:80",
                "a.test",
                80,
                who("ada", "b"),
            ),
            (
                "http://ada@a.test",
                "http://a.test:80",
                "a.test",
                80,
                who("ada", ""),
            ),
            ("http://:b@a.test", "http://a.test:80", "a.test", 80, who("", "b")),
            (
                "socks4://ada@a.test",
                "socks4://a.test:1080",
                "a.test",
                1080,
                who("ada", ""),
            ),
            (
                "socks5://%c3%a4:a%20b%3A%40%2F%25@a.test",
                "socks5://a.test:1080",
                "a.test",
                1080,
                who("ä", "a b:@/%"),
            ),
        ] {
            let proxy = Proxy::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(proxy.to_string(), shown, "{url}");
            assert_eq!((proxy.host(), proxy.port()), (host, port), "{url}");
            assert_eq!(proxy.credentials, credentials, "{url}");
        }
    }

    #[test]
    fn a_url_of_no_proxy_is_refused_with_the_reason_and_no_secret() {
        let long = format!("socks5://a:{}@a.test", "s3cret".repeat(43));
        let credentials = |byte| InvalidProxy::Credentials(InvalidField::Credentials { byte });
        let scheme = |scheme: &str| InvalidProxy::Scheme {
            scheme: scheme.into(),
        };
        let too_long = InvalidProxy::TooLong {
            part: "password",
            len: 258,
            limit: 255,
        };
        for (url, error) in [
            ("", InvalidProxy::NoScheme),
            ("a.test:80", InvalidProxy::NoScheme),
            ("ada:s3cret@a.test", InvalidProxy::NoScheme),
            ("ada:s3cret@a://b", InvalidProxy::NoScheme),
            ("ftp://ada:s3cret@a.test", scheme("ftp")),
            ("ws://a.test", scheme("ws")),
            ("socks6://a.test", scheme("socks6")),
            ("http://", InvalidProxy::Syntax(ParseError::EmptyHost)),
            (
                "http://a.test:99999",
                InvalidProxy::Syntax(ParseError::InvalidPort),
            ),
            (
                "http://ada:s3/cret@a.test",
                InvalidProxy::Syntax(ParseError::InvalidPort),
            ),
            ("http://a.test/s3cret", InvalidProxy::Path),
            ("http://a.test?s3cret", InvalidProxy::Path),
            ("http://a.test#s3cret", InvalidProxy::Path),
            ("http://ada:s3cret@a b", InvalidProxy::Character),
            ("http://a.test\r\nX: y", InvalidProxy::Character),
            ("http://a.test\0", InvalidProxy::Character),
            ("http://ada:s3cret%0d%0aX:y@a.test", credentials(b'\r')),
            ("http://ada:s3cret%00@a.test", credentials(0)),
            ("http://a%3ab:s3cret@a.test", credentials(b':')),
            ("http://ada:s3cret%ff@a.test", credentials(0xff)),
            ("socks4://ada:s3cret@a.test", InvalidProxy::Password),
            ("socks4a://ada:s3cret@a.test", InvalidProxy::Password),
            ("socks5://:s3cret@a.test", InvalidProxy::User),
            (&long, too_long),
        ] {
            let refused = Proxy::parse(url).expect_err(url);
            assert_eq!(refused, error, "{url}");
            let shown = format!("{refused} {refused:?}");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        let refused = Proxy::parse("http://a b.test%20c").expect_err("a space");
        assert_eq!(refused, InvalidProxy::Character);
        assert!(Proxy::parse("http://a%20b.test").is_err(), "an encoded space");
    }

    #[test]
    fn fields_are_checked_when_they_are_set() -> Result<(), InvalidProxy> {
        let proxy = Proxy::parse("http://a.test")?;
        for (name, value) in [("X-A", "b\r\nX: y"), ("X A", ""), ("Host", "b"), ("X-A", "\0")] {
            let refused = proxy.clone().field(name, value);
            assert!(
                matches!(refused, Err(InvalidProxy::Field(_))),
                "{name}: {value:?}"
            );
        }
        let refused = Proxy::parse("socks5://a.test")?.field("X-A", "b").map(|_| ());
        assert_eq!(refused, Err(InvalidProxy::NoFields));
        Ok(())
    }

    #[test]
    fn debug_and_display_show_no_secret() -> Result<(), InvalidProxy> {
        let proxy = Proxy::parse("http://ada:s3cret@a.test")?
            .field("Proxy-Authorization", "Bearer s3cret")?
            .field("X-Key", "s3cret")?;
        let shown = format!("{proxy} {proxy:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("X-Key"), "{shown}");
        Ok(())
    }
}
