//! What goes on while the application does something else.

use std::io::Write as _;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use tidewire_blocking::{
    Config, Connect, Error, Keepalive, Phase, ProtocolError, Server, WebSocket, connect,
};

use crate::support::{
    PATIENCE, bounded, in_background, listener, raw_client, raw_server, read_exact, read_rest, serve, start,
};

/// A handler that waits for a word, however long, before it returns.
fn waiting() -> (
    mpsc::Sender<()>,
    impl Fn(WebSocket) -> Result<(), Error> + Send + Sync,
) {
    let (go, wait) = mpsc::channel();
    let wait = Mutex::new(wait);
    (go, move |mut ws: WebSocket| {
        let first = ws.recv()?;
        let _ = wait.lock().expect("one handler").recv();
        if let Some(first) = first {
            ws.send(first)?;
        }
        Ok(())
    })
}

#[test]
fn pings_are_answered_while_the_handler_is_busy() {
    let (go, handler) = waiting();
    let server = serve(handler);
    let mut stream = raw_client(server.address);
    // "hi", and with it a ping; later another one.
    stream
        .write_all(b"\x81\x82\0\0\0\0hi\x89\x81\0\0\0\0a")
        .expect("the server reads");
    assert_eq!(&read_exact::<3>(&mut stream), b"\x8a\x01a");
    stream.write_all(b"\x89\x81\0\0\0\0b").expect("the server reads");
    assert_eq!(&read_exact::<3>(&mut stream), b"\x8a\x01b");
    drop(go);
    assert_eq!(&read_exact::<4>(&mut stream), b"\x81\x02hi");
}

#[test]
fn a_close_is_answered_while_the_handler_is_busy() {
    let (go, handler) = waiting();
    let server = serve(handler);
    let mut stream = raw_client(server.address);
    stream
        .write_all(b"\x81\x82\0\0\0\0hi\x88\x82\0\0\0\0\x03\xe8")
        .expect("the server reads");
    assert_eq!(read_rest(&mut stream), b"\x88\x02\x03\xe8");
    drop(go);
}

#[test]
fn keepalive_keeps_a_busy_connection_and_measures_it() {
    let config = Config::builder()
        .keepalive(Keepalive {
            interval: Duration::from_millis(30),
            timeout: Some(Duration::from_secs(10)),
        })
        .build()
        .expect("valid");
    let (go, handler) = waiting();
    let server = start(Server::new(listener(), handler).config(config));
    let mut stream = raw_client(server.address);
    stream.write_all(b"\x81\x82\0\0\0\0hi").expect("the server reads");
    for _ in 0..3 {
        let [0x89, 8, payload @ ..] = read_exact::<10>(&mut stream) else {
            panic!("no keepalive ping");
        };
        let mut pong = b"\x8a\x88\0\0\0\0".to_vec();
        pong.extend_from_slice(&payload);
        stream.write_all(&pong).expect("the server reads");
    }
    drop(go);
}

#[test]
fn a_peer_that_shows_no_sign_of_life_is_given_up() {
    let server = listener();
    let address = server.local_addr().expect("an address");
    let config = Config::builder()
        .keepalive(Keepalive {
            interval: Duration::from_millis(20),
            timeout: Some(Duration::from_millis(20)),
        })
        .close_timeout(Duration::from_millis(100))
        .build()
        .expect("valid");
    let client = in_background(move || {
        let mut ws = Connect::new(format!("ws://{address}/"))
            .config(config)
            .open()
            .expect("the server accepts");
        let end = ws.recv().expect_err("the peer is dead");
        (end, ws.phase(), ws.send("more").is_err())
    });
    let _silent = raw_server(&server);
    let (end, phase, refused) = client.recv_timeout(PATIENCE).expect("the client gives up");
    assert!(
        matches!(end, Error::Protocol(ProtocolError::KeepaliveTimeout { .. })),
        "{end:?}"
    );
    assert_eq!(phase, Phase::Ended);
    assert!(refused);
}

#[test]
fn a_blocked_write_does_not_keep_anyone_from_receiving() {
    let server = listener();
    let address = server.local_addr().expect("an address");
    let (tell, told) = mpsc::channel();
    let client = in_background(move || {
        let (sender, mut receiver) = connect(format!("ws://{address}/"))
            .open()
            .expect("the server accepts")
            .split();
        let blocked = in_background(move || sender.send(vec![0; 64 << 20]));
        let message = receiver
            .recv()
            .map(|message| message.map(|message| message.len()));
        let _ = tell.send(message.expect("a message"));
        (blocked, receiver)
    });
    // It never reads what the client sends.
    let mut stream = raw_server(&server);
    stream.write_all(b"\x81\x02hi").expect("the client reads");
    assert_eq!(told.recv_timeout(PATIENCE).expect("the client receives"), Some(2));
    let (blocked, _receiver) = client.recv_timeout(PATIENCE).expect("the client goes on");
    assert!(
        matches!(blocked.try_recv(), Err(mpsc::TryRecvError::Empty)),
        "64 MiB fit no socket"
    );
}

#[test]
fn two_peers_that_both_only_send_end_and_do_not_hang() {
    let config = Config::builder()
        .write_timeout(Duration::from_millis(200))
        .build()
        .expect("valid");
    let send_only = |ws: &WebSocket| -> Error {
        loop {
            if let Err(error) = ws.send(vec![0; 1 << 20]) {
                return error;
            }
        }
    };
    let (tell, told) = mpsc::channel();
    let server = start(
        Server::new(listener(), move |ws: WebSocket| {
            let _ = tell.send(send_only(&ws));
            Ok(())
        })
        .config(config.clone()),
    );
    let url = server.url();
    let ours = bounded(move || {
        let ws = Connect::new(url)
            .config(config)
            .open()
            .expect("the server accepts");
        send_only(&ws)
    });
    let theirs = told.recv_timeout(PATIENCE).expect("the server gives up");
    // Whoever gives up first takes the connection from the other.
    assert!(
        [&ours, &theirs]
            .iter()
            .any(|error| matches!(error, Error::Protocol(ProtocolError::PeerNotReading { .. }))),
        "{ours:?}, {theirs:?}"
    );
}

#[test]
fn a_flood_of_pings_costs_the_latest_answers_only_and_keeps_the_connection() {
    let server = serve(crate::support::echo);
    let mut stream = raw_client(server.address);
    let mut flood = b"\x89\x80\0\0\0\0".repeat(10_000);
    flood.extend_from_slice(b"\x81\x82\0\0\0\0hi");
    let mut writer = stream.try_clone().expect("a descriptor");
    let writing = in_background(move || writer.write_all(&flood));
    loop {
        match read_exact::<2>(&mut stream) {
            [0x8a, 0] => {}
            [0x81, 2] => break,
            other => panic!("{other:?}"),
        }
    }
    writing
        .recv_timeout(PATIENCE)
        .expect("all is read")
        .expect("all is read");
}
