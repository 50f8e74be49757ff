use std::io::Write as _;
use std::time::{Duration, Instant};

use tidewire_blocking::{CloseCode, Config, Connect, Error, SendError, WebSocket, connect};

use crate::support::{
    PATIENCE, bounded, echo, in_background, listener, raw_client, raw_server, read_exact, read_rest, serve,
};

#[test]
fn a_client_closes_once_and_learns_how() {
    let server = serve(echo);
    let url = server.url();
    bounded(move || {
        let mut ws = connect(url).open().expect("the server accepts");
        assert_eq!(
            ws.close(1006, ""),
            Err(SendError::CloseCode { code: 1006.into() }),
            "and the connection goes on"
        );
        ws.send("on").expect("the server reads");
        assert_eq!(ws.recv().expect("it goes on"), Some("on".into()));
        ws.close(1000, "bye").expect("a code that may be sent");
        ws.close(1001, "again").expect("a second one does nothing");
        let closed = ws.wait_closed();
        assert!(closed.is_clean());
        assert_eq!(closed.code(), CloseCode::from(1000));
        assert_eq!(closed.sent().map(|sent| sent.reason.as_str()), Some("bye"));
        assert_eq!(ws.recv().expect("a clean end"), None);
        assert!(matches!(ws.send("more"), Err(Error::Send(SendError::Closed))));
    });
}

#[test]
fn a_server_that_closes_with_a_code_of_its_own_is_an_error_to_the_client() {
    let server = serve(|ws: WebSocket| {
        ws.send("last")?;
        ws.close(4001, "go away")?;
        Ok(())
    });
    let url = server.url();
    bounded(move || {
        let mut ws = connect(url).open().expect("the server accepts");
        assert_eq!(ws.recv().expect("messages come first"), Some("last".into()));
        for _ in 0..2 {
            let Err(Error::Closed(closed)) = ws.recv() else {
                panic!("not the end of the close");
            };
            assert_eq!((closed.code().as_u16(), closed.reason()), (4001, "go away"));
            assert!(closed.is_clean());
        }
        let mut errors = ws.filter_map(Result::err);
        assert!(errors.next().is_some());
        assert!(errors.next().is_none(), "an iteration ends with one error");
    });
}

#[test]
fn the_server_half_closes_after_the_frames_and_discards_the_rest() {
    let server = serve(echo);
    let mut stream = raw_client(server.address);
    stream
        .write_all(b"\x88\x82\0\0\0\0\x0f\xa0")
        .and_then(|()| stream.write_all(&[0; 1000]))
        .expect("the server reads");
    assert_eq!(read_rest(&mut stream), b"\x88\x02\x0f\xa0");
}

#[test]
fn an_abnormal_end_comes_after_the_complete_messages() {
    let server = listener();
    let address = server.local_addr().expect("an address");
    let client = in_background(move || {
        let mut ws = connect(format!("ws://{address}/"))
            .open()
            .expect("the server accepts");
        (ws.recv(), ws.recv(), ws.recv(), ws.closed())
    });
    let mut stream = raw_server(&server);
    // Two messages, and half of a third.
    stream
        .write_all(b"\x81\x01a\x81\x01b\x81\x05hal")
        .expect("the client reads");
    drop(stream);
    let (first, second, end, closed) = client.recv_timeout(PATIENCE).expect("the client ends");
    assert_eq!(first.expect("a message"), Some("a".into()));
    assert_eq!(second.expect("a message"), Some("b".into()));
    let Err(Error::Closed(why)) = end else {
        panic!("{end:?}");
    };
    assert_eq!(why.code(), CloseCode::ABNORMAL);
    assert!(closed.is_some_and(|closed| !closed.is_clean()));
}

#[test]
fn a_protocol_fault_is_answered_with_its_code() {
    let server = serve(echo);
    let mut stream = raw_client(server.address);
    // A text frame without a mask.
    stream.write_all(b"\x81\x02hi").expect("the server reads");
    assert_eq!(read_exact::<1>(&mut stream), *b"\x88");
    let rest = read_rest(&mut stream);
    assert_eq!(rest.get(1..3), Some(b"\x03\xea".as_slice()), "1002");
}

#[test]
fn a_peer_that_never_answers_a_close_costs_the_close_timeout() {
    let server = listener();
    let address = server.local_addr().expect("an address");
    let timeout = Duration::from_millis(100);
    let client = in_background(move || {
        let config = Config::builder().close_timeout(timeout).build().expect("valid");
        let ws = Connect::new(format!("ws://{address}/"))
            .config(config)
            .open()
            .expect("the server accepts");
        let start = Instant::now();
        ws.close(1000, "").expect("a code that may be sent");
        (start.elapsed(), ws.wait_closed())
    });
    let _silent = raw_server(&server);
    let (took, closed) = client.recv_timeout(PATIENCE).expect("close returns");
    assert!(took >= timeout, "{took:?}");
    assert!(!closed.is_clean());
    assert_eq!(closed.code(), CloseCode::ABNORMAL);
}

#[test]
fn a_close_behind_more_messages_than_are_read_ahead_is_seen_by_who_closes() {
    let server = serve(|mut ws: WebSocket| {
        for number in 0..100 {
            ws.send(format!("{number}"))?;
        }
        ws.recv().map(|_| ())
    });
    let url = server.url();
    bounded(move || {
        let mut ws = connect(url).open().expect("the server accepts");
        // Behind all of them.
        ws.recv().expect("it goes on");
        ws.close(1000, "").expect("a code that may be sent");
        assert!(ws.wait_closed().is_clean());
        let mut next = 1;
        while let Some(message) = ws.recv().expect("a clean end") {
            assert_eq!(
                message.as_text(),
                Some(next.to_string().as_str()),
                "none is missing"
            );
            next += 1;
        }
        assert!(next < 100, "the bound holds");
    });
}
