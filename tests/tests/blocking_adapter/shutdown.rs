use std::io::Write as _;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use tidewire_blocking::{CloseCode, Error, Server, ServerHandle, ServerPolicy, WebSocket, connect};

use crate::support::{PATIENCE, bounded, echo, in_background, raw, raw_client, read_exact, read_rest, serve};

#[test]
fn open_connections_get_1001_and_are_counted() {
    let (tell, told) = mpsc::channel();
    let server = serve(move |ws: WebSocket| {
        let _ = tell.send(());
        echo(ws)
    });
    let clients: Vec<_> = (0..3)
        .map(|_| {
            let url = server.url();
            in_background(move || connect(url).open().expect("the server accepts").wait_closed())
        })
        .collect();
    for _ in &clients {
        told.recv_timeout(PATIENCE).expect("a handler runs");
    }
    assert_eq!(server.handle.connections(), 3);
    assert!(server.handle.is_serving());
    server.handle.shutdown(PATIENCE);
    assert!(!server.handle.is_serving());
    let counts = server.served.recv_timeout(PATIENCE).expect("the server ends");
    assert_eq!((counts.finished, counts.aborted), (3, 0));
    for client in clients {
        let closed = client.recv_timeout(PATIENCE).expect("the client ends");
        assert_eq!(closed.code(), CloseCode::GOING_AWAY);
        assert!(closed.is_clean());
    }
    assert!(std::net::TcpStream::connect(server.address).is_err());
}

#[test]
fn a_handshake_in_progress_gets_503() {
    let server = serve(echo);
    let mut stream = raw(server.address);
    stream.write_all(b"GET / HTTP/1.1\r\n").expect("the server reads");
    // A whole handshake later, the thread of the first one runs.
    drop(raw_client(server.address));
    server.handle.shutdown(PATIENCE);
    let counts = server.served.recv_timeout(PATIENCE).expect("the server ends");
    assert_eq!(counts.aborted, 0);
    let answer = String::from_utf8(read_rest(&mut stream)).expect("a response is text");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}

#[test]
fn an_unresponsive_peer_and_a_stuck_handler_are_aborted_at_the_deadline() {
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let (tell, told) = mpsc::channel();
    let server = serve(move |mut ws: WebSocket| {
        let stuck = ws
            .recv()?
            .is_some_and(|message| message.as_text() == Some("stick"));
        let _ = tell.send(());
        if stuck {
            let _ = wait.lock().expect("one handler").recv();
            return Ok(());
        }
        echo(ws)
    });
    let mut deaf = raw_client(server.address);
    deaf.write_all(b"\x81\x82\0\0\0\0hi").expect("the server reads");
    told.recv_timeout(PATIENCE).expect("a handler runs");
    let mut stuck = raw_client(server.address);
    stuck
        .write_all(b"\x81\x85\0\0\0\0stick")
        .expect("the server reads");
    told.recv_timeout(PATIENCE).expect("a handler runs");
    let start = Instant::now();
    let deadline = Duration::from_millis(200);
    server.handle.shutdown(deadline);
    let counts = server.served.recv_timeout(PATIENCE).expect("the server ends");
    let took = start.elapsed();
    assert!(
        took >= deadline && took < deadline + Duration::from_secs(1),
        "{took:?}"
    );
    assert_eq!((counts.finished, counts.aborted), (0, 2));
    assert_eq!(read_exact::<4>(&mut deaf), *b"\x88\x13\x03\xe9", "1001 was sent");
    bounded(move || drop(go));
}

#[test]
fn traffic_is_summed_over_ended_and_open_connections() {
    let server = serve(echo);
    for count in 1..=2 {
        let url = server.url();
        let (ws, metrics) = bounded(move || {
            let mut ws = connect(url).open().expect("the server accepts");
            ws.send("four").expect("the server reads");
            ws.recv().expect("it goes on");
            let metrics = ws.metrics();
            if count == 1 {
                ws.close(1000, "").expect("a code that may be sent");
            }
            (ws, metrics)
        });
        assert_eq!(metrics.traffic.messages_sent, 1);
        assert_eq!(metrics.traffic.payload_received, 4);
        let traffic = server.handle.metrics().traffic;
        assert_eq!(
            (traffic.messages_received, traffic.payload_sent),
            (count, 4 * count)
        );
        drop(ws);
    }
}

#[test]
fn a_sender_that_is_blocked_does_not_hold_a_shutdown_up() {
    let (tell, told) = mpsc::channel();
    let server = serve(move |ws: WebSocket| {
        let _ = tell.send(());
        ws.send(vec![0; 64 << 20])
    });
    let _deaf = raw_client(server.address);
    told.recv_timeout(PATIENCE).expect("a handler runs");
    server.handle.shutdown(Duration::from_millis(100));
    let counts = server.served.recv_timeout(PATIENCE).expect("the server ends");
    assert_eq!((counts.finished, counts.aborted), (0, 1));
}

#[test]
fn a_connection_that_is_about_to_open_is_closed_in_full() {
    let (tell, told) = mpsc::channel();
    let (give, handle) = mpsc::channel::<ServerHandle>();
    let handle = Mutex::new(handle);
    // The moment between the request and its answer.
    let policy = ServerPolicy::default().on_request(move |_| {
        let handle = handle.lock().expect("no panic").recv().expect("a server");
        handle.shutdown(PATIENCE);
        None
    });
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    let server = Server::new(listener, move |ws: WebSocket| {
        tell.send(ws.wait_closed()).expect("wanted");
        Ok::<(), Error>(())
    });
    let server = server.policy(policy);
    give.send(server.handle()).expect("wanted");
    let counts = in_background(move || server.run().expect("a server that ends well"));
    let client = in_background(move || connect(url).open().expect("the server accepts").wait_closed());
    let counts = counts.recv_timeout(PATIENCE).expect("the server ends");
    assert_eq!((counts.finished, counts.aborted), (1, 0));
    for closed in [told, client] {
        let closed = closed.recv_timeout(PATIENCE).expect("an end");
        assert_eq!(closed.code(), CloseCode::GOING_AWAY);
        assert!(closed.is_clean(), "{closed:?}");
    }
}
