//! A client whose call is dropped, or to whom servers lie.

use tidewire_tests::live::{Peer, bounded, no_task_is_left};
use tidewire_tests::reference::Sender;
use tidewire_tokio::{Connect, HandshakeError, ResponseError, connect};
use tokio::io::duplex;
use tokio::net::TcpListener;

#[tokio::test]
async fn a_cancelled_connect_drops_its_socket() {
    bounded(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let connecting = tokio::spawn(async move { connect(format!("ws://{address}/")).await.map(drop) });
        let (stream, _) = listener.accept().await.expect("a client");
        let mut peer = Peer::raw(stream, Sender::Server);
        assert!(peer.head().await.starts_with("GET / HTTP/1.1\r\n"));
        connecting.abort();
        assert_eq!(peer.rest_of_bytes().await, b"");
        no_task_is_left().await;
    })
    .await;
}

/// Connects to a server that answers with these bytes, the accept value in place of `ACCEPT`, and ends.
async fn answered(answer: &[u8]) -> HandshakeError {
    let (near, far) = duplex(1 << 20);
    let serve = async {
        let mut peer = Peer::raw(far, Sender::Server);
        peer.head().await;
        peer.send_bytes(answer).await;
    };
    let connect = Connect::new("ws://localhost/").subprotocol("mine");
    let (ws, ()) = tokio::join!(connect.over(near), serve);
    ws.map(drop).expect_err("a server that lies")
}

#[tokio::test]
async fn a_server_that_lies_gets_no_connection() {
    bounded(async {
        let wrong_accept = answered(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        )
        .await;
        assert!(
            matches!(
                wrong_accept,
                HandshakeError::Response(ResponseError::Accept { .. })
            ),
            "{wrong_accept:?}"
        );
        let cut = answered(b"HTTP/1.1 101 Switching Prot").await;
        assert!(matches!(cut, HandshakeError::UnexpectedEnd), "{cut:?}");
        let garbage = answered(b"220 mail.example.com ESMTP\r\n\r\n").await;
        assert!(matches!(garbage, HandshakeError::Response(_)), "{garbage:?}");
    })
    .await;
}

#[tokio::test]
async fn a_subprotocol_that_was_not_offered_is_refused() {
    bounded(async {
        let (near, far) = duplex(1 << 16);
        let serve = async {
            let mut peer = Peer::raw(far, Sender::Server);
            let head = peer.head().await;
            let key = head
                .lines()
                .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
                .expect("a key");
            let accept = tidewire_proto::handshake::accept_key(key.as_bytes());
            peer.send_bytes(
                format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Protocol: yours\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
                )
                .as_bytes(),
            )
            .await;
        };
        let connect = Connect::new("ws://localhost/").subprotocol("mine");
        let (ws, ()) = tokio::join!(connect.over(near), serve);
        let end = ws.map(drop).expect_err("a server that lies");
        assert!(matches!(end, HandshakeError::Response(_)), "{end:?}");
        assert!(end.to_string().contains("yours"), "{end}");
    })
    .await;
}

#[tokio::test]
async fn the_body_of_a_refusal_is_kept_up_to_64_kib() {
    bounded(async {
        let refused = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more").await;
        let response = refused.response().expect("a response");
        assert_eq!((response.status(), response.content()), (200, &b"hello"[..]));
        assert!(!response.is_truncated());

        let mut long = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100000\r\n\r\n".to_vec();
        long.extend(vec![b'x'; 100_000]);
        let refused = answered(&long).await;
        let response = refused.response().expect("a response");
        assert_eq!((response.status(), response.content().len()), (503, 64 * 1024));
        assert!(response.is_truncated());
    })
    .await;
}

#[tokio::test]
async fn an_endless_body_ends_the_handshake_all_the_same() {
    bounded(async {
        let (near, far) = duplex(1 << 12);
        let serve = tokio::spawn(async {
            let mut peer = Peer::raw(far, Sender::Server);
            peer.head().await;
            peer.send_bytes(b"HTTP/1.1 404 Not Found\r\n\r\n").await;
            let mut sent = 0;
            while tokio::io::AsyncWriteExt::write_all(&mut peer.stream, &[b'x'; 1024])
                .await
                .is_ok()
            {
                sent += 1024;
            }
            sent
        });
        let refused = Connect::new("ws://localhost/")
            .over(near)
            .await
            .map(drop)
            .expect_err("refused");
        let response = refused.response().expect("a response");
        assert_eq!((response.status(), response.is_truncated()), (404, true));
        assert_eq!(response.content().len(), 64 * 1024);
        assert!(serve.await.expect("no panic") < 128 * 1024);
    })
    .await;
}
