//! Proxies that lie, break rules, or never end, and what a client makes of that.

use std::time::{Duration, Instant};

use tidewire_tests::connect_by;
use tidewire_tests::live::{Authority, Certificate, Scripted, consent};
use tidewire_tokio::{Config, HandshakeError, Proxy, ResponseError, TlsReason, TunnelFault};

use crate::liar::Liar;
use crate::liar::Then::{self, Breaks, Ends, Repeats, Waits};
use crate::relay::Relay;
use crate::support::{PATIENCE, for_each_adapter, proxy, tunnel_error};

/// What a proxy says, what it does then, and how the fault is shown that a client has.
type Row = (&'static [u8], Then, &'static str);

const HTTP: &[Row] = &[
    (
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        Waits,
        "refused with status 101 Switching Protocols",
    ),
    (
        b"HTTP/1.1 200 OK\r\nA: ",
        Repeats(b"aaaaaaaa"),
        "line of the response head exceeds the limit of 8192 bytes",
    ),
    (
        b"",
        Repeats(b"HTTP/1.1 100 Continue\r\n\r\n"),
        "response head exceeds the limit of 16384 bytes",
    ),
    (
        b"HTTP/1.1 200 OK\r\n",
        Repeats(b"A:\r\n"),
        "response head exceeds the limit of 100 fields",
    ),
    (
        b"HTTP/1.1 403 ",
        Repeats(b"No\t"),
        "line of the response head exceeds the limit of 8192 bytes",
    ),
    (
        b"HTTP/2 200 OK\r\n\r\n",
        Waits,
        "version of the response is not HTTP/1.1",
    ),
    (
        b"HTTP/1.1 200 OK\n\n",
        Waits,
        "line ended with LF alone: CRLF is required",
    ),
    (
        b"\x05\0",
        Waits,
        "first byte 0x05 does not start an HTTP/1.1 head",
    ),
    (
        b"\x15\x03\x01\0\x02\x02\x16",
        Waits,
        "first byte 0x15 does not start an HTTP/1.1 head",
    ),
    (b"", Ends, "stream ended before an answer"),
    (b"HTTP/1.1 200 OK\r\n", Ends, "stream ended before an answer"),
];

const SOCKS4: &[Row] = &[
    (
        b"\0\x5b",
        Waits,
        "refused with reply 91, request rejected or failed",
    ),
    (
        b"\0\x5d\0\0\0\0\0\0",
        Ends,
        "refused with reply 93, our identd names another user",
    ),
    (b"\0\0", Waits, "refused with reply 0, which SOCKS4 does not have"),
    (
        b"\x04\x5a",
        Waits,
        "first byte 0x04 of an answer: 0x00 is required",
    ),
    (b"\x05\0", Waits, "first byte 0x05 of an answer: 0x00 is required"),
    (
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        Ends,
        "first byte 0x48 of an answer: 0x00 is required",
    ),
    (b"\0\x5a\0\0\0\0\0", Ends, "stream ended before an answer"),
    (b"", Ends, "stream ended before an answer"),
];

const SOCKS5: &[Row] = &[
    (b"\x05\xff", Waits, "it wants credentials, and none are set"),
    (b"\x05\x02", Waits, "it chose method 2, which was not offered"),
    (b"\x05\x03", Waits, "it chose method 3, which was not offered"),
    (b"\x04\0", Waits, "first byte 0x04 of an answer: 0x05 is required"),
    (
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        Ends,
        "first byte 0x48 of an answer: 0x05 is required",
    ),
    (
        b"\x05\0\x05\x01",
        Waits,
        "refused with reply 1, general failure of the proxy",
    ),
    (
        b"\x05\0\x05\x02",
        Waits,
        "refused with reply 2, not allowed by the proxy's rules",
    ),
    (
        b"\x05\0\x05\x03",
        Waits,
        "refused with reply 3, network unreachable",
    ),
    (b"\x05\0\x05\x04", Waits, "refused with reply 4, host unreachable"),
    (
        b"\x05\0\x05\x05",
        Waits,
        "refused with reply 5, connection refused",
    ),
    (b"\x05\0\x05\x06", Waits, "refused with reply 6, TTL expired"),
    (
        b"\x05\0\x05\x07",
        Waits,
        "refused with reply 7, command not supported",
    ),
    (
        b"\x05\0\x05\x08",
        Ends,
        "refused with reply 8, address type not supported",
    ),
    (
        b"\x05\0\x05\xff",
        Ends,
        "refused with reply 255, which SOCKS5 does not have",
    ),
    (
        b"\x05\0\x01\0",
        Waits,
        "first byte 0x01 of an answer: 0x05 is required",
    ),
    (
        b"\x05\0\x05\0\0\x09",
        Waits,
        "address of type 9 in a reply: 1, 3 or 4 is required",
    ),
    (b"\x05\0\x05\0\0\x03\xff", Ends, "stream ended before an answer"),
    (b"\x05", Ends, "stream ended before an answer"),
];

#[test]
fn a_proxy_that_breaks_a_rule_is_left_with_the_rule() {
    for_each_adapter(|adapter| {
        let tables = [("http", HTTP), ("socks4a", SOCKS4), ("socks5h", SOCKS5)];
        for (kind, (says, then, expected)) in tables
            .into_iter()
            .flat_map(|(kind, table)| table.iter().map(move |row| (kind, *row)))
        {
            let liar = Liar::start(says, then);
            let shown = format!("{adapter:?}, {kind}: {} {then:?}", says.escape_ascii());
            let refused = connect_by!(adapter, "ws://a.test/", proxy(proxy(kind, liar.address())));
            let error = tunnel_error(refused, &shown);
            assert_eq!(error.fault().to_string(), expected, "{shown}");
            let start = format!("proxy {kind}://{}, asked for a.test:80: ", liar.address());
            assert!(error.to_string().starts_with(&start), "{shown}: {error}");
        }
    });
}

#[test]
fn credentials_that_a_socks_proxy_refuses_are_an_error_of_their_own() {
    for_each_adapter(|adapter| {
        for (says, expected) in [
            (&b"\x05\x02\x01\x01"[..], "it refused the user and the password"),
            (
                b"\x05\x02\x05\0",
                "first byte 0x05 of an answer: 0x01 is required",
            ),
            (b"\x05\xff", "it takes neither a user with a password nor nothing"),
            (b"\x05\x02\x01", "stream ended before an answer"),
        ] {
            let liar = Liar::start(says, Ends);
            let proxy = proxy("socks5h", liar.address());
            let proxy = proxy.credentials("ada", "s3cret").expect("fine ones");
            let shown = format!("{adapter:?}: {}", says.escape_ascii());
            let error = tunnel_error(connect_by!(adapter, "ws://a.test/", proxy(proxy)), &shown);
            assert_eq!(error.fault().to_string(), expected, "{shown}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
    });
}

#[test]
fn the_refusal_of_an_http_proxy_comes_with_its_response() {
    for_each_adapter(|adapter| {
        let says = b"HTTP/1.1 407 Who\tare you\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 3\r\n\r\nwho";
        let liar = Liar::start(says, Waits);
        let refused = connect_by!(adapter, "wss://a.test/", proxy(proxy("http", liar.address())));
        let error = refused.expect_err("a refusal");
        assert_eq!(error.status(), Some(407), "{adapter:?}");
        let text = format!(
            "proxy http://{}, asked for a.test:443: refused with status 407 Who\\tare you",
            liar.address()
        );
        assert_eq!(error.to_string(), text);
        let response = error.response().expect("its response");
        let asked = response.fields().first("proxy-authenticate");
        assert_eq!(asked, Some(&b"Basic realm=\"x\""[..]), "{adapter:?}");
        assert_eq!(
            (response.content(), response.is_truncated()),
            (&b"who"[..], false)
        );

        let endless = Liar::start(b"HTTP/1.0 403 No\r\n\r\n", Repeats(b"no! "));
        let refused = connect_by!(adapter, "ws://a.test/", proxy(proxy("http", endless.address())));
        let error = tunnel_error(refused, "an endless body");
        let response = error.response().expect("its response");
        assert_eq!(
            (response.content().len(), response.is_truncated()),
            (64 * 1024, true)
        );
    });
}

#[test]
fn a_refusal_that_breaks_off_is_one_all_the_same() {
    for_each_adapter(|adapter| {
        let says = b"HTTP/1.1 401 Who\r\nContent-Length: 9\r\n\r\nwho";
        let liar = Liar::start(says, Breaks);
        for refused in [
            connect_by!(adapter, "ws://a.test/", proxy(proxy("http", liar.address()))),
            // As a server says it.
            connect_by!(adapter, format!("ws://{}/", liar.address())),
        ] {
            let error = refused.expect_err("a refusal");
            let response = error
                .response()
                .unwrap_or_else(|| panic!("{adapter:?}: {error:?}"));
            let said = (response.status(), response.content(), response.is_truncated());
            assert_eq!(said, (401, &b"who"[..], true), "{adapter:?}");
            assert!(!error.is_transient(), "{adapter:?}");
        }
    });
}

#[test]
fn a_proxy_redirects_nobody() {
    for_each_adapter(|adapter| {
        let elsewhere = Scripted::new(|head| consent(head, ""));
        let location = elsewhere.url("/");
        let says = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let liar = Liar::start(says.leak().as_bytes(), Ends);
        let refused = connect_by!(adapter, "ws://a.test/", proxy(proxy("http", liar.address())));
        assert_eq!(refused.expect_err("no tunnel").status(), Some(302), "{adapter:?}");
        assert!(elsewhere.heads().is_empty(), "{adapter:?}");
    });
}

#[test]
fn what_a_proxy_says_behind_its_consent_is_the_server_s() {
    for_each_adapter(|adapter| {
        for (kind, says) in [
            (
                "http",
                &b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\0 no HTTP"[..],
            ),
            ("socks4a", b"\0\x5a\0\0\0\0\0\0\0 no HTTP"),
            ("socks5h", b"\x05\0\x05\0\0\x01\0\0\0\0\0\0\0 no HTTP"),
        ] {
            let liar = Liar::start(says, Waits);
            let refused = connect_by!(adapter, "ws://a.test/", proxy(proxy(kind, liar.address())));
            let error = refused.expect_err("no HTTP");
            let is_expected = matches!(error, HandshakeError::Response(ResponseError::Malformed(_)));
            assert!(is_expected, "{adapter:?}, {kind}: {error:?}");
        }
    });
}

#[test]
fn a_proxy_that_keeps_us_waiting_is_left_at_the_deadline() {
    for_each_adapter(|adapter| {
        let config = || {
            let config = Config::builder().open_timeout(Some(Duration::from_millis(300)));
            config.build().expect("no contradiction")
        };
        let started = Instant::now();
        for (kind, says) in [
            ("http", &b""[..]),
            ("http", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 20"),
            ("https", b""),
            ("socks4a", b"\0\x5a"),
            ("socks5h", b"\x05"),
            ("socks5h", b"\x05\0\x05\0\0\x03\x09"),
        ] {
            let liar = Liar::start(says, Waits);
            let proxy = proxy(kind, liar.address()).tls(Certificate::new().client());
            let during = match kind {
                "https" => format!("in TLS with {}", liar.address().ip()),
                _ => format!("while waiting for proxy {proxy}"),
            };
            let late = connect_by!(adapter, "ws://a.test/", proxy(proxy), config(config()));
            let error = late.expect_err("no tunnel").to_string();
            let shown = format!("{adapter:?}, {kind}, {}", says.escape_ascii());
            assert_eq!(error, format!("opening handshake timed out {during}"), "{shown}");
        }
        let says = b"HTTP/1.1 503 Later\r\nContent-Length: 9\r\n\r\nsorry";
        let liar = Liar::start(says, Waits);
        let proxy = proxy("http", liar.address());
        let late = connect_by!(adapter, "ws://a.test/", proxy(proxy), config(config()));
        let error = tunnel_error(late, "half a refusal");
        let response = error.response().expect("its response");
        assert_eq!(
            (response.content(), response.is_truncated()),
            (&b"sorry"[..], true)
        );
        assert!(started.elapsed() < PATIENCE, "{adapter:?}");
    });
}

#[test]
fn a_proxy_that_is_not_who_it_should_be_is_told_nothing() {
    for_each_adapter(|adapter| {
        let certificate = Certificate::new();
        let relay = Relay::start(
            "127.0.0.1:1".parse().expect("an address"),
            Some(certificate.server()),
        );
        let url = format!("https://ada:s3cret@localhost:{}", relay.address().port());
        // By default, the system's authorities are trusted, and no other is by this one.
        for proxy in [
            Proxy::parse(&url).expect("a proxy"),
            Proxy::parse(&url)
                .expect("a proxy")
                .tls(Certificate::new().client()),
        ] {
            // It is not the connection's own TLS that counts.
            let trusting = certificate.client();
            let refused = connect_by!(adapter, "wss://a.test/", proxy(proxy), tls(trusting));
            match refused.expect_err("a stranger") {
                HandshakeError::Tls(failure) => {
                    assert_eq!(failure.server(), Some("localhost"), "{adapter:?}");
                    assert!(
                        matches!(
                            failure.reason(),
                            TlsReason::UnknownIssuer | TlsReason::Certificate
                        ),
                        "{failure:?}"
                    );
                }
                error => panic!("{adapter:?}: {error:?}"),
            }
        }
        assert_eq!(relay.count(), 0, "{adapter:?}");
    });
}

#[test]
fn a_proxy_that_wants_a_certificate_of_ours_is_named() {
    for_each_adapter(|adapter| {
        let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
        let relay = Relay::start(
            "127.0.0.1:1".parse().expect("an address"),
            Some(servers.server_for(&clients).into()),
        );
        let url = format!("https://localhost:{}", relay.address().port());
        let proxy = Proxy::parse(&url).expect("a proxy").tls(servers.client());
        let refused = connect_by!(adapter, "ws://a.test/", proxy(proxy));
        match refused.expect_err("no certificate") {
            HandshakeError::Tls(failure) => {
                assert_eq!(failure.reason(), &TlsReason::Refused, "{adapter:?}");
                assert_eq!(failure.server(), Some("localhost"), "{adapter:?}");
            }
            error => panic!("{adapter:?}: {error:?}"),
        }
    });
}

#[test]
fn a_name_that_cannot_be_told_is_refused_before_anything_is_sent() {
    for_each_adapter(|adapter| {
        let liar = Liar::start(b"", Ends);
        let url = format!("ws://{}.test/", "a".repeat(252));
        for kind in ["socks4a", "socks5h"] {
            let refused = connect_by!(adapter, &url, proxy(proxy(kind, liar.address())));
            let error = tunnel_error(refused, kind);
            assert!(matches!(error.fault(), TunnelFault::Name { len: 257 }), "{error}");
        }
        let six = connect_by!(
            adapter,
            "ws://[2001:db8::1]/",
            proxy(proxy("socks4", liar.address()))
        );
        let error = tunnel_error(six, "socks4");
        assert!(matches!(error.fault(), TunnelFault::Ipv6), "{error}");
    });
}
