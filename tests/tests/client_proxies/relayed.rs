//! Proxies of every kind lead to servers of either scheme.

use std::net::SocketAddr;

use tidewire_tests::connect_by;
use tidewire_tests::live::{Certificate, Scripted, consent};
use tidewire_tokio::{Proxy, ProxyChoice, ProxyVariables, Scheme, TunnelFault};

use crate::relay::Relay;
use crate::support::{SCHEMES, echo, for_each_adapter, has, proxy, talk, tunnel_error};

const PROXIES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// A proxy of that kind in front of a server, and a client's settings for it.
fn relay(kind: &str, server: SocketAddr, certificate: &Certificate) -> (Relay, Proxy) {
    let is_https = kind == "https";
    let relay = Relay::start(server, is_https.then(|| certificate.server()));
    let url = format!("{kind}://localhost:{}", relay.address().port());
    let mut proxy = Proxy::parse(&url).expect("a proxy");
    if is_https {
        proxy = proxy.tls(certificate.client());
    }
    (relay, proxy)
}

#[test]
fn every_kind_of_proxy_leads_to_a_server_of_either_scheme() {
    for_each_adapter(|adapter| {
        let certificate = Certificate::new();
        for scheme in SCHEMES {
            let server = echo(scheme, &certificate);
            for kind in PROXIES {
                let shown = format!("{adapter:?}: {scheme} by {kind}");
                let (relay, proxy) = relay(kind, server.address(), &certificate);
                // Where names are looked up here, there has to be one. Nobody listens on that port.
                let url = format!("{scheme}://localhost:1/");
                let client = connect_by!(adapter, url, proxy(proxy), tls(certificate.client()));
                talk(client.expect(&shown), &shown);
                let passed = relay.passed();
                let told = match kind {
                    "http" | "https" => &b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n"[..],
                    "socks4" => b"\x04\x01\0\x01\x7f\0\0\x01\0",
                    "socks4a" => b"\x04\x01\0\x01\0\0\0\x01\0localhost\0",
                    "socks5" => b"\x05\x01\0\x05\x01\0\x01\x7f\0\0\x01\0\x01",
                    _ => b"\x05\x01\0\x05\x01\0\x03\x09localhost\0\x01",
                };
                assert_eq!(
                    passed.told.escape_ascii().to_string(),
                    told.escape_ascii().to_string(),
                    "{shown}"
                );
                let is_seen = scheme == Scheme::Ws;
                assert_eq!(has(&passed.up, "GET / HTTP/1.1"), is_seen, "{shown}");
                assert_eq!(has(&passed.down, "HTTP/1.1 101 "), is_seen, "{shown}");
            }
        }
    });
}

#[test]
fn names_that_only_the_proxy_knows_are_left_to_it() {
    for_each_adapter(|adapter| {
        let certificate = Certificate::new();
        let server = echo(Scheme::Ws, &certificate);
        for kind in ["http", "socks4a", "socks5h"] {
            let (relay, proxy) = relay(kind, server.address(), &certificate);
            let client = connect_by!(adapter, "ws://chat.bücher.test:7/", proxy(proxy));
            talk(client.expect(kind), kind);
            assert!(has(&relay.passed().told, "chat.xn--bcher-kva.test"), "{kind}");
        }
    });
}

#[test]
fn addresses_are_told_as_addresses() {
    for_each_adapter(|adapter| {
        let certificate = Certificate::new();
        let server = echo(Scheme::Ws, &certificate);
        for kind in ["socks5", "socks5h"] {
            let (relay, proxy) = relay(kind, server.address(), &certificate);
            let client = connect_by!(adapter, "ws://[2001:db8::1]:7/", proxy(proxy));
            talk(client.expect(kind), kind);
            let told = relay.passed().told;
            let address = b"\x05\x01\0\x05\x01\0\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\x07";
            assert_eq!(told, address, "{kind}: {}", told.escape_ascii());
        }
    });
}

#[test]
fn a_redirect_is_followed_through_the_proxy_that_leads_to_where_it_leads() {
    for_each_adapter(|adapter| {
        let elsewhere = Scripted::new(|head| consent(head, ""));
        let location = elsewhere.url("/there");
        let first = Scripted::new(move |_| {
            format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").into_bytes()
        });
        let relay = Relay::start(first.address(), None);
        let variables = [("ws_proxy", format!("http://{}", relay.address()))];
        let variables = ProxyVariables::from_iter(variables);
        // The proxy leads to the one, and nothing to loopback, where the other is.
        let client = connect_by!(adapter, "ws://first.test/", proxy(variables));
        drop(client.expect("a connection"));
        assert!(has(&relay.passed().told, "CONNECT first.test:80 "), "{adapter:?}");
        assert_eq!(elsewhere.heads().len(), 1, "{adapter:?}");
        assert_eq!(relay.count(), 0, "{adapter:?}");
    });
}

#[test]
fn no_proxy_is_asked_where_none_is_wanted() {
    for_each_adapter(|adapter| {
        let server = Scripted::new(|head| consent(head, ""));
        let client = connect_by!(adapter, server.url("/"), proxy(ProxyChoice::Direct));
        drop(client.expect("a connection"));
        let closed = proxy("http", "127.0.0.1:1".parse().expect("an address"));
        let refused = connect_by!(adapter, server.url("/"), proxy(closed));
        let error = refused.expect_err("nobody listens there");
        assert!(error.to_string().contains("refused"), "{adapter:?}: {error}");
    });
}

#[test]
fn what_is_set_in_place_of_the_host_is_asked_of_a_proxy_that_is_set_and_of_no_other() {
    for_each_adapter(|adapter| {
        let server = Scripted::new(|head| consent(head, ""));
        let relay = Relay::start(server.address(), None);
        // The first of them that nobody listens at; the relay leads to the server all the same.
        let six: SocketAddr = "[2001:db8::1]:7".parse().expect("an address");
        let four: SocketAddr = "192.0.2.1:7".parse().expect("an address");
        let set = proxy("socks5h", relay.address());
        let client = connect_by!(adapter, "ws://a.test/", addresses([six, four]), proxy(set));
        drop(client.expect("a connection"));
        let told = b"\x05\x01\0\x05\x01\0\x01\xc0\0\x02\x01\0\x07";
        assert_eq!(relay.passed().told, told, "{adapter:?}");

        let variables = ProxyVariables::from_iter([("all_proxy", format!("http://{}", relay.address()))]);
        let client = connect_by!(
            adapter,
            "ws://a.test/",
            addresses([server.address()]),
            proxy(variables),
        );
        drop(client.expect("a connection"));

        let unix = connect_by!(
            adapter,
            "ws://a.test/",
            unix("/nowhere"),
            proxy(proxy("http", relay.address())),
        );
        let error = tunnel_error(unix, "a Unix socket");
        assert!(matches!(error.fault(), TunnelFault::NoAddress), "{error:?}");
        assert_eq!(error.endpoint(), "/nowhere");
        assert_eq!(relay.count(), 0, "{adapter:?}");
        assert_eq!(server.heads().len(), 2, "{adapter:?}");
    });
}
