//! What a connection and a server tell of themselves: traffic, queue, latency, addresses, handshake.

use std::time::Duration;

use tidewire_tests::live::{Peer, accepted, bounded, connected, echo, pair, promptly, tcp_pair};
use tidewire_tests::wire::Frame;
use tidewire_tokio::{
    Accept, CloseCode, Config, Connect, Kind, Metrics, Phase, ServerPolicy, WebSocket, serve,
};
use tokio::io::duplex;
use tokio::net::{TcpListener, TcpStream};

/// More than a test sends.
const ROOMY: usize = 1 << 16;

#[tokio::test(start_paused = true)]
async fn traffic_is_counted_in_messages_in_payload_and_in_bytes_on_the_wire() {
    bounded(async {
        // A masking key of four bytes in each frame of the client, whichever side that is.
        for (is_server, key_in, key_out) in [(true, 4, 0), (false, 0, 4)] {
            let (mut ws, mut peer) = if is_server {
                accepted(Config::default(), ROOMY).await
            } else {
                connected(Config::default(), ROOMY).await
            };
            assert_eq!(ws.metrics(), Metrics::default(), "server: {is_server}");
            peer.send(&Frame::text("hello")).await;
            peer.send(&Frame::ping("?")).await;
            peer.send(&Frame::binary([0; 200])).await;
            peer.send(&Frame::text("in").more()).await;
            peer.send(&Frame::continuation("parts")).await;
            for _ in 0..3 {
                promptly("recv", ws.recv())
                    .await
                    .expect("open")
                    .expect("a message");
            }
            ws.send("four").await.expect("open");
            let mut writer = ws.send_pieces(Kind::Binary).await.expect("open");
            writer.write(vec![1]).await.expect("open");
            writer.finish_with(vec![2]).await.expect("open");
            ws.flush().await.expect("open");
            let traffic = ws.metrics().traffic;
            let received = [5, 1, 200, 2, 5];
            let headers = 4 * 2 + 4 + 5 * key_in;
            assert_eq!(
                (
                    traffic.messages_received,
                    traffic.payload_received,
                    traffic.bytes_received
                ),
                (3, 212, received.iter().sum::<u64>() + headers),
                "server: {is_server}"
            );
            // The Pong, the message, and the one in pieces.
            let sent = [1, 4, 1, 1];
            assert_eq!(
                (traffic.messages_sent, traffic.payload_sent, traffic.bytes_sent),
                (2, 6, sent.iter().sum::<u64>() + 4 * (2 + key_out)),
                "server: {is_server}"
            );
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_what_the_peer_has_not_taken() {
    bounded(async {
        let (ws, mut peer) = accepted(Config::default(), 64).await;
        ws.try_send(vec![0; 1000]).expect("an empty queue has room");
        let queued = ws.metrics().queued;
        assert!((1004 - 64..=1004).contains(&queued), "{queued}");
        let read = async {
            peer.next().await;
        };
        let (flushed, ()) = tokio::join!(ws.flush(), read);
        flushed.expect("open");
        assert_eq!(ws.metrics().queued, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_round_trip_and_the_close_code_are_told_by_each_half() {
    bounded(async {
        let (ws, mut peer) = accepted(Config::default(), ROOMY).await;
        let (tx, mut rx) = ws.split();
        assert_eq!((tx.phase(), tx.metrics().close_code), (Phase::Open, None));
        let answer = async {
            let (_, payload) = peer.next().await;
            tokio::time::sleep(Duration::from_millis(70)).await;
            peer.send(&Frame::pong(payload)).await;
            peer.send(&Frame::close_with(4000, "")).await;
            peer.rest().await;
        };
        let (round_trip, end, ()) = tokio::join!(tx.ping(), rx.recv(), answer);
        let round_trip = round_trip.expect("open");
        assert_eq!(round_trip.as_millis(), 70);
        assert!(end.is_err(), "4000 is not a quiet end");
        for metrics in [tx.metrics(), rx.metrics()] {
            assert_eq!(metrics.latency, Some(round_trip));
            assert_eq!(metrics.close_code, Some(CloseCode::from(4000)));
        }
    })
    .await;
}

#[tokio::test]
async fn traffic_is_summed_over_the_connections_of_a_server() {
    bounded(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = serve(listener, |ws: WebSocket| echo(ws));
        let handle = server.handle();
        let address = handle.local_addr().expect("an address");
        let serving = tokio::spawn(server.into_future());
        let mut peers = Vec::new();
        for count in 1..=3 {
            let stream = TcpStream::connect(address).await.expect("a listener");
            let mut peer = Peer::client(stream).await;
            peer.send(&Frame::text("four")).await;
            assert_eq!(peer.next().await, (0x81, b"four".to_vec()));
            if count == 1 {
                peer.send(&Frame::close_with(1000, "")).await;
                peer.rest().await;
            }
            peers.push(peer);
            let traffic = handle.metrics().traffic;
            assert_eq!(
                (
                    traffic.messages_received,
                    traffic.messages_sent,
                    traffic.payload_sent
                ),
                (count, count, 4 * count)
            );
        }
        peers.clear();
        while handle.connections() > 0 {
            tokio::task::yield_now().await;
        }
        let traffic = handle.metrics().traffic;
        assert_eq!((traffic.messages_sent, traffic.payload_received), (3, 12));
        // A frame of ten bytes from each client, and the Close of one.
        assert_eq!(traffic.bytes_received, 3 * 10 + 8);
        serving.abort();
    })
    .await;
}

#[tokio::test]
async fn addresses_are_those_of_the_socket() {
    bounded(async {
        let (server, client) = tcp_pair().await;
        let addresses = |ws: &WebSocket| (ws.local_addr(), ws.peer_addr());
        let (local, peer) = addresses(&server);
        assert!(local.is_some() && peer.is_some());
        assert_eq!(addresses(&client), (peer, local));
        let nodelay = |ws: &WebSocket| ws.with_transport(|socket| socket.as_tcp()?.nodelay().ok());
        assert_eq!(nodelay(&client), Some(Some(true)));
        let (sender, receiver) = client.split();
        assert_eq!((sender.local_addr(), sender.peer_addr()), (peer, local));
        assert_eq!((receiver.local_addr(), receiver.peer_addr()), (peer, local));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_tells_its_handshake_on_both_sides() {
    bounded(async {
        let (near, far) = duplex(ROOMY);
        let policy = ServerPolicy::default().subprotocols(["chat"]).expect("a token");
        let connect = Connect::new("ws://localhost:8080/room?name=x")
            .subprotocol("chat")
            .field("Origin", "http://localhost");
        let accept = Accept::new().policy(policy);
        let (server, client) = tokio::join!(accept.accept(near), connect.over(far));
        let (server, client) = (server.expect("an accepted client"), client.expect("a connection"));
        let handshake = server.handshake();
        let request = handshake.request().expect("a server has the request");
        assert_eq!(request.target(), "/room?name=x");
        assert_eq!(request.fields().first("host"), Some(&b"localhost:8080"[..]));
        assert_eq!(request.fields().first("origin"), Some(&b"http://localhost"[..]));
        assert!(handshake.response().is_none());
        let handshake = client.handshake();
        let response = handshake.response().expect("a client has the response");
        assert_eq!(response.status(), 101);
        assert!(handshake.request().is_none());
        for ws in [&server, &client] {
            assert_eq!(ws.subprotocol().as_deref(), Some("chat"));
            assert_eq!(ws.phase(), Phase::Open);
        }
        let (other, _client) = pair(Config::default(), ROOMY).await;
        assert!(
            server.id() != client.id() && other.id() > server.id(),
            "an id is one connection's"
        );
    })
    .await;
}
