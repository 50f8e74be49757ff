//! Redirects from and to `wss://`.

use tidewire_blocking::{Server, ServerPolicy, ServerTls};
use tidewire_tests::live::{ADAPTERS, Authority, Running, Validity};
use tidewire_tokio::{Config, HandshakeError, RedirectError, Response, TlsReason};

use crate::support::{echo, open, reason, serve, talk, url};

/// Redirects everybody.
fn redirecting(to: String, tls: Option<ServerTls>) -> Running {
    let policy =
        ServerPolicy::default().on_request(move |_| Response::new(307).ok()?.field("Location", &to).ok());
    Running::on_threads(|listener| {
        let server = Server::new(listener, echo).policy(policy);
        match tls {
            Some(tls) => server.tls(tls),
            None => server,
        }
    })
}

#[test]
fn a_redirect_to_wss_is_followed_over_tls() {
    let authority = Authority::new("ours");
    let certificate = || authority.sign(&["localhost"], Validity::Now).server();
    let server = serve(certificate());
    let to = url("localhost", server.address());
    let in_the_clear = redirecting(to.clone(), None);
    let over_tls = redirecting(to, Some(certificate()));
    for adapter in ADAPTERS {
        for from in [
            format!("ws://{}/", in_the_clear.address()),
            url("localhost", over_tls.address()),
        ] {
            let client = open(adapter, &from, Some(&authority.client()), Config::default());
            talk(&mut client.expect("trusted servers"));
        }
    }
}

#[test]
fn a_server_that_is_redirected_to_is_judged_like_any_other() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let stranger = serve(theirs.sign(&["localhost"], Validity::Now).server());
    let to = url("localhost", stranger.address());
    let server = redirecting(to, Some(ours.sign(&["127.0.0.1"], Validity::Now).server()));
    for adapter in ADAPTERS {
        let from = url("127.0.0.1", server.address());
        let result = open(adapter, &from, Some(&ours.client()), Config::default());
        assert_eq!(reason(result), TlsReason::UnknownIssuer, "{adapter:?}");
    }
}

#[test]
fn a_redirect_out_of_tls_is_refused() {
    let authority = Authority::new("ours");
    let tls = authority.sign(&["localhost"], Validity::Now).server();
    let server = redirecting("ws://localhost:9/".into(), Some(tls));
    for adapter in ADAPTERS {
        let from = url("localhost", server.address());
        let result = open(adapter, &from, Some(&authority.client()), Config::default());
        assert!(
            matches!(result, Err(HandshakeError::Redirect(RedirectError::Insecure))),
            "{adapter:?}: {result:?}"
        );
    }
}

#[test]
fn who_is_led_to_another_origin_shows_no_certificate_there_and_asks_for_its_name() {
    let authority = Authority::new("ours");
    let ada = authority.sign(&["ada"], Validity::Now);
    let elsewhere = serve(authority.server_for(&authority));
    let same = authority.sign(&["named.example"], Validity::Now).server();
    let tls = authority
        .client()
        .certificate(ada.certificate.as_bytes(), ada.key.as_bytes())
        .and_then(|tls| tls.server_name("named.example"))
        .expect("a certificate and a name");
    let server = redirecting(url("localhost", elsewhere.address()), Some(same));
    for adapter in ADAPTERS {
        let from = url("127.0.0.1", server.address());
        let result = open(adapter, &from, Some(&tls), Config::default());
        // The name fits there, and a client without a certificate is refused.
        assert_eq!(reason(result), TlsReason::Refused, "{adapter:?}");
    }
}
