//! Servers of both adapters behind nginx and `HAProxy`, which run with the files of `examples/deploy`, plain, with TLS
//! and with PROXY headers.
//!
//! Where one of the two is not installed, each test says so and goes without it.

mod scene;
mod servers;

use std::time::{Duration, Instant};

use scene::{Scene, Way, through_each};
use tidewire_tests::live::{bounded, python, script, succeed};
use tidewire_tokio::{CloseCode, Config, Deflate, Error, Keepalive, Message};
use tokio::time::timeout;

/// After how much silence a proxy cuts a connection where a test waits for that, or for its absence.
const IDLE: Duration = Duration::from_secs(2);
/// As the files have it, where it must not matter.
const LONG: Duration = Duration::from_secs(60);

fn keepalive(interval: Option<Duration>) -> Config {
    let keepalive = interval.map(|interval| Keepalive {
        interval,
        timeout: Some(Duration::from_secs(20)),
    });
    Config::builder()
        .keepalive(keepalive)
        .build()
        .expect("no contradiction")
}

#[tokio::test]
async fn text_and_bytes_come_back_through_a_proxy() {
    let check = async |scene: &Scene| {
        let mut ws = scene.connect().await;
        let messages: [Message; 6] = [
            "hello".into(),
            "é漢🦀".into(),
            "".into(),
            vec![0, 1, 0xff].into(),
            vec![7; 1 << 20].into(),
            "é".repeat(1 << 19).into(),
        ];
        for message in messages {
            ws.send(message.clone()).await.expect("open");
            assert_eq!(ws.recv().await.expect("open"), Some(message), "{scene}");
        }
    };
    bounded(through_each(LONG, Config::default(), check)).await;
}

#[tokio::test]
async fn messages_are_compressed_through_a_proxy() {
    let check = async |scene: &Scene| {
        let mut ws = scene
            .connect_with(|connect| connect.deflate(Deflate::default()))
            .await;
        let text = "again and again ".repeat(1000);
        for _ in 0..2 {
            ws.send(text.as_str()).await.expect("open");
            assert_eq!(
                ws.recv().await.expect("open"),
                Some(text.as_str().into()),
                "{scene}"
            );
        }
        let traffic = ws.metrics().traffic;
        assert_eq!(ws.handshake().extensions().count(), 1, "{scene}");
        assert!(
            traffic.bytes_received < traffic.payload_received / 10,
            "{scene}: {traffic:?}"
        );
        assert!(
            traffic.bytes_sent < traffic.payload_sent / 10,
            "{scene}: {traffic:?}"
        );
    };
    bounded(through_each(LONG, Config::default(), check)).await;
}

#[tokio::test]
async fn several_connections_of_a_client_share_one_of_http_2_to_a_proxy() {
    let check = async |scene: &Scene| {
        let Some((http2, connect)) = scene.http2().await else {
            return;
        };
        let mut open = Vec::new();
        for _ in 0..3 {
            let opened = http2.open(&connect.clone().deflate(Deflate::default())).await;
            open.push(opened.unwrap_or_else(|error| panic!("{scene}: {error}")));
        }
        for ws in &mut open {
            for message in [Message::from("é漢🦀"), vec![7; 1 << 20].into()] {
                ws.send(message.clone()).await.expect("open");
                assert_eq!(ws.recv().await.expect("open"), Some(message), "{scene}");
            }
            ws.close(4000, "bye").await.expect("a fine code");
            let closed = ws.wait_closed().await;
            assert!(closed.is_clean(), "{scene}: {closed:?}");
        }
    };
    bounded(through_each(LONG, Config::default(), check)).await;
}

#[tokio::test]
async fn a_close_reaches_the_other_side_of_a_proxy_with_its_code_and_reason() {
    let check = async |scene: &Scene| {
        let ws = scene.connect().await;
        ws.close(4000, "bye").await.expect("a fine code");
        let ours = ws.wait_closed().await;
        assert!(ours.is_clean(), "{scene}: {ours:?}");
        let Some(Err(Error::Closed(theirs))) = scene.ended().await else {
            panic!("{scene}: not told by the server")
        };
        assert_eq!(
            (theirs.code().as_u16(), theirs.reason()),
            (4000, "bye"),
            "{scene}"
        );
        assert!(theirs.is_clean(), "{scene}: {theirs:?}");

        let mut ws = scene.connect().await;
        ws.send("close 4001 see you").await.expect("open");
        let Err(Error::Closed(closed)) = ws.recv().await else {
            panic!("{scene}: not closed")
        };
        assert_eq!(
            (closed.code().as_u16(), closed.reason()),
            (4001, "see you"),
            "{scene}"
        );
        assert!(closed.is_clean(), "{scene}: {closed:?}");
    };
    bounded(through_each(LONG, Config::default(), check)).await;
}

#[tokio::test]
async fn a_server_is_told_by_the_proxy_alone_whom_it_serves() {
    let check = async |scene: &Scene| {
        let forged = |name| move |connect: tidewire_tokio::Connect| connect.field(name, "192.0.2.1");
        for name in ["X-Forwarded-For", "X-Forwarded-Proto", "X-Other"] {
            let mut ws = scene.connect_with(forged(name)).await;
            ws.send("forwarded").await.expect("open");
            let expected = match scene.way() {
                Way::Plain => "127.0.0.1 http",
                Way::Tls => "127.0.0.1 https",
            };
            assert_eq!(
                ws.recv().await.expect("open"),
                Some(expected.into()),
                "{scene}: {name}"
            );
        }
    };
    bounded(through_each(LONG, Config::default(), check)).await;
}

#[tokio::test]
async fn keepalive_keeps_an_idle_connection_open_behind_a_proxy() {
    let check = async |scene: &Scene| {
        let mut ws = scene.connect().await;
        // Nothing is expected, and receiving answers pings.
        let silence = timeout(IDLE * 3 / 2, ws.recv()).await;
        assert!(silence.is_err(), "{scene}: {silence:?}");
        ws.send("still here").await.expect("open");
        assert_eq!(
            ws.recv().await.expect("open"),
            Some("still here".into()),
            "{scene}"
        );
        // A proxy that checks the server's health has found it well all the time.
        scene.connect().await;
    };
    bounded(through_each(IDLE, keepalive(Some(IDLE / 4)), check)).await;
}

#[tokio::test]
async fn without_keepalive_a_proxy_cuts_an_idle_connection() {
    let check = async |scene: &Scene| {
        let mut ws = scene.connect().await;
        let start = Instant::now();
        assert!(ws.recv().await.is_err(), "{scene}");
        // Timers of proxies are coarse.
        assert!(start.elapsed() > IDLE / 2, "{scene}: {:?}", start.elapsed());
        assert_eq!(ws.wait_closed().await.code(), CloseCode::ABNORMAL, "{scene}");
        assert!(matches!(scene.ended().await, Some(Err(_))), "{scene}");
    };
    bounded(through_each(IDLE, keepalive(None), check)).await;
}

#[tokio::test]
async fn a_shutdown_reaches_clients_through_a_proxy() {
    let check = async |scene: &Scene| {
        let mut ws = scene.connect().await;
        ws.send("hello").await.expect("open");
        assert_eq!(ws.recv().await.expect("open"), Some("hello".into()), "{scene}");
        scene.shut_down();
        assert_eq!(ws.recv().await.expect("a good end"), None, "{scene}");
        let closed = ws.wait_closed().await;
        assert_eq!(closed.code(), CloseCode::GOING_AWAY, "{scene}: {closed:?}");
        assert!(closed.is_clean(), "{scene}: {closed:?}");
    };
    bounded(through_each(LONG, Config::default(), check)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_websockets_talks_to_us_through_a_proxy() {
    let Some(python) = python() else { return };
    let check = async |scene: &Scene| {
        for name in ["text", "binary", "close_by_client", "close_by_server"] {
            let mut client = script(python, "client.py");
            client
                .args([&scene.url(), name])
                .env("SSL_CERT_FILE", scene.certificate());
            tokio::task::block_in_place(|| succeed(&format!("{scene}: {name}"), &mut client));
        }
    };
    bounded(through_each(LONG, Config::default(), check)).await;
}
