//! What is said to a proxy in confidence never comes to the server, nor the other way round.

use tidewire_tests::connect_by;
use tidewire_tests::live::Certificate;
use tidewire_tokio::{Proxy, Scheme};

use crate::origin::Origin;
use crate::relay::Relay;
use crate::support::{SCHEMES, for_each_adapter, has};

/// Those of the proxy: its user and password, and what Basic makes of them.
const PROXY_S: [&str; 5] = [
    "proxy-ada",
    "proxy-s3cret",
    "cHJveHktYWRhOnByb3h5LXMzY3JldA==",
    "Proxy-",
    "X-Proxy",
];
/// Those of the server: its user and password, what Basic makes of them, and a cookie.
const SERVER_S: [&str; 4] = [
    "server-ada",
    "server-s3cret",
    "c2VydmVyLWFkYTpzZXJ2ZXItczNjcmV0",
    "session=31d4",
];

#[test]
fn credentials_of_one_side_never_reach_the_other() {
    for_each_adapter(|adapter| {
        let certificate = Certificate::new();
        for scheme in SCHEMES {
            for kind in ["http", "https", "socks4a", "socks5", "socks5h"] {
                let shown = format!("{adapter:?}: {scheme} by {kind}");
                let is_tls = scheme == Scheme::Wss;
                let origin = Origin::start(is_tls.then(|| certificate.server()));
                let relay = Relay::start(origin.address(), (kind == "https").then(|| certificate.server()));
                let url = format!("{kind}://localhost:{}", relay.address().port());
                let mut proxy = Proxy::parse(&url).expect("a proxy").tls(certificate.client());
                let password = if kind == "socks4a" { "" } else { "proxy-s3cret" };
                proxy = proxy.credentials("proxy-ada", password).expect("fine ones");
                if kind.starts_with("http") {
                    proxy = proxy.field("X-Proxy", "proxy-s3cret").expect("a field");
                }
                let client = connect_by!(
                    adapter,
                    format!("{scheme}://localhost:1/"),
                    proxy(proxy),
                    tls(certificate.client()),
                    basic_auth("server-ada", "server-s3cret"),
                    cookie("session", "31d4"),
                );
                drop(client.expect(&shown).recv().expect("a good end"));
                let passed = relay.passed();
                let received = origin.received();

                // Each side has its own.
                let own = match kind {
                    "http" | "https" => "\r\nProxy-Authorization: Basic cHJveHktYWRhOnByb3h5LXMzY3JldA==\r\n",
                    "socks4a" => "\x01proxy-ada\0",
                    _ => "\x01\x09proxy-ada\x0cproxy-s3cret",
                };
                assert!(has(&passed.told, own), "{shown}: {}", passed.told.escape_ascii());
                let own = "\r\nAuthorization: Basic c2VydmVyLWFkYTpzZXJ2ZXItczNjcmV0\r\n";
                assert!(has(&received, own), "{shown}: {}", received.escape_ascii());
                assert!(has(&received, "\r\nCookie: session=31d4\r\n"), "{shown}");

                // All that the server was sent, as it came through the proxy and as it was without TLS.
                for secret in PROXY_S {
                    assert!(!has(&received, secret), "{shown}: {secret} at the server");
                    assert!(
                        !has(&passed.up, secret),
                        "{shown}: {secret} on the way to the server"
                    );
                }
                // All that the proxy was told, and what it could read of the rest.
                for secret in SERVER_S {
                    assert!(!has(&passed.told, secret), "{shown}: {secret} told to the proxy");
                    if is_tls {
                        assert!(!has(&passed.up, secret), "{shown}: {secret} read by the proxy");
                    }
                }
                if !is_tls {
                    assert_eq!(passed.up, received, "{shown}");
                }
            }
        }
    });
}

#[test]
fn settings_and_errors_show_no_credentials() {
    for_each_adapter(|adapter| {
        let closed = "http://ada:s3cret@127.0.0.1:1";
        let proxy = || Proxy::parse(closed).expect("a proxy");
        let tokio = tidewire_tokio::connect("ws://a.test/").proxy(proxy());
        let blocking = tidewire_blocking::connect("ws://a.test/").proxy(proxy());
        let error = connect_by!(adapter, "ws://a.test/", proxy(proxy())).expect_err("nobody listens");
        let shown = format!("{tokio:?} {blocking:?} {error} {error:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    });
}
