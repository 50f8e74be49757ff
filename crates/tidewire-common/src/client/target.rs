use std::fmt;

use url::{Host, ParseError, Url};

use crate::credentials::Credentials;
use crate::error::UrlError;

/// Whether a URL asks for TLS (§3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `ws`: in the clear, by default on port 80.
    Ws,
    /// `wss`: over TLS, by default on port 443.
    Wss,
}

impl Scheme {
    fn default_port(self) -> u16 {
        match self {
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ws => "ws",
            Self::Wss => "wss",
        })
    }
}

/// Where a `ws://` or `wss://` URL leads: an address to connect to, and what to say there. A name that is not ASCII is
/// looked up and sent as IDNA writes it.
///
/// ```
/// use tidewire_common::{Scheme, Target};
///
/// let target = Target::parse("wss://example.com:9001/chat?room=1")?;
/// assert_eq!((target.scheme(), target.host(), target.port()), (Scheme::Wss, "example.com", 9001));
/// assert_eq!((target.authority(), target.resource()), ("example.com:9001", "/chat?room=1"));
/// # Ok::<(), tidewire_common::UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// Without the credentials.
    url: Url,
    scheme: Scheme,
    host: String,
    port: u16,
    resource: String,
    credentials: Option<Credentials>,
}

impl Target {
    /// Reads a URL (§3).
    ///
    /// # Errors
    /// [`UrlError`] names what is wrong with it.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        check_characters(url)?;
        Self::of(Url::parse(url).map_err(|error| match error {
            ParseError::RelativeUrlWithoutBase => UrlError::NoScheme,
            error => UrlError::Syntax(error),
        })?)
    }

    /// Where another URL leads that was named here, which may be relative (RFC 3986 §5).
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub fn join(&self, url: &str) -> Result<Self, UrlError> {
        check_characters(url)?;
        Self::of(self.url.join(url).map_err(UrlError::Syntax)?)
    }

    fn of(mut url: Url) -> Result<Self, UrlError> {
        let scheme = match url.scheme() {
            "ws" => Scheme::Ws,
            "wss" => Scheme::Wss,
            scheme => {
                return Err(UrlError::Scheme {
                    scheme: scheme.into(),
                });
            }
        };
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        let credentials = Credentials::of_url(&url).map_err(UrlError::Credentials)?;
        // They leave the URL here, and so all that is said of it.
        if url
            .set_username("")
            .and_then(|()| url.set_password(None))
            .is_err()
        {
            return Err(UrlError::Host);
        }
        let host = match url.host().ok_or(UrlError::Host)? {
            Host::Domain(domain) => domain.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let resource = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Ok(Self {
            scheme,
            host,
            port: url.port().unwrap_or(scheme.default_port()),
            resource,
            credentials,
            url,
        })
    }

    /// Whether TLS is spoken.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host to look up: a name, or an address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The value of the `Host` field.
    pub fn authority(&self) -> &str {
        // §4.1: the port stands in it where it is not the default one.
        self.url.authority()
    }

    /// The resource name of §3: path and query.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The user and the password that the URL named.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Whether both are of one origin: the same scheme, host and port (RFC 6454 §5).
    pub fn is_same_origin(&self, other: &Self) -> bool {
        (self.scheme, &self.host, self.port) == (other.scheme, &other.host, other.port)
    }
}

/// The URL without credentials and query, which may hold secrets.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority(), self.url.path())
    }
}

/// As `Display`.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The URL parser would drop some of these without a word.
fn check_characters(url: &str) -> Result<(), UrlError> {
    if url.chars().any(|c| c.is_control() || c == ' ') {
        return Err(UrlError::Character);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tidewire_proto::handshake::InvalidField;

    use super::*;

    #[test]
    fn a_url_is_read_into_address_host_field_and_resource() {
        for (url, host, port, authority, resource) in [
            ("ws://localhost", "localhost", 80, "localhost", "/"),
            ("ws://localhost:80/", "localhost", 80, "localhost", "/"),
            ("ws://localhost:443/", "localhost", 443, "localhost:443", "/"),
            ("wss://localhost", "localhost", 443, "localhost", "/"),
            ("wss://localhost:443/", "localhost", 443, "localhost", "/"),
            ("wss://localhost:80/", "localhost", 80, "localhost:80", "/"),
            ("ws://[::1]:9001/a?b=c", "::1", 9001, "[::1]:9001", "/a?b=c"),
            ("WS://EXAMPLE.com/%20", "example.com", 80, "example.com", "/%20"),
            ("ws://127.0.0.1:1?q", "127.0.0.1", 1, "127.0.0.1:1", "/?q"),
            ("ws://a:b@localhost:1/", "localhost", 1, "localhost:1", "/"),
            (
                "ws://bücher.example/übersicht?ä",
                "xn--bcher-kva.example",
                80,
                "xn--bcher-kva.example",
                "/%C3%BCbersicht?%C3%A4",
            ),
        ] {
            let target = Target::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(
                (
                    target.host(),
                    target.port(),
                    target.authority(),
                    target.resource()
                ),
                (host, port, authority, resource),
                "{url}"
            );
        }
    }

    #[test]
    fn credentials_leave_the_url_and_neither_they_nor_the_query_are_shown() {
        for (url, user, password) in [
            ("ws://ada:s3cret@localhost/", "ada", "s3cret"),
            ("ws://ada@localhost/", "ada", ""),
            ("ws://:s3cret@localhost/", "", "s3cret"),
            ("ws://a%20b:s3cret%3A%C3%A4@localhost/", "a b", "s3cret:ä"),
            ("ws://ada:b@localhost/?token=s3cret", "ada", "b"),
        ] {
            let target = Target::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            let who = target.credentials().expect(url);
            assert_eq!((who.user(), who.password()), (user, password), "{url}");
            assert!(!format!("{target:?} {target}").contains("s3cret"), "{target:?}");
        }
    }

    #[test]
    fn a_url_that_leads_nowhere_is_refused_with_the_reason() {
        let scheme = |scheme: &str| UrlError::Scheme {
            scheme: scheme.into(),
        };
        let credentials = |byte| UrlError::Credentials(InvalidField::Credentials { byte });
        for (url, error) in [
            ("http://localhost/", scheme("http")),
            ("ws://localhost/#top", UrlError::Fragment),
            ("ws://a%3Ab:c@localhost/", credentials(b':')),
            ("ws://a:%0d%0a@localhost/", credentials(b'\r')),
            ("ws://a:%ff@localhost/", credentials(0xff)),
            ("ws://localhost/a b", UrlError::Character),
            ("ws://localhost/\r\nX: y", UrlError::Character),
            ("localhost", UrlError::NoScheme),
            ("ws://", UrlError::Syntax(ParseError::EmptyHost)),
        ] {
            assert_eq!(Target::parse(url), Err(error), "{url}");
        }
    }

    #[test]
    fn a_url_without_a_scheme_is_told_which_there_are() {
        assert_eq!(
            Target::parse("127.0.0.1:9001").map_err(|error| error.to_string()),
            Err("URL without a scheme: ws:// or wss:// is required".into())
        );
    }

    #[test]
    fn another_url_is_read_from_where_it_was_named() -> Result<(), UrlError> {
        let base = Target::parse("wss://ada:s3cret@localhost/a/b?c")?;
        for (url, whole, same) in [
            ("d", "wss://localhost/a/d", true),
            ("/e?f", "wss://localhost/e", true),
            ("//other/", "wss://other/", false),
            ("ws://localhost:443/", "ws://localhost:443/", false),
            ("wss://localhost:443/", "wss://localhost/", true),
            ("wss://localhost:444/", "wss://localhost:444/", false),
        ] {
            let joined = base.join(url)?;
            assert_eq!(joined.to_string(), whole, "{url}");
            assert_eq!(joined.is_same_origin(&base), same, "{url}");
        }
        Ok(())
    }
}
