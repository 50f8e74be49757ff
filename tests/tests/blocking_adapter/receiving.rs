use std::io::Write as _;
use std::time::Duration;

use tidewire_blocking::{RecvTimeoutError, connect};

use crate::support::{PATIENCE, bounded, echo, in_background, listener, raw_server, serve};

#[test]
fn a_receive_timeout_loses_nothing() {
    let server = listener();
    let address = server.local_addr().expect("an address");
    let (go, wait) = std::sync::mpsc::channel();
    let client = in_background(move || {
        let mut ws = connect(format!("ws://{address}/"))
            .open()
            .expect("the server accepts");
        let nothing = ws.recv_timeout(Duration::ZERO);
        assert!(matches!(nothing, Err(RecvTimeoutError::Timeout)), "{nothing:?}");
        let half = ws.recv_timeout(Duration::from_millis(50));
        assert!(matches!(half, Err(RecvTimeoutError::Timeout)), "{half:?}");
        let _ = go.send(());
        ws.recv_timeout(PATIENCE)
    });
    let mut stream = raw_server(&server);
    stream.write_all(b"\x81\x05he").expect("the client reads");
    wait.recv_timeout(PATIENCE).expect("the client waits in vain");
    stream.write_all(b"llo").expect("the client reads");
    let message = client.recv_timeout(PATIENCE).expect("the client goes on");
    assert_eq!(message.expect("a message"), Some("hello".into()));
}

#[test]
fn a_receive_timeout_tells_the_end() {
    let server = serve(echo);
    let url = server.url();
    bounded(move || {
        let mut ws = connect(url).open().expect("the server accepts");
        ws.close(1000, "").expect("a code that may be sent");
        assert!(matches!(ws.recv_timeout(PATIENCE), Ok(None)));
    });
}

#[test]
fn what_was_read_ahead_is_given_in_order_and_within_the_bound() {
    let server = serve(|ws| {
        for number in 0..200 {
            ws.send(format!("{number}"))?;
        }
        ws.wait_closed();
        Ok(())
    });
    let url = server.url();
    bounded(move || {
        let mut ws = connect(url).open().expect("the server accepts");
        // The keeper reads while this waits; the answer stands behind more than it may take, or not.
        for number in 0..200 {
            let message = ws.recv().expect("it goes on").expect("it goes on");
            assert_eq!(message.as_text(), Some(number.to_string().as_str()));
            if number == 184 {
                ws.ping()
                    .expect("no more than 15 messages stand before the answer");
            }
        }
        ws.close(1000, "").expect("a code that may be sent");
    });
}
