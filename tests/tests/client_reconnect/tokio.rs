//! On tokio.

use std::future::pending;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use futures_util::StreamExt;
use tidewire_tests::live::bounded;
use tidewire_tokio::test::{Frame, Peer, pipe};
use tidewire_tokio::{
    Accept, Backoff, Connect, Error, HandshakeError, Reconnect, Retry, ServerPolicy, Socket, StopToken,
    WebSocket,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, timeout};

use super::events::{halves, overloaded, response, seconds, told};

/// The servers' ends of the streams that a client opens.
struct Servers(UnboundedReceiver<Socket>);

impl Servers {
    /// Accepts the next connection.
    async fn accept(&mut self) -> Peer {
        let mut peer = Peer::server(self.0.recv().await.expect("a client"));
        peer.accept(&Accept::new()).await.expect("they agree");
        peer
    }

    /// Refuses the next connection.
    async fn refuse(&mut self, status: u16, retry_after: &str) {
        let response = response(status, retry_after);
        let policy = ServerPolicy::default().on_request(move |_| Some(response.clone()));
        let stream = self.0.recv().await.expect("a client");
        let refused = Accept::new().policy(policy).accept(stream).await;
        assert_eq!(refused.expect_err("it refuses").status(), Some(status));
    }
}

/// A client whose first attempts, so many of them, find nobody.
fn client(failures: u32) -> (Reconnect, Servers) {
    let (open, streams) = unbounded_channel();
    let dialled = AtomicU32::new(0);
    let dial = move || {
        let found = dialled.fetch_add(1, Ordering::Relaxed) >= failures;
        let open = open.clone();
        async move {
            if !found {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (near, far) = pipe(1 << 16);
            open.send(far).expect("a test");
            Ok(near)
        }
    };
    let client = Connect::new("ws://localhost/").reconnect().retry(halves());
    (client.over(dial), Servers(streams))
}

/// Notes what a client tells.
fn noted(client: Reconnect) -> (Reconnect, impl Fn() -> Vec<String>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let notes = events.clone();
    let client = client.on_event(move |event| notes.lock().expect("no panic").push(told(event)));
    (client, move || {
        std::mem::take(&mut *events.lock().expect("no panic"))
    })
}

async fn opened(client: &mut Reconnect) -> WebSocket {
    client.next().await.expect("no end").expect("a connection")
}

#[tokio::test(start_paused = true)]
async fn attempts_follow_each_other_until_one_succeeds() {
    bounded(async {
        let (client, mut servers) = client(3);
        let (mut client, events) = noted(client);
        let start = Instant::now();
        let (ws, _peer) = tokio::join!(opened(&mut client), servers.accept());
        assert_eq!(start.elapsed().as_secs(), 5 + 10 + 20);
        drop(ws);
        assert_eq!(
            events(),
            [
                "connecting 1",
                "failed, next in 5s: connection refused",
                "connecting 2",
                "failed, next in 10s: connection refused",
                "connecting 3",
                "failed, next in 20s: connection refused",
                "connecting 4",
                "open",
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_follows_the_last_after_a_delay_that_short_ones_let_grow() {
    bounded(async {
        let (client, mut servers) = client(0);
        let (mut client, events) = noted(client);
        for (lasts, delay) in [(0, 5), (9, 10), (9, 20), (10, 5), (3600, 5)] {
            let (ws, mut peer) = tokio::join!(opened(&mut client), servers.accept());
            tokio::time::sleep(seconds(lasts)).await;
            drop(ws);
            peer.expect_end().await;
            events();
            let start = Instant::now();
            let next = timeout(
                seconds(delay).saturating_sub(Duration::from_millis(1)),
                client.next(),
            );
            assert!(next.await.is_err(), "{lasts}");
            assert_eq!(events(), [format!("closed with 1006, next in {delay}s")]);
            // The delay goes on where it was.
            assert!(timeout(Duration::from_millis(2), client.next()).await.is_err());
            assert_eq!(events(), ["connecting 1"]);
            assert_eq!(start.elapsed().as_secs(), delay);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_overloaded_says_when_to_come_back() {
    bounded(async {
        let (mut client, mut servers) = client(0);
        let start = Instant::now();
        let (ws, _peer) = tokio::join!(opened(&mut client), async {
            servers.refuse(503, "120").await;
            servers.refuse(500, "never").await;
            servers.accept().await
        });
        assert_eq!(start.elapsed().as_secs(), 120 + 5 + 10);
        drop(ws);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_will_not_change_ends_it() {
    bounded(async {
        for status in [401, 404, 429, 501] {
            let (mut client, mut servers) = client(0);
            let (next, ()) = tokio::join!(client.next(), servers.refuse(status, "1"));
            let error = next.expect("an error").expect_err("refused");
            assert_eq!(error.status(), Some(status));
            assert!(client.next().await.is_none());
        }
        let mut nowhere = Connect::new("http://localhost/").reconnect();
        let error = nowhere.next().await.expect("an error").expect_err("no WebSocket");
        assert!(matches!(error, HandshakeError::Url(_)), "{error}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn rules_of_the_applications_hold() {
    bounded(async {
        let (client, mut servers) = client(0);
        let retry = halves().retry_if(|error| error.status() == Some(429)).attempts(3);
        let mut client = client.retry(retry);
        let start = Instant::now();
        let (next, ()) = tokio::join!(client.next(), async {
            for _ in 0..3 {
                servers.refuse(429, "1").await;
            }
        });
        let error = next.expect("an error").expect_err("refused");
        assert_eq!(error.status(), Some(429));
        assert_eq!(start.elapsed().as_secs(), 1 + 5 + 1 + 10);
        assert!(client.next().await.is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn attempts_end_when_enough_time_has_passed() {
    bounded(async {
        let (client, _servers) = client(u32::MAX);
        let mut client = client.retry(halves().give_up_after(seconds(40)));
        let start = Instant::now();
        let error = client.next().await.expect("an error").expect_err("nobody there");
        assert!(matches!(error, HandshakeError::Io(_)), "{error}");
        // The next would have been at 65 s.
        assert_eq!(start.elapsed().as_secs(), 35);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_takes_too_long_is_tried_again() {
    bounded(async {
        let client = Connect::new("ws://localhost/")
            .reconnect()
            .retry(halves().attempts(2));
        let mut client = client.over(pending);
        let start = Instant::now();
        let error = client.next().await.expect("an error").expect_err("nobody there");
        assert!(matches!(error, HandshakeError::Timeout(_)), "{error}");
        assert_eq!(start.elapsed().as_secs(), 10 + 5 + 10);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_breaks_a_delay_and_an_attempt_off() {
    bounded(async {
        for failures in [1, 0] {
            let stop = StopToken::new();
            let (client, mut servers) = client(failures);
            let mut client = client.stop_token(stop.clone());
            let start = Instant::now();
            {
                let mut next = pin!(client.next());
                assert!(timeout(seconds(1), next.as_mut()).await.is_err());
                // From another thread.
                thread::spawn(move || stop.stop()).join().expect("no panic");
                assert!(next.await.is_none());
            }
            assert_eq!(start.elapsed().as_secs(), 1);
            assert!(client.next().await.is_none());
            if failures == 0 {
                let mut peer = Peer::server(servers.0.recv().await.expect("an attempt"));
                peer.expect_head().await;
                peer.expect_end().await;
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn connections_are_a_stream() {
    bounded(async {
        let stop = StopToken::new();
        let (client, mut servers) = client(0);
        let mut connections = client.stop_token(stop.clone());
        let serving = async {
            for _ in 0..3 {
                servers.accept().await.cut();
            }
        };
        let counting = async {
            let mut count = 0;
            while let Some(ws) = StreamExt::next(&mut connections).await {
                ws.expect("a connection");
                count += 1;
                if count == 3 {
                    stop.stop();
                }
            }
            count
        };
        let (count, ()) = tokio::join!(counting, serving);
        assert_eq!(count, 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_kept_stays_open_when_another_is_asked_for() {
    bounded(async {
        let (client, mut servers) = client(0);
        let (mut client, events) = noted(client);
        let (first, mut peer) = tokio::join!(opened(&mut client), servers.accept());
        let (_second, _other) = tokio::join!(opened(&mut client), servers.accept());
        first.send("still here").await.expect("open");
        peer.expect_text("still here").await;
        assert!(events().contains(&"closed with no code, next in 5s".to_owned()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_behind_a_connection_tells_of_no_other() {
    bounded(async {
        let stop = StopToken::new();
        let (client, mut servers) = client(0);
        let (mut client, events) = noted(client.stop_token(stop.clone()));
        let (ws, _peer) = tokio::join!(opened(&mut client), servers.accept());
        stop.stop();
        assert!(client.next().await.is_none());
        let expected = ["connecting 1", "open", "closed with no code, and that is all"];
        assert_eq!(events(), expected);
        drop(ws);
    })
    .await;
}

/// Says what came.
async fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}

/// Closes the connection as a server.
async fn close(peer: &mut Peer, code: u16) {
    peer.send(Frame::close(code, "")).await;
    peer.expect_close(code).await;
}

#[tokio::test(start_paused = true)]
async fn the_loop_goes_on_after_each_end_but_that_of_1000() {
    bounded(async {
        let (client, mut servers) = client(0);
        let (client, events) = noted(client);
        let serving = async {
            for code in [1001, 1012, 4000, 1000] {
                let mut peer = servers.accept().await;
                peer.send(Frame::text("hello")).await;
                peer.expect_text("hello").await;
                close(&mut peer, code).await;
            }
        };
        let (ended, ()) = tokio::join!(client.run(echo), serving);
        ended.expect("a good end");
        let events = events();
        let closed = events.iter().filter(|event| event.starts_with("closed"));
        assert_eq!(
            closed.collect::<Vec<_>>(),
            [
                "closed with 1001, next in 5s",
                "closed with 1012, next in 10s",
                "closed with 4000, next in 20s",
                "closed with 1000, and that is all",
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_loop_goes_on_after_1000_where_that_is_wanted() {
    bounded(async {
        let (client, mut servers) = client(0);
        let retry = halves().reconnect_if(|closed| closed.code() != 1008.into());
        let serving = async {
            close(&mut servers.accept().await, 1000).await;
            servers.accept().await.cut();
            close(&mut servers.accept().await, 1008).await;
        };
        let (ended, ()) = tokio::join!(client.retry(retry).run(echo), serving);
        assert!(matches!(ended, Err(Error::Closed(_))), "{ended:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_returns_while_its_connection_is_open_ends_the_loop() {
    bounded(async {
        for (result, code) in [(Ok(()), 1000), (Err(Error::NotReceiving), 1011)] {
            let expected = format!("{result:?}");
            let (client, mut servers) = client(0);
            let mut result = Some(result);
            let handler = |ws: WebSocket| {
                let result = result.take().expect("one connection");
                async {
                    drop(ws);
                    result
                }
            };
            let serving = async {
                let mut peer = servers.accept().await;
                peer.expect_close(code).await;
            };
            let (ended, ()) = tokio::join!(client.run(handler), serving);
            assert_eq!(format!("{ended:?}"), expected);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_loop_ends_with_the_error_of_the_last_attempt() {
    bounded(async {
        let (client, mut servers) = client(0);
        let serving = async {
            servers.accept().await.cut();
            servers.refuse(403, "0").await;
        };
        let (ended, ()) = tokio::join!(client.run(echo), serving);
        let error = ended.expect_err("refused");
        assert!(
            matches!(&error, Error::Handshake(error) if error.status() == Some(403)),
            "{error}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_closes_the_connection_and_ends_the_loop() {
    bounded(async {
        let stop = StopToken::new();
        let (client, mut servers) = client(0);
        let running = tokio::spawn(client.stop_token(stop.clone()).run(echo));
        let mut peer = servers.accept().await;
        peer.send(Frame::text("hello")).await;
        peer.expect_text("hello").await;
        stop.stop();
        peer.expect_close(1000).await;
        peer.send(Frame::close(1000, "")).await;
        peer.cut();
        running.await.expect("no panic").expect("a good end");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_ends_the_loop_in_its_panic() {
    bounded(async {
        let (client, mut servers) = client(0);
        let running =
            tokio::spawn(client.run(async |_ws: WebSocket| -> Result<(), Error> { panic!("on purpose") }));
        let mut peer = servers.accept().await;
        peer.expect_close(1011).await;
        peer.cut();
        assert!(running.await.expect_err("a panic").is_panic());
    })
    .await;
}

#[tokio::test]
async fn a_server_that_begins_later_is_found() {
    bounded(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let (tell, mut told) = unbounded_channel();
        let retry = halves().backoff(Backoff::default().first(Duration::from_millis(20)));
        let mut client = Connect::new(format!("ws://{address}/"))
            .reconnect()
            .retry(retry)
            .on_event(move |event| {
                let _ = tell.send(super::events::told(event));
            });
        let serving = async {
            while !told.recv().await.expect("a client").starts_with("failed") {}
            let listener = TcpListener::bind(address).await.expect("the port is free");
            let (stream, _) = listener.accept().await.expect("a client");
            Accept::new().accept(stream).await.expect("they agree")
        };
        let (ws, _server) = tokio::join!(opened(&mut client), serving);
        assert_eq!(ws.peer_addr(), Some(address));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_attempt_shows_what_was_renewed_for_it() {
    bounded(async {
        let (client, mut servers) = client(0);
        let renewed = AtomicU32::new(0);
        let mut client = client.retry(halves().attempts(3)).renew(move |connect: Connect| {
            let token = renewed.fetch_add(1, Ordering::Relaxed);
            async move {
                match token {
                    0 => Err(io::ErrorKind::ConnectionRefused.into()),
                    token => Ok(connect.field("Token", token.to_string())),
                }
            }
        });
        let start = Instant::now();
        let (policy, shown) = overloaded();
        let accept = Accept::new().policy(policy);
        let (next, ()) = tokio::join!(client.next(), async {
            for _ in 0..2 {
                let stream = servers.0.recv().await.expect("a client");
                accept.accept(stream).await.expect_err("it refuses");
            }
        });
        assert!(matches!(next, Some(Err(_))));
        assert_eq!(start.elapsed().as_secs(), 5 + 10);
        assert_eq!(shown.try_iter().collect::<Vec<_>>(), ["1", "2"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn renewing_takes_no_longer_than_a_handshake_may() {
    bounded(async {
        let (client, _servers) = client(0);
        let mut client = client.renew(|_| pending()).retry(Retry::never());
        let start = Instant::now();
        let error = client.next().await.expect("an error").expect_err("no connection");
        assert!(matches!(error, HandshakeError::Timeout(_)), "{error}");
        assert_eq!(start.elapsed().as_secs(), 10);
    })
    .await;
}
