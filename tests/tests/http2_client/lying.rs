//! On servers that do what they should not.

use bytes::Bytes;
use h2::Reason;
use h2::ext::Protocol;
use tidewire_tests::live::bounded;
use tidewire_tokio::http2::Http2;
use tidewire_tokio::{Connect, HandshakeError, Http2Error, ResponseError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::time::Instant;

use super::scripted::{Scripted, Setting, connected, error_of, response, to};

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_take_it_is_asked_nothing() {
    bounded(async {
        let (http2, server) = connected(Setting::Missing).await;
        let asking = async {
            let opened = http2.open(&to()).await;
            drop(http2);
            opened
        };
        // It fails where it is asked.
        let (opened, ()) = tokio::join!(asking, server.end());
        let error = opened.expect_err("no connection");
        assert!(
            matches!(error, HandshakeError::Http2(Http2Error::NotEnabled)),
            "{error}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_request_is_that_of_rfc_8441() {
    bounded(async {
        error_of(async |mut server: Scripted| {
            let (request, _answer) = server.asked().await;
            assert_eq!(request.method(), "CONNECT");
            assert_eq!(request.uri(), "http://server.example.com:81/chat?room=1");
            let protocol = request.extensions().get::<Protocol>().map(Protocol::as_str);
            assert_eq!(protocol, Some("websocket"));
            let field = |name| request.headers().get(name).map(http::HeaderValue::as_bytes);
            assert_eq!(field("sec-websocket-version"), Some(&b"13"[..]));
            assert_eq!(field("sec-websocket-protocol"), Some(&b"chat"[..]));
            for name in ["host", "upgrade", "connection", "sec-websocket-key"] {
                assert_eq!(field(name), None, "{name}");
            }
        })
        .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_carries_status_fields_and_body() {
    bounded(async {
        let error = error_of(async |server: Scripted| {
            let script = |mut sending: h2::SendStream<Bytes>, _| {
                sending.send_data("not ".into(), false).expect("it is open");
                sending.send_data("here".into(), true).expect("it is open");
            };
            server
                .answer(response(404, &[("x-reason", "path")]), script)
                .await;
        })
        .await;
        let refused = error.response().expect("a refusal");
        assert_eq!((refused.status(), refused.content()), (404, &b"not here"[..]));
        assert_eq!(refused.fields().first("x-reason"), Some(&b"path"[..]));
        assert!(!refused.is_truncated());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_body_without_end_is_kept_up_to_64_kib_and_one_that_stalls_up_to_the_deadline() {
    bounded(async {
        let error = error_of(async |server: Scripted| {
            let script = |mut sending: h2::SendStream<Bytes>, _| {
                sending
                    .send_data(vec![b'x'; 200_000].into(), false)
                    .expect("it is open");
            };
            server.answer(response(500, &[]), script).await;
        })
        .await;
        let refused = error.response().expect("a refusal");
        assert_eq!(
            (refused.content().len(), refused.is_truncated()),
            (64 * 1024, true)
        );
        let start = Instant::now();
        let mut held = None;
        let error = error_of(async |server: Scripted| {
            let script = |mut sending: h2::SendStream<Bytes>, receiving| {
                sending.send_data("wait".into(), false).expect("it is open");
                held = Some((sending, receiving));
            };
            server.answer(response(503, &[]), script).await;
        })
        .await;
        let refused = error.response().expect("a refusal");
        assert_eq!((refused.status(), refused.content()), (503, &b"wait"[..]));
        assert!(refused.is_truncated());
        assert_eq!(start.elapsed().as_secs(), 10);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_not_offered_is_no_choice() {
    bounded(async {
        for (field, value) in [
            ("sec-websocket-protocol", "other"),
            ("sec-websocket-extensions", "x"),
        ] {
            let error = error_of(async |server: Scripted| {
                server.answer(response(200, &[(field, value)]), |_, _| ()).await;
            })
            .await;
            assert!(
                matches!(
                    error,
                    HandshakeError::Response(
                        ResponseError::SubprotocolNotOffered { .. }
                            | ResponseError::ExtensionNotOffered { .. }
                    )
                ),
                "{error}"
            );
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reset_and_a_goaway_are_told_with_their_codes() {
    bounded(async {
        let error = error_of(async |mut server: Scripted| {
            let (_, mut answer) = server.asked().await;
            answer.send_reset(Reason::REFUSED_STREAM);
            server.end().await;
        })
        .await;
        assert!(
            matches!(error, HandshakeError::Http2(Http2Error::Reset { code: 7 })),
            "{error}"
        );
        let error = error_of(async |mut server: Scripted| {
            server.connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
            server.end().await;
        })
        .await;
        assert!(
            matches!(error, HandshakeError::Http2(Http2Error::GoAway { code: 11 })),
            "{error}"
        );
        // What was asked before it is answered or not.
        let error = error_of(async |mut server: Scripted| {
            let _asked = server.asked().await;
            server.connection.abrupt_shutdown(Reason::NO_ERROR);
            server.end().await;
        })
        .await;
        assert!(matches!(error, HandshakeError::UnexpectedEnd), "{error}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline_and_takes_the_stream_back() {
    bounded(async {
        let start = Instant::now();
        let mut reset = None;
        let error = error_of(async |mut server: Scripted| {
            let (request, answer) = server.asked().await;
            server.end().await;
            reset = request.into_body().data().await;
            drop(answer);
        })
        .await;
        assert!(matches!(error, HandshakeError::Timeout(_)), "{error}");
        assert_eq!(start.elapsed().as_secs(), 10);
        let reset = reset.expect("no end").expect_err("no data");
        assert_eq!(reset.reason(), Some(Reason::CANCEL));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_speaks_no_http_2_is_found_out_before_anything_is_asked() {
    bounded(async {
        // Whatever is said in its place, nothing, and the end.
        for (said, seconds) in [
            (Some(&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..]), 0),
            (None, 10),
            (Some(b""), 0),
        ] {
            let start = Instant::now();
            let (near, mut far) = duplex(1 << 16);
            let to = to();
            let server = async {
                if let Some(said) = said {
                    far.write_all(said).await.expect("it reads");
                    far.shutdown().await.expect("it reads");
                }
                let mut received = Vec::new();
                let _ = far.read_to_end(&mut received).await;
                received
            };
            let (begun, received) = tokio::join!(Http2::over(&to, near), server);
            let error = begun.expect_err("no HTTP/2");
            assert_eq!(start.elapsed().as_secs(), seconds, "{error}");
            assert!(
                received.starts_with(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
                "{error}"
            );
            assert!(!received.windows(9).any(|name| name == b"websocket"), "{error}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_a_refusal_on_a_connection_that_is_shared() {
    bounded(async {
        let error = error_of(async |server: Scripted| {
            let end = |mut sending: h2::SendStream<Bytes>, _| {
                sending.send_data(Bytes::new(), true).expect("it is open");
            };
            server
                .answer(response(307, &[("location", "/elsewhere")]), end)
                .await;
        })
        .await;
        assert_eq!(error.status(), Some(307), "{error}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_http_2_cannot_convey_is_refused_before_it_is_sent() {
    bounded(async {
        let (http2, server) = connected(Setting::Sent).await;
        let asking = async {
            let opened = http2.open(&Connect::new("ws://localhost/").host("a:b:c")).await;
            drop(http2);
            opened
        };
        let (opened, ()) = tokio::join!(asking, server.end());
        assert!(matches!(opened, Err(HandshakeError::Field(_))), "{opened:?}");
    })
    .await;
}
