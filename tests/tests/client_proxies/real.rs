//! Proxies that others have written, run on loopback. Where one is not installed, each test says so and goes without it.

use tidewire_tests::connect_by;
use tidewire_tests::live::{Adapter, Certificate, Client};
use tidewire_tokio::{HandshakeError, Proxy, TunnelError, TunnelFault};

use crate::programs::{SOFTWARE, Started, Wants};
use crate::support::{SCHEMES, echo, for_each_adapter, talk, tunnel_error};

/// Runs a test with each adapter and each way to each proxy.
fn for_each_way(test: impl Fn(Adapter, &Started, &'static str, Wants, &str) + Send + 'static) {
    let started: Vec<_> = SOFTWARE.map(|software| (software, software.start())).into();
    for_each_adapter(move |adapter| {
        for (software, started) in &started {
            let Some(started) = started else { continue };
            for (kind, wants) in software.ways() {
                let shown = format!("{adapter:?}, {kind} by {software:?}");
                test(adapter, started, kind, *wants, &shown);
            }
        }
    });
}

/// The proxy as it is shown what it wants.
pub(crate) fn known(started: &Started, kind: &str, wants: Wants) -> Proxy {
    let proxy = started.proxy(kind);
    match wants {
        Wants::Nothing => proxy,
        Wants::User => proxy.credentials("ada", "").expect("a user"),
        Wants::Password => proxy.credentials("ada", "s3cret").expect("fine ones"),
    }
}

#[test]
fn real_proxies_lead_to_servers_of_either_scheme() {
    for_each_way(|adapter, started, kind, wants, shown| {
        let certificate = Certificate::new();
        for scheme in SCHEMES {
            let server = echo(scheme, &certificate);
            let url = format!("{scheme}://localhost:{}/", server.address().port());
            let client = connect_by!(
                adapter,
                url,
                proxy(known(started, kind, wants)),
                tls(certificate.client()),
            );
            let shown = format!("{shown} for {scheme}");
            talk(client.unwrap_or_else(|error| panic!("{shown}: {error}")), &shown);
        }
    });
}

#[test]
fn real_proxies_refuse_credentials_that_are_wrong_or_missing() {
    for_each_way(|adapter, started, kind, wants, shown| {
        let server = echo(SCHEMES[0], &Certificate::new());
        let url = format!("ws://localhost:{}/", server.address().port());
        let refused = |proxy: Proxy| {
            let result: Result<Client, HandshakeError> = connect_by!(adapter, &url, proxy(proxy));
            let error = tunnel_error(result, shown);
            assert!(!format!("{error} {error:?}").contains("s3cre"), "{error:?}");
            error
        };
        let missing = started.proxy(kind);
        let wrong = |user, password| missing.clone().credentials(user, password).expect("fine ones");
        match wants {
            Wants::Nothing => return,
            Wants::User => {
                assert_refused(&refused(wrong("eve", "")), shown, None);
                assert_refused(&refused(missing), shown, None);
            }
            Wants::Password => {
                assert_refused(&refused(wrong("ada", "s3cre")), shown, Some(Shown::Wrong));
                assert_refused(&refused(wrong("eve", "s3cret")), shown, Some(Shown::Wrong));
                assert_refused(&refused(missing), shown, Some(Shown::Nothing));
            }
        }
        assert_eq!(server.metrics().failed_handshakes, 0, "{shown}");
    });
}

/// What a proxy was shown that can tell that from no answer.
#[derive(Clone, Copy)]
enum Shown {
    Wrong,
    Nothing,
}

fn assert_refused(error: &TunnelError, shown: &str, what: Option<Shown>) {
    let is_expected = match (error.fault(), what) {
        // Tinyproxy answers as a server would.
        (TunnelFault::Refused(response), Some(_)) => match response.status() {
            407 => response.fields().first("proxy-authenticate").is_some(),
            status => {
                status == 401
                    && response
                        .fields()
                        .first("server")
                        .is_some_and(|server| server.starts_with(b"tinyproxy"))
            }
        },
        (TunnelFault::CredentialsRequired, Some(Shown::Nothing))
        | (TunnelFault::CredentialsRefused, Some(Shown::Wrong))
        | (TunnelFault::UnexpectedEnd, None) => true,
        _ => false,
    };
    assert!(is_expected, "{shown}: {error:?}");
}

#[test]
fn real_proxies_say_that_nobody_listens() {
    for_each_way(|adapter, started, kind, wants, shown| {
        // Nobody listens on that port.
        let refused = connect_by!(adapter, "ws://localhost:1/", proxy(known(started, kind, wants)));
        if started.promises(kind) {
            let error = refused.expect_err("nobody listens");
            assert!(
                matches!(error, HandshakeError::UnexpectedEnd),
                "{shown}: {error:?}"
            );
            return;
        }
        let error = tunnel_error(refused, shown);
        assert!(error.is_transient(), "{shown}: {error:?}");
        let text = error.to_string();
        assert!(text.starts_with(&format!("proxy {kind}://localhost:")), "{text}");
    });
}
