use std::sync::{Arc, Mutex};
use std::thread;

use tidewire_blocking::{Accept, CloseCode, Connect, Error, Server, WebSocket, connect};

use crate::support::{PATIENCE, bounded, echo, in_background, listener, serve, start};

#[test]
fn a_handler_that_fails_or_panics_costs_its_own_connection_only() {
    let server = serve(
        |mut ws: WebSocket| match ws.recv()?.as_ref().and_then(|m| m.as_text()) {
            Some("fail") => Err(std::io::Error::other("on purpose")).map_err(|e| Error::Io(Arc::new(e))),
            Some("panic") => panic!("on purpose"),
            _ => Ok(()),
        },
    );
    for (word, code) in [("fail", 1011), ("panic", 1011), ("end", 1000)] {
        let url = server.url();
        let closed = bounded(move || {
            let ws = connect(url).open().expect("the server goes on");
            ws.send(word).expect("the server reads");
            ws.wait_closed()
        });
        assert_eq!(closed.code(), CloseCode::from(code), "{word}");
        assert!(closed.is_clean(), "{word}");
    }
}

#[test]
fn a_handler_that_drops_its_connection_early_still_decides_how_it_closes() {
    let server = serve(|ws: WebSocket| {
        drop(ws);
        thread::yield_now();
        Err(Error::Send(tidewire_blocking::SendError::Closed))
    });
    let url = server.url();
    let closed = bounded(move || connect(url).open().expect("the server accepts").wait_closed());
    assert_eq!(closed.code(), CloseCode::INTERNAL_ERROR);
}

#[test]
fn run_serves_any_stream() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("a pair");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seen_there = seen.clone();
    let server = in_background(move || -> Result<(), Error> {
        Accept::new().accept(theirs)?.run(|mut ws| {
            while let Some(message) = ws.recv()? {
                seen_there.lock().expect("one handler").push(message);
                if seen_there.lock().expect("one handler").len() == 2 {
                    break;
                }
            }
            Ok(())
        })
    });
    let closed = bounded(move || {
        let ws = Connect::new("ws://localhost/")
            .over(ours)
            .expect("the server accepts");
        ws.send("one").expect("the server reads");
        ws.send("two").expect("the server reads");
        ws.wait_closed()
    });
    server
        .recv_timeout(PATIENCE)
        .expect("run returns")
        .expect("with the handler's result");
    assert_eq!(closed.code(), CloseCode::from(1000));
    assert_eq!(
        *seen.lock().expect("the handler is done"),
        ["one".into(), "two".into()]
    );
}

#[test]
fn a_stack_of_64_kib_is_enough_for_an_echo() {
    let server = start(Server::new(listener(), echo).stack_size(64 * 1024));
    let url = server.url();
    bounded(move || {
        let mut ws = connect(url).open().expect("the server accepts");
        ws.send("x".repeat(100_000)).expect("the server reads");
        assert_eq!(
            ws.recv().expect("it goes on").map(|message| message.len()),
            Some(100_000)
        );
    });
}
