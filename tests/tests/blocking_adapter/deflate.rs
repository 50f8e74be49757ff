//! permessage-deflate on threads.

use std::io::Write as _;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use tidewire_blocking::{Accept, Connect, Deflate, Error, Message, Prepared, Server};

use crate::support::{bounded, echo, listener, start};

fn json(len: usize) -> String {
    "{\"id\":12345,\"name\":\"somebody\",\"tags\":[\"a\",\"b\"]},".repeat(len / 48)
}

#[test]
fn messages_come_back_and_are_smaller_on_the_wire() -> Result<(), Error> {
    bounded(|| {
        for settings in [
            Deflate::builder(),
            Deflate::builder().server_no_context_takeover(),
            Deflate::builder().client_no_context_takeover().level(6),
        ] {
            let deflate = settings.build().expect("no contradiction");
            let server = start(Server::new(listener(), echo).deflate(deflate.clone()));
            let mut ws = Connect::new(server.url()).deflate(deflate).open()?;
            assert_eq!(ws.handshake().extensions().count(), 1);
            for len in [0, 1, 64, 1024, 20_000, 300_000] {
                for message in [Message::from(json(len)), Message::from(json(len).into_bytes())] {
                    ws.send(message.clone())?;
                    assert_eq!(ws.recv()?, Some(message));
                }
            }
            let prepared = Prepared::new(json(5000));
            ws.send(&prepared)?;
            assert_eq!(ws.recv()?, Some(json(5000).into()));
            let traffic = ws.metrics().traffic;
            assert!(traffic.bytes_sent * 5 < traffic.payload_sent, "{traffic:?}");
            assert!(
                traffic.bytes_received * 5 < traffic.payload_received,
                "{traffic:?}"
            );
            let before = ws.metrics().traffic.bytes_sent;
            ws.send(Message::from(json(5000)).uncompressed())?;
            assert!(ws.metrics().traffic.bytes_sent - before > json(5000).len() as u64);
            ws.close(1000, "")?;
        }
        Ok(())
    })
}

#[test]
fn a_broken_stream_ends_the_connection_with_1007() -> Result<(), Box<dyn std::error::Error>> {
    let (mut peer, ours) = UnixStream::pair()?;
    peer.write_all(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    )?;
    let mut ws = Accept::new().deflate(Deflate::default()).accept(ours)?;
    peer.write_all(b"\xc1\x82\0\0\0\0\xff\xff")?;
    peer.shutdown(Shutdown::Write)?;
    let ended = bounded(move || ws.recv());
    assert!(
        matches!(ended, Err(Error::Protocol(error)) if error.close_code().as_u16() == 1007),
        "{ended:?}"
    );
    Ok(())
}
