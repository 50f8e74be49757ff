//! Both adapters, in both roles, against Python's `websockets`, which has not a line in common with tidewire.
//!
//! The Python is `TIDEWIRE_PYTHON`, or `python3` where that has the package; without one, each test says so and is
//! skipped.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use futures_util::FutureExt as _;
use tidewire_blocking as blocking;
use tidewire_tests::connect_by;
use tidewire_tests::live::{ADAPTERS, Adapter, Client, Servers, bounded, python, script, succeed};
use tidewire_tokio::{Config, Error, Keepalive, Kind, Message, Request, Response, ServerPolicy};
use tokio::runtime::Runtime;

/// Runs a test within its time, where there is a Python for it.
fn with_python(test: impl FnOnce(&str)) {
    if let Some(python) = python() {
        bounded(async { test(python) })
            .now_or_never()
            .expect("a test without an await");
    }
}

/// Pings often, so that a test need not wait.
fn config() -> Config {
    limited(16 << 20)
}

/// As [`config`], with a limit for messages.
fn limited(max_message_size: usize) -> Config {
    let keepalive = Keepalive {
        interval: Duration::from_millis(10),
        timeout: Some(Duration::from_secs(20)),
    };
    Config::builder()
        .keepalive(keepalive)
        .max_message_size(max_message_size)
        .build()
        .expect("no contradiction")
}

// --- our servers

fn policy(subprotocols: &[&str]) -> ServerPolicy {
    let policy = ServerPolicy::default().on_request(|request: &Request| {
        let response = Response::new(403).expect("a final status").body("not here\n");
        (request.path() == "/forbidden").then_some(response)
    });
    policy.subprotocols(subprotocols.iter().copied()).expect("tokens")
}

/// What a message asks of our servers.
enum Asked<'m> {
    Pieces,
    Ping,
    Latency,
    Close(u16, &'m str),
    Echo,
}

fn asked(message: &Message) -> Asked<'_> {
    match message.as_text() {
        Some("in pieces") => Asked::Pieces,
        Some("ping me") => Asked::Ping,
        Some("latency") => Asked::Latency,
        Some(text) => match text.strip_prefix("close ").and_then(|rest| rest.split_once(' ')) {
            Some((code, reason)) => Asked::Close(code.parse().expect("a code"), reason),
            None => Asked::Echo,
        },
        None => Asked::Echo,
    }
}

fn measured(latency: Option<Duration>) -> &'static str {
    if latency.is_some() { "measured" } else { "not yet" }
}

async fn serve_tokio(mut ws: tidewire_tokio::WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        match asked(&message) {
            Asked::Pieces => {
                let mut writer = ws.send_pieces(Kind::Text).await?;
                writer.write("in ").await?;
                writer.write("pie").await?;
                writer.finish_with("ces").await?;
            }
            Asked::Ping => {
                ws.ping().await?;
                ws.send("answered").await?;
            }
            Asked::Latency => ws.send(measured(ws.latency())).await?,
            Asked::Close(code, reason) => ws.close(code, reason).await?,
            Asked::Echo => ws.send(message).await?,
        }
    }
    Ok(())
}

fn serve_blocking(mut ws: blocking::WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv()? {
        match asked(&message) {
            Asked::Pieces => {
                let mut writer = ws.send_pieces(Kind::Text)?;
                writer.write("in ")?;
                writer.write("pie")?;
                writer.finish_with("ces")?;
            }
            Asked::Ping => {
                ws.ping()?;
                ws.send("answered")?;
            }
            Asked::Latency => ws.send(measured(ws.latency()))?,
            Asked::Close(code, reason) => ws.close(code, reason)?,
            Asked::Echo => ws.send(message)?,
        }
    }
    Ok(())
}

/// Starts a server that runs as long as the test's process.
fn start(adapter: Adapter, config: Config, subprotocols: &[&str]) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let policy = policy(subprotocols);
    thread::spawn(move || match adapter {
        Adapter::Tokio => {
            let runtime = Runtime::new().expect("a runtime");
            runtime.block_on(async {
                listener.set_nonblocking(true).expect("a socket");
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let server = tidewire_tokio::Server::new(listener, serve_tokio);
                server.config(config).policy(policy).await.expect("served");
            });
        }
        Adapter::Blocking => {
            let server = blocking::Server::new(listener, serve_blocking);
            server.config(config).policy(policy).run().expect("served");
        }
    });
    address
}

/// Runs one of the checks of `client.py` against both of our servers.
fn check(name: &str, subprotocols: &[&str]) {
    check_with(name, &config(), subprotocols);
}

fn check_with(name: &str, config: &Config, subprotocols: &[&str]) {
    with_python(|python| {
        for adapter in ADAPTERS {
            let url = format!("ws://{}/", start(adapter, config.clone(), subprotocols));
            let mut client = script(python, "client.py");
            succeed(&format!("{adapter:?}"), client.args([url.as_str(), name]));
        }
    });
}

#[test]
fn a_client_of_websockets_gets_its_text_back() {
    check("text", &[]);
}

#[test]
fn a_client_of_websockets_gets_its_bytes_back() {
    check("binary", &[]);
}

#[test]
fn a_client_of_websockets_sends_and_receives_fragments() {
    check("fragmented", &[]);
}

#[test]
fn a_client_of_websockets_is_not_promised_compression() {
    check("compression", &[]);
}

#[test]
fn a_client_of_websockets_pings_and_is_pinged() {
    check("ping", &[]);
}

#[test]
fn a_client_of_websockets_closes_with_its_code() {
    check("close_by_client", &[]);
}

#[test]
fn a_client_of_websockets_sees_the_code_of_our_close() {
    check("close_by_server", &[]);
}

#[test]
fn a_client_of_websockets_agrees_on_a_subprotocol() {
    check("subprotocol", &["v2", "v1"]);
}

#[test]
fn a_client_of_websockets_with_other_subprotocols_is_refused() {
    check("no_subprotocol", &["v2", "v1"]);
}

#[test]
fn a_client_of_websockets_reads_a_refusal() {
    check("refused", &[]);
}

#[test]
fn a_client_of_websockets_is_told_that_its_message_is_too_big() {
    // Small enough that all of it is read: a server does not discard more than 1 MiB before it resets.
    check_with("too_big", &limited(100_000), &[]);
}

#[test]
fn a_client_of_websockets_and_our_servers_keep_each_other_alive() {
    check("keepalive", &[]);
}

// --- our clients; `interop_servers` has what they do with other servers as well

/// Runs a test with each of our clients, connected to a server of `websockets`.
fn with_clients(test: impl Fn(Adapter, Client)) {
    with_python(|python| {
        let servers = Servers::start(&mut script(python, "server.py"));
        let url = servers.urls().next().expect("one server");
        for adapter in ADAPTERS {
            let client = connect_by!(adapter, &url, config(config()));
            test(adapter, client.expect("a connection"));
        }
    });
}

#[test]
fn our_clients_and_websockets_keep_each_other_alive() {
    with_clients(|adapter, mut client| {
        while client.latency().is_none() || client.ask("latency") != "measured".into() {
            assert_eq!(client.ask("still here"), "still here".into(), "{adapter:?}");
        }
    });
}

#[test]
fn our_clients_end_with_1006_where_websockets_vanishes() {
    with_clients(|adapter, mut client| {
        client.send("vanish").expect("open");
        assert!(client.recv().is_err(), "{adapter:?}");
        assert_eq!(client.wait_closed().code().as_u16(), 1006, "{adapter:?}");
    });
}
