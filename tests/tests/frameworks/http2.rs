use std::time::Duration;

use h2::Reason;
use h2::ext::Protocol;
use http::Method;
use tidewire_tests::live::{bounded, echo};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::Frame;
use tidewire_tokio::{
    Accept, Config, Deflate, Error, Origins, ProtocolError, Response, ServerPolicy, WebSocket,
};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::{Http2, start_with};

async fn connect_to_echo(accept: Accept) -> Http2 {
    Http2::connect(start_with(accept, |ws: WebSocket| echo(ws)).await).await
}

/// A connection to a handler that waits for the end and tells it, with its code.
async fn connect_to_end() -> (Http2, UnboundedReceiver<(Result<(), Error>, u16)>) {
    let (tell, told) = unbounded_channel();
    let address = start_with(Accept::new(), move |mut ws: WebSocket| {
        let tell = tell.clone();
        async move {
            let end = ws.recv().await.map(|_| ());
            let _ = tell.send((end, ws.wait_closed().await.code().into()));
            Ok(())
        }
    })
    .await;
    (Http2::connect(address).await, told)
}

#[tokio::test]
async fn several_connections_share_one_of_http_2() {
    bounded(async {
        let mut http = connect_to_echo(Accept::new()).await;
        let mut peers = Vec::new();
        for _ in 0..20 {
            peers.push(http.open().await);
        }
        for (number, peer) in peers.iter_mut().enumerate() {
            peer.send(&Frame::text(number.to_string())).await;
        }
        for (number, peer) in peers.iter_mut().enumerate().rev() {
            assert_eq!(peer.next().await, (0x81, number.to_string().into_bytes()));
        }
        // The end of one is nothing to the others.
        let mut gone = peers.pop().expect("twenty");
        gone.stream.reset(Reason::CANCEL);
        for peer in &mut peers {
            peer.send(&Frame::ping("still there")).await;
            assert_eq!(peer.next().await, (0x8a, b"still there".to_vec()));
        }
    })
    .await;
}

#[tokio::test]
async fn a_large_message_passes_through_the_windows_of_its_stream() {
    bounded(async {
        // More than the 65,535 bytes of RFC 9113 §6.9.2.
        const LEN: usize = 300_000;
        let address = start_with(Accept::new(), async |ws: WebSocket| ws.send(vec![7; LEN]).await).await;
        let mut peer = Http2::connect(address).await.open().await;
        let (first, payload) = peer.next().await;
        assert_eq!((first, payload.len()), (0x82, LEN));
        assert!(payload.iter().all(|byte| *byte == 7));
    })
    .await;
}

#[tokio::test]
async fn the_answer_is_200_with_what_was_agreed_on_and_nothing_of_http_1() {
    bounded(async {
        let policy = ServerPolicy::default().subprotocols(["chat"]).expect("a token");
        let accept = Accept::new().policy(policy).deflate(Deflate::default());
        let mut http = connect_to_echo(accept).await;
        let request = http.extended_connect(&[
            ("sec-websocket-protocol", "other, chat"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]);
        let (response, _stream) = http.send(request).await;
        assert_eq!(response.status(), 200);
        let field = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(field("sec-websocket-protocol"), Some("chat"));
        assert!(
            field("sec-websocket-extensions").is_some_and(|agreed| agreed.starts_with("permessage-deflate"))
        );
        for name in ["sec-websocket-accept", "upgrade", "connection", "content-length"] {
            assert_eq!(field(name), None, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_handler_sees_the_authority_as_host() {
    bounded(async {
        let address = start_with(Accept::new(), async |ws: WebSocket| {
            let handshake = ws.handshake();
            let request = handshake.request().expect("a server");
            let host = request.fields().first("host").expect("a host").to_vec();
            ws.send(format!("{} {}", request.target(), host.escape_ascii()))
                .await
        })
        .await;
        let mut peer = Http2::connect(address).await.open().await;
        assert_eq!(peer.next().await, (0x81, format!("/ {address}").into_bytes()));
    })
    .await;
}

#[tokio::test]
async fn every_refusal_has_its_status() {
    bounded(async {
        let origins = Origins::new(["https://example.com"])
            .expect("an origin")
            .or_none();
        let mut http = connect_to_echo(Accept::new().policy(ServerPolicy::default().origins(origins))).await;
        let mut another_protocol = http.extended_connect(&[]);
        another_protocol
            .extensions_mut()
            .insert(Protocol::from_static("connect-udp"));
        let table = [
            (http.request(Method::GET, &[]), 405),
            (
                http.request(Method::POST, &[("sec-websocket-version", "13")]),
                405,
            ),
            (another_protocol, 501),
            (http.extended_connect(&[("sec-websocket-version", "8")]), 426),
            (http.extended_connect(&[("host", "another.example.com")]), 400),
            (http.extended_connect(&[("sec-websocket-protocol", "a, a")]), 400),
            (http.extended_connect(&[("origin", "https://evil.com")]), 403),
        ];
        for (request, status) in table {
            let shown = format!("{request:?}");
            let (response, body) = http.refused(request).await;
            assert_eq!(response.status().as_u16(), status, "{shown}");
            assert!(body.ends_with('\n'), "{shown}: {body}");
            assert_eq!(response.headers().get("upgrade"), None, "{shown}");
            let allowed = response.headers().get("allow").map(http::HeaderValue::as_bytes);
            assert_eq!(allowed, (status == 405).then_some(&b"CONNECT"[..]), "{shown}");
        }
        // The same connection is fine for others.
        let mut peer = http.open().await;
        peer.send(&Frame::text("hello")).await;
        assert_eq!(peer.next().await, (0x81, b"hello".to_vec()));
    })
    .await;
}

#[tokio::test]
async fn a_page_is_no_answer_to_connect_where_it_would_open_a_tunnel() {
    bounded(async {
        let policy = ServerPolicy::default().on_request(|_| Response::new(200).ok());
        let mut http = connect_to_echo(Accept::new().policy(policy)).await;
        let (response, body) = http.refused(http.extended_connect(&[])).await;
        assert_eq!(
            (response.status().as_u16(), body.as_str()),
            (500, "internal error\n")
        );
    })
    .await;
}

#[tokio::test]
async fn the_client_closes() {
    bounded(async {
        let (mut http, mut told) = connect_to_end().await;
        let mut peer = http.open().await;
        peer.send(&Frame::close_with(1000, "bye")).await;
        assert_eq!(peer.next().await, (0x88, b"\x03\xe8".to_vec()));
        peer.stream.shutdown().await.expect("open");
        assert_eq!(peer.frame().await, None, "END_STREAM follows");
        assert!(matches!(told.recv().await, Some((Ok(()), 1000))));
    })
    .await;
}

#[tokio::test]
async fn the_server_closes() {
    bounded(async {
        let address = start_with(Accept::new(), async |_ws: WebSocket| Ok(())).await;
        let mut peer = Http2::connect(address).await.open().await;
        assert_eq!(peer.next().await, (0x88, b"\x03\xe8".to_vec()));
        peer.send(&Frame::close_with(1000, "")).await;
        assert_eq!(
            peer.frame().await,
            None,
            "END_STREAM follows without waiting for ours"
        );
    })
    .await;
}

#[tokio::test]
async fn the_end_of_a_stream_without_a_close_is_told_as_1006() {
    bounded(async {
        let (mut http, mut told) = connect_to_end().await;
        let mut ended = http.open().await;
        ended.stream.shutdown().await.expect("open");
        let mut resets = Vec::new();
        for reason in [Reason::CANCEL, Reason::INTERNAL_ERROR] {
            let mut peer = http.open().await;
            peer.stream.reset(reason);
            resets.push(peer);
        }
        for _ in 0..3 {
            let end = told.recv().await;
            assert!(matches!(end, Some((Err(_), 1006))), "{end:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn frames_are_masked_here_too() {
    bounded(async {
        let mut peer = connect_to_echo(Accept::new()).await.open().await;
        let unmasked = Frame::text("hello").sent_by(Sender::Server);
        peer.send_bytes(&unmasked).await;
        let (first, payload) = peer.next().await;
        assert_eq!((first, payload.get(..2)), (0x88, Some(&b"\x03\xea"[..])));
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_given_up() {
    let config = Config::builder().write_timeout(Duration::from_millis(50)).build();
    let accept = Accept::new().config(config.expect("no contradiction"));
    bounded(async {
        let (tell, mut told) = unbounded_channel();
        let address = start_with(accept, move |ws: WebSocket| {
            let tell = tell.clone();
            async move {
                // More than the peer's window and what hyper keeps.
                ws.send(vec![0; 1 << 20]).await?;
                let _ = tell.send(ws.wait_closed().await.cause());
                Ok(())
            }
        })
        .await;
        let _idle = Http2::connect(address).await.open().await;
        let cause = told.recv().await.expect("an end");
        assert!(
            matches!(cause, Some(ProtocolError::PeerNotReading { .. })),
            "{cause:?}"
        );
    })
    .await;
}
