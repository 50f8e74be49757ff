//! Proxies that variables of the environment name.

use std::env;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use tidewire_tests::connect_by;
use tidewire_tests::live::{ADAPTERS, Certificate, Scripted, bounded_now, consent, succeed};
use tidewire_tokio::{HandshakeError, InvalidProxy, ProxyVariables, Scheme};

use crate::relay::Relay;
use crate::support::{SCHEMES, echo, for_each_adapter, has, talk};

#[test]
fn variables_name_the_proxy_for_each_scheme() {
    for_each_adapter(|adapter| {
        let certificate = Certificate::new();
        for scheme in SCHEMES {
            let server = echo(scheme, &certificate);
            let relay = Relay::start(server.address(), None);
            let (used, other) = match scheme {
                Scheme::Ws => ("ws_proxy", "WSS_PROXY"),
                Scheme::Wss => ("WSS_PROXY", "ws_proxy"),
            };
            let variables = ProxyVariables::from_iter([
                (used, format!("socks5h://ada:s3cret@{}", relay.address())),
                (other, "http://127.0.0.1:1".to_owned()),
                ("all_proxy", "http://127.0.0.1:1".to_owned()),
                ("no_proxy", "127.0.0.1,example.com".to_owned()),
            ]);
            let shown = format!("{adapter:?}: {scheme}");
            // A certificate for localhost is no obstacle to a name below it.
            let tls = certificate.client().server_name("localhost").expect("a name");
            let url = format!("{scheme}://chat.test:7/");
            let client = connect_by!(adapter, url, proxy(variables), tls(tls));
            talk(client.expect(&shown), &shown);
            let told = relay.passed().told;
            assert!(has(&told, "chat.test") && has(&told, "s3cret"), "{shown}");
        }
    });
}

#[test]
fn no_variable_leads_to_loopback_through_a_proxy() {
    for_each_adapter(|adapter| {
        let server = Scripted::new(|head| consent(head, ""));
        let variables = ProxyVariables::from_iter([("all_proxy", "http://127.0.0.1:1")]);
        let client = connect_by!(adapter, server.url("/"), proxy(variables.clone()));
        drop(client.expect("a connection"));
        let error = connect_by!(adapter, "ws://a.test/", proxy(variables)).expect_err("nobody listens");
        assert!(error.to_string().contains("refused"), "{adapter:?}: {error}");
    });
}

#[test]
fn a_variable_that_names_no_proxy_is_an_error_and_not_passed_over() {
    for_each_adapter(|adapter| {
        let variables = ProxyVariables::from_iter([
            ("HTTPS_PROXY", "gopher://ada:s3cret@127.0.0.1:1"),
            ("all_proxy", "http://127.0.0.1:1"),
        ]);
        let refused = connect_by!(adapter, "ws://a.test/", proxy(variables));
        let error = refused.expect_err("no proxy");
        let HandshakeError::Variable(variable) = &error else {
            panic!("{adapter:?}: {error:?}");
        };
        assert_eq!(variable.name(), "HTTPS_PROXY");
        assert!(matches!(variable.error(), InvalidProxy::Scheme { scheme } if scheme == "gopher"));
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    });
}

/// Says to this program that it is to be the client of a test.
const CLIENT: &str = "TIDEWIRE_TEST_CLIENT";

/// This program, to run one of its tests as a client.
fn client(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    // Whatever the environment of the tests names.
    for name in ["ws", "socks", "https", "http", "all", "no"] {
        command.env_remove(format!("{name}_proxy"));
        command.env_remove(format!("{}_PROXY", name.to_uppercase()));
    }
    command.args(["--exact", test]).env(CLIENT, "1");
    command
}

#[test]
fn the_environment_of_the_process_names_the_proxy_where_nothing_is_set() {
    if env::var_os(CLIENT).is_some() {
        return for_each_adapter(|adapter| {
            let client = connect_by!(adapter, "ws://chat.test/");
            talk(client.expect("a connection"), "the client");
        });
    }
    bounded_now(|| {
        let server = echo(Scheme::Ws, &Certificate::new());
        let relay = Relay::start(server.address(), None);
        let mut client =
            client("variables::the_environment_of_the_process_names_the_proxy_where_nothing_is_set");
        client.env("ALL_PROXY", format!("http://ada:s3cret@{}", relay.address()));
        let said = succeed("a client of each adapter", &mut client);
        assert!(said.contains("1 passed"), "{said}");
        for adapter in ADAPTERS {
            let told = relay.passed().told;
            assert!(has(&told, "CONNECT chat.test:80 "), "{adapter:?}");
            assert!(has(&told, "Basic YWRhOnMzY3JldA=="), "{adapter:?}");
        }
    });
}

#[test]
fn a_variable_of_the_process_that_is_no_text_is_an_error() {
    if env::var_os(CLIENT).is_some() {
        return for_each_adapter(|adapter| {
            let error = connect_by!(adapter, "ws://chat.test/").expect_err("no proxy");
            assert!(
                matches!(error, HandshakeError::Variable(_)),
                "{adapter:?}: {error:?}"
            );
        });
    }
    bounded_now(|| {
        let mut client = client("variables::a_variable_of_the_process_that_is_no_text_is_an_error");
        client.env("all_proxy", OsStr::from_bytes(b"http://proxy\xff.test"));
        let said = succeed("a client of each adapter", &mut client);
        assert!(said.contains("1 passed"), "{said}");
    });
}
