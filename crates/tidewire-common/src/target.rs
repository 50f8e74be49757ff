use url::{Host, Url};

use crate::error::UrlError;

/// Where a `ws://` URL leads: an address to connect to, and what to say there.
///
/// ```
/// use tidewire_common::Target;
///
/// let target = Target::parse("ws://example.com:9001/chat?room=1")?;
/// assert_eq!((target.host(), target.port()), ("example.com", 9001));
/// assert_eq!((target.authority(), target.resource()), ("example.com:9001", "/chat?room=1"));
/// # Ok::<(), tidewire_common::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    host: String,
    port: u16,
    authority: String,
    resource: String,
}

impl Target {
    /// Reads a URL (§3).
    ///
    /// # Errors
    /// [`UrlError`] names what is wrong with it.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        // The URL parser would drop some of these without a word.
        if url.chars().any(|c| c.is_control() || c == ' ') {
            return Err(UrlError::Character);
        }
        let url = Url::parse(url).map_err(UrlError::Syntax)?;
        match url.scheme() {
            "ws" => {}
            "wss" => return Err(UrlError::Tls),
            scheme => {
                return Err(UrlError::Scheme {
                    scheme: scheme.into(),
                });
            }
        }
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
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
            host,
            port: url.port_or_known_default().unwrap_or(80),
            // §4.1: the port stands in the Host field where it is not the default one.
            authority: url.authority().to_owned(),
            resource,
        })
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
        &self.authority
    }

    /// The resource name of §3: path and query.
    pub fn resource(&self) -> &str {
        &self.resource
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_into_address_host_field_and_resource() {
        for (url, host, port, authority, resource) in [
            ("ws://localhost", "localhost", 80, "localhost", "/"),
            ("ws://localhost:80/", "localhost", 80, "localhost", "/"),
            ("ws://[::1]:9001/a?b=c", "::1", 9001, "[::1]:9001", "/a?b=c"),
            ("WS://EXAMPLE.com/%20", "example.com", 80, "example.com", "/%20"),
            ("ws://127.0.0.1:1?q", "127.0.0.1", 1, "127.0.0.1:1", "/?q"),
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
    fn a_url_that_leads_nowhere_is_refused_with_the_reason() {
        let scheme = |scheme: &str| UrlError::Scheme {
            scheme: scheme.into(),
        };
        for (url, error) in [
            ("http://localhost/", scheme("http")),
            ("wss://localhost/", UrlError::Tls),
            ("ws://localhost/#top", UrlError::Fragment),
            ("ws://user:secret@localhost/", UrlError::Credentials),
            ("ws://localhost/a b", UrlError::Character),
            ("ws://localhost/\r\nX: y", UrlError::Character),
            (
                "localhost",
                UrlError::Syntax(url::ParseError::RelativeUrlWithoutBase),
            ),
            ("ws://", UrlError::Syntax(url::ParseError::EmptyHost)),
        ] {
            assert_eq!(Target::parse(url), Err(error), "{url}");
        }
    }
}
