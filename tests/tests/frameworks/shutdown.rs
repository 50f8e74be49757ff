//! What axum's graceful shutdown does to connections, and what an application does for them.

use axum::Router;
use axum::routing::any;
use tidewire_tests::live::bounded;
use tidewire_tests::wire::Frame;
use tidewire_tokio::axum::Upgrade;
use tidewire_tokio::{Error, WebSocket};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::{Http2, client};

/// Sends back what comes, and closes when it is told to.
async fn echo(mut ws: WebSocket, mut leaving: watch::Receiver<bool>) -> Result<(), Error> {
    loop {
        tokio::select! {
            message = ws.recv() => match message? {
                Some(message) => ws.send(message).await?,
                None => return Ok(()),
            },
            _ = leaving.changed() => {
                ws.close(1001, "").await?;
                return Ok(());
            }
        }
    }
}

/// A server, and what makes it shut down and its handlers leave.
struct Running {
    address: std::net::SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
    stop: watch::Sender<bool>,
    leave: watch::Sender<bool>,
}

impl Running {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, mut stopping) = watch::channel(false);
        let (leave, leaving) = watch::channel(false);
        let route = async move |upgrade: Upgrade| upgrade.on_upgrade(|ws| echo(ws, leaving)).await;
        let serving = axum::serve(listener, Router::new().route("/", any(route)));
        let stopped = async move {
            let _ = stopping.changed().await;
        };
        Self {
            address,
            task: tokio::spawn(serving.with_graceful_shutdown(stopped).into_future()),
            stop,
            leave,
        }
    }

    async fn stopped(&mut self) {
        (&mut self.task).await.expect("no panic").expect("served");
    }
}

#[tokio::test]
async fn a_connection_over_http_1_outlives_the_server_until_its_handler_leaves() {
    bounded(async {
        let mut running = Running::start().await;
        let mut peer = client(running.address).await;
        running.stop.send_replace(true);
        running.stopped().await;
        peer.send(&Frame::text("still there")).await;
        assert_eq!(peer.next().await, (0x81, b"still there".to_vec()));
        running.leave.send_replace(true);
        assert_eq!(peer.next().await, (0x88, b"\x03\xe9".to_vec()));
        peer.send(&Frame::close_with(1001, "")).await;
        assert_eq!(peer.frame().await, None);
        // All handlers have ended once their receivers are gone.
        running.leave.closed().await;
    })
    .await;
}

#[tokio::test]
async fn a_connection_over_http_2_keeps_the_server_until_its_handler_leaves() {
    bounded(async {
        let mut running = Running::start().await;
        let mut peer = Http2::connect(running.address).await.open().await;
        running.stop.send_replace(true);
        peer.send(&Frame::text("still there")).await;
        assert_eq!(peer.next().await, (0x81, b"still there".to_vec()));
        assert!(!running.task.is_finished());
        running.leave.send_replace(true);
        assert_eq!(peer.next().await, (0x88, b"\x03\xe9".to_vec()));
        peer.send(&Frame::close_with(1001, "")).await;
        peer.stream.shutdown().await.expect("open");
        assert_eq!(peer.frame().await, None);
        running.stopped().await;
    })
    .await;
}
