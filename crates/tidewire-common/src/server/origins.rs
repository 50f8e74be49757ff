use std::str;

use tidewire_proto::handshake::Request;

/// Whose pages may open a connection (§10.2): a browser names the origin of the page in each handshake, and sends the
/// user's cookies along.
///
/// ```
/// # use tidewire_common::Origins;
/// let origins = Origins::new(["https://example.com", "https://*.example.com", "http://localhost:*"])?;
/// # let _ = origins;
/// # Ok::<(), tidewire_common::InvalidOrigin>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    allowed: Vec<Pattern>,
    /// Also whoever names none.
    none: bool,
}

/// Which origins are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    /// That of sandboxed pages and of files, which all share it.
    Opaque,
    Site {
        scheme: String,
        host: Host,
        port: Port,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Exactly(String),
    /// Every name that ends with this, which begins with a dot.
    Below(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Port {
    Any,
    /// `None` is the scheme's own, which browsers leave out.
    Exactly(Option<String>),
}

impl Origins {
    /// Allows these origins: a scheme and a host as in `https://example.com`, and a port where it is not the scheme's own.
    ///
    /// `*.` before the host stands for all names below it, and `:*` for any port. `null` is the origin of sandboxed pages and
    /// of files, which cannot be told apart.
    ///
    /// # Errors
    /// [`InvalidOrigin`] names the first that is none, one with a path for example.
    pub fn new<T: AsRef<str>>(allowed: impl IntoIterator<Item = T>) -> Result<Self, InvalidOrigin> {
        let allowed = allowed.into_iter().map(|origin| {
            let origin = origin.as_ref();
            Pattern::parse(origin).ok_or_else(|| InvalidOrigin {
                origin: origin.to_owned(),
            })
        });
        Ok(Self {
            allowed: allowed.collect::<Result<_, _>>()?,
            none: false,
        })
    }

    /// Allows clients that name no origin, too: those that are no browsers.
    pub fn or_none(mut self) -> Self {
        self.none = true;
        self
    }

    /// Whether whoever sent this request may connect.
    pub(super) fn allow(&self, request: &Request) -> bool {
        let mut named = request.fields().all("origin");
        match (named.next(), named.next()) {
            (None, _) => self.none,
            (Some(origin), None) => str::from_utf8(origin).is_ok_and(|origin| self.has(origin)),
            // A browser names one.
            (Some(_), Some(_)) => false,
        }
    }

    fn has(&self, origin: &str) -> bool {
        let site = split(origin);
        self.allowed.iter().any(|pattern| match (pattern, site) {
            (Pattern::Opaque, _) => origin == "null",
            (Pattern::Site { scheme, host, port }, Some(site)) => {
                scheme == site.0 && host.has(site.1) && port.has(site.2)
            }
            (Pattern::Site { .. }, None) => false,
        })
    }
}

impl Pattern {
    fn parse(origin: &str) -> Option<Self> {
        if origin == "null" {
            return Some(Self::Opaque);
        }
        let (scheme, host, port) = split(origin)?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
        let (name, host) = match host.strip_prefix("*.") {
            Some(name) => (name.to_owned(), Host::Below(format!(".{name}"))),
            None => (host.clone(), Host::Exactly(host)),
        };
        let port = match port {
            Some("*") => Port::Any,
            Some(port) => {
                let port: u16 = port.parse().ok()?;
                Port::Exactly((own_port(&scheme) != Some(port)).then(|| port.to_string()))
            }
            None => Port::Exactly(None),
        };
        (is_scheme && is_host(&name)).then_some(Self::Site { scheme, host, port })
    }
}

impl Host {
    fn has(&self, host: &str) -> bool {
        match self {
            Self::Exactly(this) => this == host,
            Self::Below(end) => host.strip_suffix(end.as_str()).is_some_and(is_host),
        }
    }
}

impl Port {
    fn has(&self, port: Option<&str>) -> bool {
        match self {
            Self::Any => port.is_none_or(|port| port.parse::<u16>().is_ok()),
            Self::Exactly(this) => this.as_deref() == port,
        }
    }
}

/// The scheme, the host and the port of an origin as it is written.
fn split(origin: &str) -> Option<(&str, &str, Option<&str>)> {
    let (scheme, authority) = origin.split_once("://")?;
    // The colons of an address are within brackets.
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => Some((scheme, host, Some(port))),
        _ => Some((scheme, authority, None)),
    }
}

/// Whether this is a name or an address, as browsers write it, and nothing else: no path, no user.
fn is_host(host: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_address = |byte: u8| byte.is_ascii_hexdigit() || b":.".contains(&byte);
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => !address.is_empty() && address.bytes().all(is_address),
        None => !host.is_empty() && host.bytes().all(is_name),
    }
}

fn own_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// What was to be allowed is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{origin:?} is no origin: expected a scheme and a host, as in \"https://example.com\", without a path"
)]
pub struct InvalidOrigin {
    origin: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(allowed: &[&str]) -> Origins {
        Origins::new(allowed).expect("origins")
    }

    #[test]
    fn an_origin_is_allowed_as_it_is_written() {
        let allowed = origins(&[
            "https://Example.com",
            "http://a:8080",
            "https://b:443",
            "http://[::1]:80",
            "null",
        ]);
        for origin in [
            "https://example.com",
            "http://a:8080",
            "https://b",
            "http://[::1]",
            "null",
        ] {
            assert!(allowed.has(origin), "{origin}");
        }
        for origin in [
            "http://example.com",
            "https://example.com:8443",
            "https://example.com.evil.com",
            "https://www.example.com",
            "https://example.com/",
            "https://user@example.com",
            "http://a",
            "http://a:80800",
            "https://b:443x",
            "https://example.com:",
            "NULL",
            "",
        ] {
            assert!(!allowed.has(origin), "{origin}");
        }
    }

    #[test]
    fn a_star_stands_for_names_below_a_host_or_for_any_port() {
        let below = origins(&["https://*.example.com"]);
        for origin in ["https://www.example.com", "https://a.b.example.com"] {
            assert!(below.has(origin), "{origin}");
        }
        for origin in [
            "https://example.com",
            "https://.example.com",
            "https://evil-example.com",
            "https://evil.com/.example.com",
            "https://evil.com?.example.com",
            "https://user@.example.com",
            "https://evil.com:1.example.com",
            "https://www.example.com:8443",
        ] {
            assert!(!below.has(origin), "{origin}");
        }
        let any_port = origins(&["http://localhost:*"]);
        assert!(any_port.has("http://localhost") && any_port.has("http://localhost:5173"));
        assert!(!any_port.has("https://localhost:5173"));
    }

    #[test]
    fn what_is_no_origin_is_refused_when_it_is_set() {
        for origin in [
            "",
            "example.com",
            "https://",
            "https://example.com/",
            "https://example.com/chat",
            "https://user@example.com",
            "https://*",
            "https://www.*.com",
            "https://*example.com",
            "https://a:b",
            "https://a:70000",
            "https://a b",
            "1s://a",
            "*",
        ] {
            let error = Origins::new([origin]).expect_err(origin);
            assert!(error.to_string().contains(&format!("{origin:?}")), "{error}");
        }
    }
}
