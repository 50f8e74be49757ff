//! Whom a certificate has to be for.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, TcpListener};
use std::sync::{Arc, Mutex};

use tidewire_blocking::Server;
use tidewire_blocking::rustls::crypto::ring::sign::any_supported_type;
use tidewire_blocking::rustls::server::{ClientHello, ResolvesServerCert};
use tidewire_blocking::rustls::sign::CertifiedKey;
use tidewire_tests::connect_by;
use tidewire_tests::live::{ADAPTERS, Authority, Running, Validity};
use tidewire_tokio::{Config, TlsFault, TlsMaterial, TlsReason};

use crate::support::{connect, echo, failure, open, parts, serve, settings, talk, url};

/// Shows one certificate to all, and remembers whom they asked for.
struct Asked {
    certified: Arc<CertifiedKey>,
    names: Mutex<Vec<Option<String>>>,
}

impl ResolvesServerCert for Asked {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_owned);
        self.names.lock().expect("no panic").push(name);
        Some(self.certified.clone())
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

/// A server that has a certificate for these names, and what it is asked for.
fn asked(authority: &Authority, names: &[&str]) -> (Running, Arc<Asked>) {
    let (chain, key) = parts(&authority.sign(names, Validity::Now));
    let asked = Arc::new(Asked {
        certified: Arc::new(CertifiedKey::new(chain, any_supported_type(&key).expect("a key"))),
        names: Mutex::default(),
    });
    let config = settings().with_no_client_auth().with_cert_resolver(asked.clone());
    (serve(config), asked)
}

#[test]
fn the_host_of_the_url_is_asked_for() {
    let authority = Authority::new("ours");
    let (server, asked) = asked(&authority, &["localhost"]);
    for adapter in ADAPTERS {
        talk(&mut connect(adapter, &server, &authority.client()).expect("a trusted server"));
    }
    let names = asked.names.lock().expect("no panic");
    assert_eq!(
        *names,
        [Some("localhost".to_owned()), Some("localhost".to_owned())]
    );
}

#[test]
fn the_host_of_the_url_is_asked_for_at_whatever_address() {
    let authority = Authority::new("ours");
    let (server, asked) = asked(&authority, &["example.com"]);
    for adapter in ADAPTERS {
        let client = connect_by!(
            adapter,
            "wss://example.com/",
            addresses([server.address()]),
            tls(authority.client())
        );
        talk(&mut client.expect("a trusted server"));
    }
    let names = asked.names.lock().expect("no panic");
    assert_eq!(
        *names,
        [Some("example.com".to_owned()), Some("example.com".to_owned())]
    );
}

#[test]
fn a_name_that_was_set_is_asked_for_in_place_of_the_host() {
    let authority = Authority::new("ours");
    let (server, asked) = asked(&authority, &["example.com"]);
    let tls = authority.client().server_name("example.com").expect("a name");
    for adapter in ADAPTERS {
        talk(&mut connect(adapter, &server, &tls).expect("a trusted server"));
    }
    let names = asked.names.lock().expect("no panic");
    assert_eq!(
        *names,
        [Some("example.com".to_owned()), Some("example.com".to_owned())]
    );
}

#[test]
fn a_name_that_was_set_is_the_only_one_that_is_taken() {
    let authority = Authority::new("ours");
    let (server, _) = asked(&authority, &["localhost"]);
    let tls = authority.client().server_name("example.com").expect("a name");
    for adapter in ADAPTERS {
        let failure = failure(connect(adapter, &server, &tls));
        assert_eq!(
            failure.to_string(),
            "TLS handshake with localhost: certificate is for localhost and not for example.com",
            "{adapter:?}"
        );
    }
}

#[test]
fn a_certificate_for_others_is_told_with_their_names() {
    let authority = Authority::new("ours");
    let (server, _) = asked(
        &authority,
        &["example.com", "*.example.org", "192.0.2.1", "2001:db8::1"],
    );
    for adapter in ADAPTERS {
        let failure = failure(connect(adapter, &server, &authority.client()));
        let presented = ["example.com", "*.example.org", "192.0.2.1", "2001:db8::1"].map(str::to_owned);
        assert_eq!(
            failure.reason(),
            &TlsReason::WrongName {
                expected: "localhost".into(),
                presented: presented.into(),
            },
            "{adapter:?}"
        );
        assert_eq!(
            failure.to_string(),
            "TLS handshake with localhost: certificate is for example.com, *.example.org, 192.0.2.1, 2001:db8::1 \
             and not for localhost"
        );
    }
}

#[test]
fn a_certificate_for_an_ip_address_is_taken_at_that_address_and_no_name_is_asked_for() {
    let authority = Authority::new("ours");
    let (server, asked) = asked(&authority, &["127.0.0.1"]);
    for adapter in ADAPTERS {
        let url = url("127.0.0.1", server.address());
        let client = open(adapter, &url, Some(&authority.client()), Config::default());
        talk(&mut client.expect("a trusted server"));
        let failure = failure(connect(adapter, &server, &authority.client()));
        assert!(
            matches!(failure.reason(), TlsReason::WrongName { .. }),
            "{failure}"
        );
    }
    let names = asked.names.lock().expect("no panic");
    assert_eq!(names[0], None);
}

#[test]
fn an_ip_address_in_brackets_is_one_too() {
    let authority = Authority::new("ours");
    let certificate = authority.sign(&["::1"], Validity::Now);
    let server = Running::on_threads(|_| {
        let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).expect("a free port");
        Server::new(listener, echo).tls(certificate.server())
    });
    assert_eq!(server.address().ip(), IpAddr::V6(Ipv6Addr::LOCALHOST));
    for adapter in ADAPTERS {
        let url = url("[::1]", server.address());
        let client = open(adapter, &url, Some(&authority.client()), Config::default());
        talk(&mut client.expect("a trusted server"));
    }
}

#[test]
fn a_name_that_is_none_is_refused_when_it_is_set() {
    for name in ["", "not a name", "a\r\nb", "[::1]"] {
        let error = Authority::new("ours")
            .client()
            .server_name(name)
            .expect_err("no name");
        assert_eq!(error.material(), TlsMaterial::ServerName);
        assert!(matches!(error.fault(), TlsFault::NoName), "{name:?}: {error:?}");
        assert_eq!(
            error.to_string(),
            "server name: neither a DNS name nor an IP address"
        );
    }
}
