//! On tokio.

use tidewire_tests::live::{Peer, bounded};
use tidewire_tokio::raw::{Frame, LengthForm};
use tidewire_tokio::test::{self, Pair};
use tidewire_tokio::{Config, Connect, Error, Kind, Phase, ProtocolError, SendError};
use tokio::io::duplex;

use super::broken::broken;

#[tokio::test(start_paused = true)]
async fn the_peer_of_either_role_names_the_rule_that_a_frame_breaks() {
    bounded(async {
        for (frame, is_named) in broken() {
            let ((server, client), (theirs, ours)) = (test::pair().await, test::pair().await);
            for (from, mut to) in [(client, server), (theirs, ours)] {
                from.dangerous_raw().send(&frame).await.expect("it is open");
                let end = to.recv().await;
                assert!(
                    matches!(&end, Err(Error::Protocol(error)) if is_named(error)),
                    "{frame}: {end:?}"
                );
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_frame_is_masked_where_it_should_not_be_and_the_reverse() {
    bounded(async {
        let wrong = Frame::text("hi").wrongly_masked();
        let (mut server, client) = test::pair().await;
        client.dangerous_raw().send(&wrong).await.expect("it is open");
        let end = server.recv().await;
        assert!(
            matches!(end, Err(Error::Protocol(ProtocolError::MaskMissing))),
            "{end:?}"
        );
        let (server, mut client) = test::pair().await;
        server.dangerous_raw().send(&wrong).await.expect("it is open");
        let end = client.recv().await;
        assert!(
            matches!(end, Err(Error::Protocol(ProtocolError::MaskForbidden))),
            "{end:?}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn frames_and_bytes_leave_in_the_order_of_messages_and_split_none() {
    bounded(async {
        let (client, mut peer) = Pair::new().client().await.expect("they agree");
        let raw = client.dangerous_raw();
        let overlong = Frame::binary("two").length_form(LengthForm::EightBytes);
        // Long enough to be written from where it lies, where it is not masked.
        let long = "x".repeat(20_000);
        let sending = async {
            client.feed(long.as_str()).await?;
            raw.send(&overlong).await?;
            client.feed("three").await?;
            raw.send_bytes(b"\x81\x80\0\0\0\0").await
        };
        let (sent, ()) = tokio::join!(sending, async {
            peer.expect_text(long.as_str()).await;
            peer.expect_frame(overlong.clone()).await;
            peer.expect_text("three").await;
            peer.expect_text("").await;
        });
        sent.expect("it is open");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_frame_may_stand_between_the_pieces_of_a_message() {
    bounded(async {
        let (client, mut peer) = Pair::new().client().await.expect("they agree");
        let mut pieces = client.send_pieces(Kind::Text).await.expect("it is open");
        pieces.write("a ").await.expect("it is open");
        let inside = Frame::binary("another message");
        client
            .dangerous_raw()
            .send(&inside)
            .await
            .expect("it waits for no piece");
        pieces.finish_with("message").await.expect("it is open");
        peer.expect_frame(Frame::text("a ").unfinished()).await;
        peer.expect_frame(inside).await;
        peer.expect_frame(Frame::continuation("message")).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_connection_takes_no_note_of_what_a_frame_means() {
    bounded(async {
        let (client, mut peer) = Pair::new().client().await.expect("they agree");
        client
            .dangerous_raw()
            .send(&Frame::close(4000, "not really"))
            .await
            .expect("it is open");
        assert_eq!(client.phase(), Phase::Open);
        client.send("still here").await.expect("it is open");
        assert_eq!(client.metrics().traffic.messages_sent, 1);
        peer.expect_close(4000).await;
        peer.expect_text("still here").await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn frames_may_follow_our_close_frame_until_the_peers() {
    bounded(async {
        let (mut client, mut peer) = Pair::new().client().await.expect("they agree");
        let closing = async {
            // Given up once the frame has left.
            let _ = tokio::time::timeout(std::time::Duration::from_secs(1), client.close(1000, "")).await;
            client.dangerous_raw().send(&Frame::text("late")).await
        };
        closing.await.expect("the peer has not closed");
        peer.expect_close(1000).await;
        peer.expect_text("late").await;
        peer.send(Frame::close(1000, "")).await;
        let receive = tokio::time::timeout(std::time::Duration::from_secs(1), client.recv());
        assert!(receive.await.is_err(), "the end of the stream is awaited");
        let refused = client.dangerous_raw().send_bytes(b"later").await;
        assert!(
            matches!(refused, Err(Error::Send(SendError::Closed))),
            "{refused:?}"
        );
        peer.cut();
        client.recv().await.expect("a clean end");
        let refused = client.dangerous_raw().send(&Frame::text("too late")).await;
        assert!(refused.is_err(), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn each_connection_takes_its_masking_keys_from_a_source_of_its_own() {
    let mut key = 0;
    let keys = move || {
        key += 1;
        [0, 0, 0, key]
    };
    let config = Config::builder()
        .dangerous_masking_keys(keys)
        .build()
        .expect("valid");
    for _ in 0..2 {
        bounded(async {
            let (near, far) = duplex(1024);
            let connect = Connect::new("ws://localhost/").config(config.clone());
            let (client, mut peer) = tokio::join!(connect.over(near), Peer::server(far));
            let client = client.expect("a connection");
            client.send("aaaa").await.expect("it is open");
            let raw = client.dangerous_raw();
            raw.send(&Frame::text("aaaa").masking_key([0, 0, 0, 0x20]))
                .await
                .expect("it is open");
            raw.send(&Frame::text("aaaa")).await.expect("it is open");
            client.pong(b"").await.expect("it is open");
            drop(client);
            let sent = [
                &b"\x81\x84\0\0\0\x01aaa`"[..],
                b"\x81\x84\0\0\0\x20aaaA",
                b"\x81\x84\0\0\0\x02aaac",
                b"\x8a\x80\0\0\0\x03",
            ];
            assert_eq!(
                peer.rest_of_bytes().await.escape_ascii().to_string(),
                sent.concat().escape_ascii().to_string()
            );
        })
        .await;
    }
}
