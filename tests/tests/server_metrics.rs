//! What a server tells of all its connections: the same in both adapters.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tidewire_blocking::{CloseCode, Connect, Message};
use tidewire_tests::live::{Running, echo, echo_on_threads, upgrade};
use tidewire_tokio::{Response, ServerMetrics, ServerPolicy};

/// Longer than any of this takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn policy() -> ServerPolicy {
    ServerPolicy::default().on_request(|request| {
        let is_known = request.path() == "/";
        (!is_known).then(|| Response::new(404).expect("a final status"))
    })
}

fn servers() -> [Running; 2] {
    [
        Running::on_tokio(|listener| tidewire_tokio::Server::new(listener, echo).policy(policy())),
        Running::on_threads(|listener| {
            tidewire_blocking::Server::new(listener, echo_on_threads).policy(policy())
        }),
    ]
}

/// The metrics, once the server has noticed what is wanted of them.
fn noticed(server: &Running, wanted: impl Fn(&ServerMetrics) -> bool) -> ServerMetrics {
    let started = Instant::now();
    loop {
        let metrics = server.metrics();
        if wanted(&metrics) {
            return metrics;
        }
        assert!(started.elapsed() < PATIENCE, "{metrics:?}");
    }
}

#[test]
fn a_server_counts_what_became_of_those_who_came() {
    for server in servers() {
        let kept: Vec<_> = ["one", "to", "three"]
            .into_iter()
            .map(|text| {
                let url = format!("ws://{}/", server.address());
                let mut ws = Connect::new(url).open().expect("a server");
                ws.send(text).expect("an open connection");
                assert_eq!(ws.recv().expect("an echo"), Some(Message::from(text)));
                ws
            })
            .collect();
        assert_eq!(server.metrics().connections, 3);
        assert_eq!(upgrade(server.address(), "/nowhere", "").status(), "404");
        drop(TcpStream::connect(server.address()).expect("a server"));
        kept[0].close(1000, "").expect("a code that may be sent");
        kept[1].close(4001, "").expect("a code that may be sent");
        let metrics = noticed(&server, |metrics| {
            metrics.connections == 1 && metrics.failed_handshakes == 2
        });
        let traffic = metrics.traffic;
        assert_eq!((traffic.messages_received, traffic.messages_sent), (3, 3));
        assert_eq!((traffic.payload_received, traffic.payload_sent), (10, 10));
        assert_eq!((metrics.queued, metrics.queued_messages), (0, 0));
        let ended = [1000, 4001].map(|code| (CloseCode::from(code), 1));
        assert_eq!(metrics.closed, BTreeMap::from(ended));
    }
}
