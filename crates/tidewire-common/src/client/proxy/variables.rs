use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::net::IpAddr;

use super::exceptions::Exceptions;
use super::invalid::InvalidVariable;
use super::setting::Proxy;
use crate::client::target::Scheme;

/// What ends the names of all variables that are read.
const SUFFIX: &str = "_proxy";

/// The environment variables that say which proxy leads to which server.
///
/// For a `ws://` URL the first of `ws_proxy`, `socks_proxy`, `https_proxy`, `http_proxy` and `all_proxy` names it, for a
/// `wss://` URL the first of `wss_proxy`, `socks_proxy`, `https_proxy` and `all_proxy`. Each is the URL of a [`Proxy`];
/// without a scheme it is an `http` one, and in `socks_proxy` it is `socks5h`, `http` too. The names in lower case go before
/// those in upper case, so that an empty one takes the other back. `HTTP_PROXY` means nothing to a CGI program, where
/// `REQUEST_METHOD` is set: its clients could set it with a `Proxy` field.
///
/// `no_proxy` lists the hosts that no proxy leads to, with commas or spaces between them: `*` is all, `example.com` (or
/// `.example.com`) that domain and all below it, `192.0.2.1` and `::1` an address, `192.0.2.0/24` a network; `:port` behind
/// any restricts it to that port. No name is looked up for it. Neither does a proxy lead to `localhost` and loopback
/// addresses, since a proxy's are not ours.
///
/// ```
/// # use tidewire_common::{InvalidVariable, ProxyVariables, Scheme};
/// let variables = ProxyVariables::from_iter([
///     ("https_proxy", "http://proxy.example:3128"),
///     ("no_proxy", "intranet.example,10.0.0.0/8"),
/// ]);
/// let proxy = variables.proxy_for(Scheme::Wss, "example.com", 443)?.expect("one that leads there");
/// assert_eq!(proxy.to_string(), "http://proxy.example:3128");
/// assert!(variables.proxy_for(Scheme::Wss, "chat.intranet.example", 443)?.is_none());
/// # Ok::<(), InvalidVariable>(())
/// ```
#[derive(Clone, Default)]
pub struct ProxyVariables {
    /// Those that name a proxy, by the lower case of their names.
    proxies: HashMap<String, Variable>,
    exceptions: Exceptions,
}

#[derive(Clone)]
struct Variable {
    /// As it is written.
    name: String,
    value: String,
}

impl ProxyVariables {
    /// Those of the process, as they are now.
    pub fn read() -> Self {
        // What is no text is not passed over: it becomes a proxy that cannot be used.
        let text = |text: OsString| text.to_string_lossy().into_owned();
        env::vars_os()
            .map(|(name, value)| (text(name), text(value)))
            .collect()
    }

    /// The proxy that leads to a host: a name, or an address without brackets.
    ///
    /// # Errors
    /// [`InvalidVariable`], where the variable that counts names a proxy which cannot be used: to go without it might
    /// show somebody what the proxy is there to hide.
    pub fn proxy_for(&self, scheme: Scheme, host: &str, port: u16) -> Result<Option<Proxy>, InvalidVariable> {
        if is_loopback(host) || self.exceptions.has(host, port) {
            return Ok(None);
        }
        // §4.1: "implementations [...] are encouraged to use a SOCKS5 [RFC1928] proxy for WebSocket connections, if
        // available, or failing that, to prefer the proxy configured for HTTPS connections over the proxy configured
        // for HTTP connections."
        let kinds: &[&str] = match scheme {
            Scheme::Ws => &["ws", "socks", "https", "http", "all"],
            Scheme::Wss => &["wss", "socks", "https", "all"],
        };
        let named = kinds
            .iter()
            .find_map(|kind| Some((*kind, self.proxies.get(&format!("{kind}{SUFFIX}"))?)));
        let Some((kind, variable)) = named else {
            return Ok(None);
        };
        let proxy = Proxy::parse(&with_scheme(kind, &variable.value));
        proxy
            .map(Some)
            .map_err(|error| InvalidVariable::new(&variable.name, error))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for ProxyVariables {
    /// Takes names and values as an environment has them; others are passed over.
    fn from_iter<T: IntoIterator<Item = (N, V)>>(variables: T) -> Self {
        let variables: HashMap<String, String> = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let is_cgi = variables.contains_key("REQUEST_METHOD");
        let lower = |name: &str| name.ends_with(SUFFIX) && !name.contains(|c: char| c.is_ascii_uppercase());
        let upper = |name: &str| {
            name.ends_with("_PROXY")
                && !name.contains(|c: char| c.is_ascii_lowercase())
                && !(is_cgi && name == "HTTP_PROXY")
        };
        let mut proxies = HashMap::new();
        for (name, value) in variables.iter().filter(|(name, _)| lower(name) || upper(name)) {
            let key = name.to_ascii_lowercase();
            if *name != key && variables.contains_key(&key) {
                continue;
            }
            let (name, value) = (name.clone(), value.trim().to_owned());
            if !value.is_empty() {
                proxies.insert(key, Variable { name, value });
            }
        }
        let exceptions = proxies.remove("no_proxy");
        let exceptions = exceptions.map(|list| Exceptions::parse(&list.value));
        Self {
            proxies,
            exceptions: exceptions.unwrap_or_default(),
        }
    }
}

/// Shows the names alone: values may have passwords.
impl std::fmt::Debug for ProxyVariables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.proxies.values().map(|variable| &variable.name);
        f.debug_struct("ProxyVariables")
            .field("proxies", &names.collect::<Vec<_>>())
            .field("exceptions", &self.exceptions)
            .finish()
    }
}

/// The value with the scheme that is meant.
fn with_scheme(kind: &str, value: &str) -> String {
    let (scheme, rest) = value.split_once("://").unwrap_or(("", value));
    match (kind, scheme.to_ascii_lowercase().as_str()) {
        // The settings of systems have `http://` in front of any proxy.
        ("socks", "" | "http") => format!("socks5h://{rest}"),
        (_, "") if value == rest => format!("http://{rest}"),
        (_, _) => value.to_owned(),
    }
}

/// RFC 6761 §6.3: names that end in `localhost` are loopback's, too.
fn is_loopback(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::InvalidProxy;
    use super::*;

    /// The proxy for `example.com`, or the error's text.
    fn proxy_for(variables: &[(&str, &str)], scheme: Scheme) -> String {
        let variables: ProxyVariables = variables.iter().copied().collect();
        match variables.proxy_for(scheme, "example.com", 80) {
            Ok(Some(proxy)) => proxy.to_string(),
            Ok(None) => "none".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_first_variable_that_fits_names_the_proxy() {
        let mut all = vec![
            ("ws_proxy", "http://ws"),
            ("wss_proxy", "http://wss"),
            ("socks_proxy", "socks5://socks"),
            ("https_proxy", "http://https"),
            ("http_proxy", "http://http"),
            ("all_proxy", "http://all"),
            ("ftp_proxy", "http://ftp"),
        ];
        for (ws, wss, without) in [
            ("http://ws:80", "http://wss:80", "ws_proxy"),
            ("socks5://socks:1080", "http://wss:80", "wss_proxy"),
            ("socks5://socks:1080", "socks5://socks:1080", "socks_proxy"),
            ("http://https:80", "http://https:80", "https_proxy"),
            ("http://http:80", "http://all:80", "http_proxy"),
            ("http://all:80", "http://all:80", "all_proxy"),
            ("none", "none", "ftp_proxy"),
        ] {
            assert_eq!(proxy_for(&all, Scheme::Ws), ws);
            assert_eq!(proxy_for(&all, Scheme::Wss), wss);
            all.retain(|(name, _)| *name != without);
        }
    }

    #[test]
    fn lower_case_goes_before_upper_case_and_may_take_it_back() {
        let upper = ("HTTPS_PROXY", "http://upper");
        assert_eq!(proxy_for(&[upper], Scheme::Wss), "http://upper:80");
        for order in [
            [upper, ("https_proxy", "http://lower")],
            [("https_proxy", "http://lower"), upper],
        ] {
            assert_eq!(proxy_for(&order, Scheme::Wss), "http://lower:80");
        }
        assert_eq!(proxy_for(&[upper, ("https_proxy", " ")], Scheme::Wss), "none");
        assert_eq!(proxy_for(&[("Https_Proxy", "http://mixed")], Scheme::Wss), "none");
        let excepted = [upper, ("NO_PROXY", "example.com")];
        assert_eq!(proxy_for(&excepted, Scheme::Wss), "none");
        let taken_back = [upper, ("NO_PROXY", "example.com"), ("no_proxy", "")];
        assert_eq!(proxy_for(&taken_back, Scheme::Wss), "http://upper:80");
    }

    #[test]
    fn a_client_of_a_cgi_program_sets_no_proxy() {
        let upper = ("HTTP_PROXY", "http://evil");
        let cgi = ("REQUEST_METHOD", "GET");
        assert_eq!(proxy_for(&[upper], Scheme::Ws), "http://evil:80");
        assert_eq!(proxy_for(&[upper, cgi], Scheme::Ws), "none");
        assert_eq!(
            proxy_for(&[("http_proxy", "http://ours"), upper, cgi], Scheme::Ws),
            "http://ours:80"
        );
        assert_eq!(
            proxy_for(&[("HTTPS_PROXY", "http://ours"), cgi], Scheme::Ws),
            "http://ours:80"
        );
    }

    #[test]
    fn a_scheme_that_is_missing_is_the_usual_one() {
        for (name, value, proxy) in [
            ("https_proxy", "proxy.example:3128", "http://proxy.example:3128"),
            (
                "https_proxy",
                "ada:s3cret@proxy.example",
                "http://proxy.example:80",
            ),
            (
                "https_proxy",
                "socks5://proxy.example",
                "socks5://proxy.example:1080",
            ),
            (
                "all_proxy",
                "socks://proxy.example/",
                "socks5h://proxy.example:1080",
            ),
            ("socks_proxy", "proxy.example", "socks5h://proxy.example:1080"),
            (
                "socks_proxy",
                "http://proxy.example:9050",
                "socks5h://proxy.example:9050",
            ),
            (
                "socks_proxy",
                "socks4://proxy.example",
                "socks4://proxy.example:1080",
            ),
            (
                "socks_proxy",
                "https://proxy.example",
                "https://proxy.example:443",
            ),
        ] {
            assert_eq!(proxy_for(&[(name, value)], Scheme::Wss), proxy, "{name}={value}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_an_error_that_names_the_variable() {
        let variables = ProxyVariables::from_iter([("HTTPS_PROXY", "ftp://ada:s3cret@proxy.example")]);
        let error = variables
            .proxy_for(Scheme::Wss, "example.com", 443)
            .expect_err("no proxy");
        assert_eq!(error.name(), "HTTPS_PROXY");
        assert_eq!(*error.error(), InvalidProxy::Scheme { scheme: "ftp".into() });
        for value in [
            "ada:s3cret@",
            "://s3cret",
            "http://ada:s3cret@a/b",
            "http://ada:s3cret@a b",
        ] {
            let shown = proxy_for(&[("https_proxy", value)], Scheme::Wss);
            assert!(shown.starts_with("variable https_proxy: proxy"), "{shown}");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        assert!(!format!("{variables:?}").contains("s3cret"), "{variables:?}");
    }

    #[test]
    fn no_proxy_leads_to_loopback() {
        let variables = ProxyVariables::from_iter([("all_proxy", "http://proxy.example")]);
        for (host, is_direct) in [
            ("localhost", true),
            ("LOCALHOST.", true),
            ("app.localhost", true),
            ("127.0.0.1", true),
            ("127.8.9.10", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("localhost.example", false),
            ("notlocalhost", false),
            ("192.168.0.1", false),
            ("::2", false),
        ] {
            let proxy = variables.proxy_for(Scheme::Ws, host, 80).expect("a proxy");
            assert_eq!(proxy.is_none(), is_direct, "{host}");
        }
    }
}
