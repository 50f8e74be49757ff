//! What is left of attempts that are given up.

use std::future::IntoFuture as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidewire_blocking::{HandshakeError, HandshakeStage, Proxy, SocketOptions};
use tidewire_tests::connect_by;
use tidewire_tests::live::{ADAPTERS, bounded, bounded_now, no_task_is_left};
use tokio::runtime::Runtime;

use crate::support::{URL, open, server, silent, within};

/// Options whose hook binds each socket to a port of its own, and tells which: who may listen there sees that it is closed.
fn ports(ports: &Arc<Mutex<Vec<SocketAddr>>>) -> SocketOptions {
    let ports = Arc::clone(ports);
    SocketOptions::default().hook(move |socket| {
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        socket.bind(&any.into())?;
        let bound = socket.local_addr()?.as_socket().expect("TCP");
        ports.lock().expect("no panic").push(bound);
        Ok(())
    })
}

fn may_listen(ports: &Mutex<Vec<SocketAddr>>) -> Vec<bool> {
    let ports = ports.lock().expect("no panic");
    ports.iter().map(|port| TcpListener::bind(port).is_ok()).collect()
}

#[test]
fn the_deadline_holds_while_nobody_answers_and_leaves_no_socket() {
    bounded_now(|| {
        let (first, second) = (silent("127.0.0.1:0"), silent("127.0.0.1:0"));
        for adapter in ADAPTERS {
            let bound = Arc::default();
            let end = connect_by!(
                adapter,
                URL,
                addresses([first.address, second.address]),
                socket_options(ports(&bound)),
                config(within(Duration::from_millis(300))),
            )
            .map(drop);
            let error = end.expect_err("nobody answers").to_string();
            let rule = "opening handshake timed out while connecting to";
            let expected = format!("{rule} {}, {}", first.address, second.address);
            assert_eq!(error, expected, "{adapter:?}");
            assert_eq!(may_listen(&bound), [true; 2], "{adapter:?}");
        }
    });
}

/// A runtime whose pool for blocking work, in which names are looked up, is occupied until the sender goes.
fn occupied() -> (Runtime, Sender<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .expect("a runtime");
    let (until, occupied) = channel::<()>();
    runtime.spawn_blocking(move || occupied.recv());
    (runtime, until)
}

#[test]
fn the_deadline_holds_while_a_name_is_looked_up() {
    bounded_now(|| {
        // On threads, see the unit test.
        let (runtime, _until) = occupied();
        let connect = tidewire_tokio::connect("ws://localhost:9/").config(within(Duration::from_millis(30)));
        let end = runtime.block_on(async { connect.await.map(drop) });
        let expected = matches!(end, Err(HandshakeError::Timeout(HandshakeStage::Connecting(_))));
        assert!(expected, "{end:?}");
    });
}

#[test]
fn the_deadline_holds_while_a_name_is_looked_up_for_a_proxy() {
    bounded_now(|| {
        let proxy = || Proxy::parse("socks5://127.0.0.1:9").expect("a proxy");
        let expected = "opening handshake timed out while connecting to localhost:9";
        let (runtime, _until) = occupied();
        let connect = tidewire_tokio::connect("ws://localhost:9/").proxy(proxy());
        let connect = connect.config(within(Duration::from_millis(30)));
        let end = runtime.block_on(async { connect.await.map(drop) });
        assert_eq!(end.expect_err("no time is left").to_string(), expected);
        // No name is found in so little time.
        let connect = tidewire_blocking::connect("ws://localhost:9/").proxy(proxy());
        let end = connect.config(within(Duration::from_nanos(1))).open();
        assert_eq!(end.expect_err("no time is left").to_string(), expected);
    });
}

#[test]
fn the_attempts_that_are_late_leave_no_socket() {
    bounded_now(|| {
        let server = server();
        let silent = silent("127.0.0.1:0");
        for adapter in ADAPTERS {
            let bound = Arc::default();
            let addresses = [silent.address, server.address()];
            let client = open(adapter, &addresses, ports(&bound)).expect("a server");
            assert_eq!(may_listen(&bound), [true, false], "{adapter:?}");
            drop(client);
        }
        server.stop(Duration::ZERO);
    });
}

#[tokio::test]
async fn a_dropped_attempt_leaves_neither_socket_nor_task() {
    bounded(async {
        let silent = silent("127.0.0.1:0");
        let bound = Arc::default();
        let connect = tidewire_tokio::connect(URL)
            .addresses([silent.address])
            .socket_options(ports(&bound));
        let mut opening = connect.into_future();
        assert!(futures_util::poll!(&mut opening).is_pending());
        assert_eq!(may_listen(&bound), [false], "on its way");
        drop(opening);
        assert_eq!(may_listen(&bound), [true]);
        no_task_is_left().await;
    })
    .await;
}
