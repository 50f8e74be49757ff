use std::time::Duration;

use tidewire_blocking::{Accept, Connect, Error, Message, connect};

use crate::support::{bounded, echo, in_background, listener, serve};

#[test]
fn messages_of_both_types_and_any_length_come_back() {
    let server = serve(echo);
    let url = server.url();
    bounded(move || {
        let mut ws = connect(url).open()?;
        for len in [0, 1, 125, 126, 65535, 65536, 1 << 20] {
            let text = Message::from("x".repeat(len));
            ws.send(text.clone())?;
            assert!(ws.recv()? == Some(text), "text of {len} bytes");
            let bytes = Message::from(vec![0x82; len]);
            ws.send(bytes.clone())?;
            assert!(ws.recv()? == Some(bytes), "{len} bytes");
        }
        ws.close(1000, "done")?;
        assert!(ws.recv()?.is_none());
        Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    })
    .expect("the echo works");
}

#[test]
fn a_server_may_speak_first_and_the_client_iterates() {
    let server = serve(|ws| {
        ws.send("one")?;
        ws.send("two")
    });
    let url = server.url();
    let texts = bounded(move || {
        let ws = connect(url).open().expect("the server accepts");
        ws.collect::<Result<Vec<_>, Error>>()
    });
    assert_eq!(
        texts.expect("the close is clean"),
        [Message::from("one"), Message::from("two")]
    );
}

#[test]
fn any_stream_carries_a_connection() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("a pair");
    let server = in_background(move || -> Result<(), Error> {
        let mut ws = Accept::new().accept(theirs)?;
        while let Some(message) = ws.recv()? {
            ws.send(message)?;
        }
        Ok(())
    });
    bounded(move || {
        let mut ws = Connect::new("ws://localhost/").over(ours)?;
        ws.send("over a pair")?;
        assert_eq!(ws.recv()?, Some("over a pair".into()));
        ws.close(1000, "")?;
        Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    })
    .expect("the echo works");
    server
        .recv_timeout(Duration::from_secs(5))
        .expect("the server ends")
        .expect("its end is clean");
}

#[test]
fn a_ping_gives_the_round_trip_also_while_nobody_receives() {
    let server = serve(echo);
    let url = server.url();
    bounded(move || {
        let ws = connect(url).open().expect("the server accepts");
        let round_trip = ws.ping().expect("the server answers");
        assert!(round_trip > Duration::ZERO);
        assert_eq!(ws.latency(), Some(round_trip));
        ws.ping_with(b"again").expect("the server answers");
        drop(listener());
    });
}
