//! Connections under load on several threads: nobody who waits is forgotten.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tidewire_tests::live::{bounded, echo, large, pair, small_queue, tcp_pair};
use tidewire_tokio::{Error, WebSocket, connect, serve};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sender_clones_in_many_tasks_all_get_through() {
    bounded(async {
        let (server, client) = tcp_pair().await;
        let (tx, mut rx) = server.split();
        let echo = tokio::spawn(echo(client));
        let mut tasks = JoinSet::new();
        for _ in 0..32 {
            let tx = tx.clone();
            tasks.spawn(async move {
                for _ in 0..50 {
                    tx.send(vec![0; 8 * 1024]).await.expect("open");
                }
                tx.flush().await.expect("open");
                tx.ping().await.expect("open");
            });
        }
        for _ in 0..32 * 50 {
            assert_eq!(
                rx.recv().await.expect("open").map(|message| message.len()),
                Some(8 * 1024)
            );
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("no panic");
        }
        tx.close(1000, "").await.expect("a fine code");
        echo.await.expect("no panic").expect("a clean end");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn recv_and_send_in_join_set_finish_over_tcp() {
    bounded(async {
        for _ in 0..20 {
            let (server, client) = tcp_pair().await;
            let mut tasks = JoinSet::new();
            for ws in [server, client] {
                let (tx, mut rx) = ws.split();
                tasks.spawn(async move {
                    for _ in 0..8 {
                        tx.send(large()).await.expect("open");
                    }
                });
                tasks.spawn(async move {
                    for _ in 0..8 {
                        rx.recv().await.expect("open").expect("a message");
                    }
                });
            }
            while let Some(done) = tasks.join_next().await {
                done.expect("no panic");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hundreds_of_connections_lose_no_wake_up() {
    const CONNECTIONS: usize = 200;
    const MESSAGES: usize = 100;
    bounded(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = serve(listener, |ws: WebSocket| echo(ws));
        let handle = server.handle();
        let server = tokio::spawn(async { server.await });
        let mut tasks = JoinSet::new();
        for _ in 0..CONNECTIONS {
            tasks.spawn(async move {
                let ws = connect(format!("ws://{address}/")).await.expect("a connection");
                let (tx, mut rx) = ws.split();
                let sender = tokio::spawn(async move {
                    for number in 0..MESSAGES {
                        tx.send(number.to_string()).await.expect("open");
                        if number % 10 == 0 {
                            tx.ping().await.expect("open");
                        }
                    }
                    tx
                });
                for number in 0..MESSAGES {
                    let message = rx.recv().await.expect("open").expect("a message");
                    assert_eq!(message.as_text(), Some(number.to_string().as_str()));
                }
                let tx = sender.await.expect("no panic");
                tx.close(1000, "").await.expect("a fine code");
                assert!(tx.wait_closed().await.is_clean());
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("no panic");
        }
        handle.shutdown(Duration::from_secs(5));
        assert_eq!(server.await.expect("no panic").expect("served").aborted, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn halves_dropped_at_any_moment_close_the_connection() {
    bounded(async {
        for _ in 0..500 {
            let (server, mut client) = pair(small_queue(), 1 << 10).await;
            let (tx, rx) = server.split();
            tokio::spawn(async move { drop(tx) });
            tokio::spawn(async move { drop(rx) });
            let end = tokio::time::timeout(Duration::from_secs(5), client.recv()).await;
            assert!(matches!(end, Ok(Ok(None))), "{end:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_its_thread_does_not_hold_a_shutdown_up() {
    bounded(async {
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let server = serve(listener, move |_: WebSocket| {
            let (tell, wait) = (tell.clone(), wait.clone());
            async move {
                tell.send(()).expect("wanted");
                let _ = wait.lock().unwrap_or_else(PoisonError::into_inner).recv();
                Ok::<(), Error>(())
            }
        });
        let handle = server.handle();
        let address = handle.local_addr().expect("an address");
        let deadline = Duration::from_millis(200);
        let stop = async {
            let _client = connect(format!("ws://{address}/")).await.expect("a connection");
            told.recv().await.expect("a handler");
            handle.shutdown(deadline);
            Instant::now()
        };
        let (ended, start) = tokio::join!(server.into_future(), stop);
        let took = start.elapsed();
        drop(go);
        let counts = ended.expect("a server that ends");
        assert_eq!((counts.finished, counts.aborted), (0, 1));
        assert!(took < deadline + Duration::from_secs(1), "{took:?}");
    })
    .await;
}

#[test]
fn messages_are_taken_where_there_is_no_runtime() {
    let runtime = || Runtime::new().expect("a runtime");
    let (theirs, ours) = (runtime(), runtime());
    let (server, mut client) = theirs.block_on(tcp_pair());
    // A connection that no future has polled has no timer yet; none can be made here.
    server.try_send("from a thread").expect("room");
    let received = ours.block_on(bounded(client.recv())).expect("open");
    assert_eq!(received, Some("from a thread".into()));
}
