//! permessage-deflate on threads.

use std::io::Write as _;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use flate2::{Compress, Compression, FlushCompress};
use tidewire_blocking::{Accept, Config, Connect, Deflate, Error, Limits, Message, Prepared, Server};

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

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

#[test]
fn a_broken_stream_ends_the_connection_with_1007() -> Result<(), Box<dyn std::error::Error>> {
    let (mut peer, ours) = UnixStream::pair()?;
    peer.write_all(REQUEST)?;
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

#[test]
fn a_bomb_leaves_the_connection_to_other_threads_meanwhile() -> Result<(), Box<dyn std::error::Error>> {
    const LEN: usize = 80 << 20;
    let mut bomb = Vec::with_capacity(LEN / 500);
    Compress::new(Compression::best(), false).compress_vec(&vec![0; LEN], &mut bomb, FlushCompress::Sync)?;
    bomb.truncate(bomb.len() - 4);
    let mut frame = vec![0xc2, 0xff];
    frame.extend((bomb.len() as u64).to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(&bomb);
    let config = Config::builder().limits(Limits::default().message(LEN)).build()?;
    // In how much of the time that it takes to receive it another thread waited for once; other processes may be why.
    let mut waited = Vec::new();
    while waited.len() < 10 && waited.iter().all(|part| *part > 0.2) {
        let (mut peer, ours) = UnixStream::pair()?;
        peer.write_all(REQUEST)?;
        let accept = Accept::new().config(config.clone()).deflate(Deflate::default());
        let (sender, mut receiver) = accept.accept(ours)?.split();
        let bytes = frame.clone();
        let writing = thread::spawn(move || peer.write_all(&bytes).map(|()| peer));
        let start = Instant::now();
        let receiving = thread::spawn(move || receiver.recv().map(|message| message.map(|data| data.len())));
        let mut longest = Duration::ZERO;
        while !receiving.is_finished() {
            let before = Instant::now();
            let _ = sender.metrics();
            longest = longest.max(before.elapsed());
        }
        assert_eq!(receiving.join().expect("no panic")?, Some(LEN));
        waited.push(longest.as_secs_f64() / start.elapsed().as_secs_f64());
        drop(writing.join().expect("no panic")?);
    }
    assert!(waited.iter().any(|part| *part <= 0.2), "{waited:?}");
    Ok(())
}
