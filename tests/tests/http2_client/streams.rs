//! Streams and what becomes of them.

use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use tidewire_tests::live::{bounded, no_task_is_left};
use tidewire_tokio::{Config, Error, ProtocolError, SendError};
use tokio::time::Instant;

use super::scripted::{Setting, connected, connected_as, response, to};

#[tokio::test(start_paused = true)]
async fn the_end_of_a_stream_without_a_close_is_1006() {
    bounded(async {
        for is_reset in [false, true] {
            let (http2, mut server) = connected(Setting::Sent).await;
            let serve = async {
                let (request, mut answer) = server.asked().await;
                let mut sending = answer
                    .send_response(response(200, &[]), false)
                    .expect("it is open");
                let mut body = request.into_body();
                let end = async {
                    body.data().await.expect("no end").expect("no reset");
                    if is_reset {
                        sending.send_reset(Reason::INTERNAL_ERROR);
                    } else {
                        sending.send_data(Bytes::new(), true).expect("it is open");
                    }
                };
                tokio::join!(end, server.end());
            };
            let talk = async {
                let mut ws = http2.open(&to()).await.expect("a stream");
                drop(http2);
                ws.send("hi").await.expect("it is open");
                let end = ws.recv().await;
                assert!(matches!(end, Err(Error::Closed(_) | Error::Io(_))), "{end:?}");
                assert_eq!(u16::from(ws.wait_closed().await.code()), 1006);
            };
            tokio::join!(talk, serve);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn frames_are_masked_and_the_streams_end_follows_the_close() {
    bounded(async {
        let (http2, mut server) = connected(Setting::Sent).await;
        let talk = async {
            let mut ws = http2.open(&to()).await.expect("a stream");
            drop(http2);
            ws.send("hi").await.expect("it is open");
            assert_eq!(ws.recv().await.expect("a clean end"), None);
            let error = ws.send("late").await;
            assert!(matches!(error, Err(Error::Send(SendError::Closed))), "{error:?}");
        };
        let serve = async {
            let (request, mut answer) = server.asked().await;
            let mut sending = answer
                .send_response(response(200, &[]), false)
                .expect("it is open");
            let mut body = request.into_body();
            let read = async {
                let frame = body.data().await.expect("no end").expect("no reset");
                assert_eq!((frame[0], frame[1], frame.len()), (0x81, 0x82, 2 + 4 + 2));
                sending
                    .send_data(Bytes::from_static(b"\x88\x02\x03\xe8"), true)
                    .expect("it is open");
                let mut rest = 0;
                while let Some(data) = body.data().await {
                    // The end in good order, and no reset.
                    rest += data.expect("no reset").len();
                }
                assert_eq!(rest, 2 + 4 + 2, "a Close frame");
            };
            tokio::join!(read, server.end());
        };
        tokio::join!(talk, serve);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_gives_no_window_is_given_up() {
    bounded(async {
        let (http2, mut server) = connected(Setting::Sent).await;
        let talk = async {
            let config = Config::builder().keepalive(None).write_queue(1 << 20);
            let config = config
                .write_timeout(Duration::from_secs(5))
                .build()
                .expect("no contradiction");
            let ws = http2.open(&to().config(config)).await.expect("a stream");
            drop(http2);
            let start = Instant::now();
            // More than its window and what h2 keeps.
            let error = ws.send(vec![0; 1 << 20]).await;
            assert!(
                matches!(error, Err(Error::Protocol(ProtocolError::PeerNotReading { .. }))),
                "{error:?}"
            );
            assert_eq!(start.elapsed().as_secs(), 5);
        };
        let serve = async {
            let (request, mut answer) = server.asked().await;
            let _sending = answer
                .send_response(response(200, &[]), false)
                .expect("it is open");
            server.end().await;
            drop(request);
        };
        tokio::join!(talk, serve);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_stream_too_many_waits_until_another_has_ended() {
    bounded(async {
        let mut builder = h2::server::Builder::new();
        builder.enable_connect_protocol().max_concurrent_streams(1);
        let (http2, mut server) = connected_as(&builder).await;
        let start = Instant::now();
        let talk = async {
            let first = http2.open(&to()).await.expect("a stream");
            let to = to();
            let (second, ()) = tokio::join!(http2.open(&to), async {
                tokio::time::sleep(Duration::from_secs(3)).await;
                drop(first);
            });
            second.expect("a stream that has become free");
            assert_eq!(start.elapsed().as_secs(), 3);
            drop(http2);
        };
        let serve = async {
            let (request, mut answer) = server.asked().await;
            let _first = answer
                .send_response(response(200, &[]), false)
                .expect("it is open");
            let mut body = request.into_body();
            let (end, (_second, mut answer)) = tokio::join!(body.data(), server.asked());
            let reset = end.expect("no end").expect_err("it was dropped");
            assert_eq!(reset.reason(), Some(Reason::CANCEL));
            let _second = answer
                .send_response(response(200, &[]), false)
                .expect("it is open");
            server.end().await;
        };
        tokio::join!(talk, serve);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_dropped_takes_its_stream_along() {
    bounded(async {
        let (http2, mut server) = connected(Setting::Sent).await;
        let to = to();
        let asking = async {
            let opening = http2.open(&to);
            let _ = tokio::time::timeout(Duration::from_secs(1), opening).await;
            drop(http2);
        };
        let serve = async {
            let (request, answer) = server.asked().await;
            // The connection ends with its last user.
            server.end().await;
            let reset = request
                .into_body()
                .data()
                .await
                .expect("no end")
                .expect_err("no data");
            assert_eq!(reset.reason(), Some(Reason::CANCEL));
            drop(answer);
        };
        tokio::join!(asking, serve);
        no_task_is_left().await;
    })
    .await;
}
