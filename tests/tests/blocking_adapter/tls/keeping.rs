//! What goes on over TLS while the application does something else, or waits.

use std::io::Write as _;
use std::sync::mpsc;
use std::time::Duration;

use tidewire_blocking::rustls::version::TLS13;
use tidewire_blocking::{Config, Error, Keepalive, ProtocolError};

use super::{VERSIONS, accepted};
use crate::support::{PATIENCE, bounded, in_background, read_exact};

/// A Ping of a client with 125 bytes; the masking key is zero.
fn ping(payload: u8) -> Vec<u8> {
    let mut frame = b"\x89\xfd\0\0\0\0".to_vec();
    frame.resize(6 + 125, payload);
    frame
}

#[test]
fn pings_are_answered_while_the_application_is_elsewhere() {
    for version in VERSIONS {
        bounded(move || {
            let (_ws, mut client) = accepted(version, Config::default());
            for payload in b"abc" {
                client
                    .write_all(&[0x89, 0x81, 0, 0, 0, 0, *payload])
                    .expect("the server reads");
                assert_eq!(&read_exact::<3>(&mut client), &[0x8a, 1, *payload]);
            }
        });
    }
}

#[test]
fn pings_are_answered_however_they_lie_in_records() {
    for version in VERSIONS {
        bounded(move || {
            let (_ws, mut client) = accepted(version, Config::default());
            // Far more than is read at once; the answers to the latest come.
            let mut flood = ping(b'a').repeat(3000);
            flood.extend(ping(b'z'));
            client.write_all(&flood).expect("the server reads");
            loop {
                let [0x8a, 125, payload @ ..] = read_exact::<127>(&mut client) else {
                    panic!("no pong");
                };
                if payload == [b'z'; 125] {
                    break;
                }
            }
        });
    }
}

#[test]
fn a_ping_behind_a_message_in_the_same_record_is_answered_when_the_application_took_that() {
    bounded(|| {
        let (mut ws, mut client) = accepted(&TLS13, Config::default());
        // A message that fills the first record, and a bit more in the second.
        let mut bytes = b"\x82\xfe\x3f\xf8\0\0\0\0".to_vec();
        bytes.resize(8 + 0x3ff8, 7);
        bytes.extend(ping(b'p'));
        client.write_all(&bytes).expect("the server reads");
        let message = ws.recv().expect("open").expect("a message");
        assert_eq!(message.len(), 0x3ff8);
        assert_eq!(read_exact::<127>(&mut client)[..2], [0x8a, 125]);
    });
}

#[test]
fn keepalive_keeps_a_connection_that_nobody_uses() {
    bounded(|| {
        let config = Config::builder()
            .keepalive(Keepalive {
                interval: Duration::from_millis(30),
                timeout: Some(Duration::from_secs(10)),
            })
            .build()
            .expect("valid");
        let (_ws, mut client) = accepted(&TLS13, config);
        for _ in 0..3 {
            let [0x89, 8, payload @ ..] = read_exact::<10>(&mut client) else {
                panic!("no keepalive ping");
            };
            let mut pong = b"\x8a\x88\0\0\0\0".to_vec();
            pong.extend_from_slice(&payload);
            client.write_all(&pong).expect("the server reads");
        }
    });
}

#[test]
fn a_blocked_write_does_not_keep_anyone_from_receiving_over_tls() {
    for version in VERSIONS {
        bounded(move || {
            // It never reads what we send.
            let (ws, mut client) = accepted(version, Config::default());
            let (sender, mut receiver) = ws.split();
            let blocked = in_background(move || sender.send(vec![0; 16 << 20]));
            for _ in 0..3 {
                client.write_all(b"\x81\x82\0\0\0\0hi").expect("the server reads");
                assert_eq!(receiver.recv().expect("open"), Some("hi".into()));
            }
            assert!(
                matches!(blocked.try_recv(), Err(mpsc::TryRecvError::Empty)),
                "16 MiB fit no socket"
            );
        });
    }
}

#[test]
fn a_peer_that_stops_reading_is_given_up() {
    for version in VERSIONS {
        bounded(move || {
            let config = Config::builder()
                .write_timeout(Duration::from_millis(200))
                .build()
                .expect("valid");
            let (ws, _client) = accepted(version, config);
            let error = ws.send(vec![0; 16 << 20]).expect_err("nobody reads");
            assert!(
                matches!(error, Error::Protocol(ProtocolError::PeerNotReading { .. })),
                "{error:?}"
            );
        });
    }
}

#[test]
fn what_a_full_socket_left_with_tls_leaves_when_there_is_room() {
    bounded(|| {
        let (ws, mut client) = accepted(&TLS13, Config::default());
        let ws = std::sync::Arc::new(ws);
        let sending = {
            let ws = ws.clone();
            in_background(move || {
                for _ in 0..64 {
                    ws.send(vec![7; 16 * 1024 - 4]).expect("open");
                }
            })
        };
        for number in 0..64 {
            let frame = read_exact::<{ 16 * 1024 }>(&mut client);
            assert_eq!(frame[..5], *b"\x82\x7e\x3f\xfc\x07", "message {number}");
        }
        sending.recv_timeout(PATIENCE).expect("all leaves");
    });
}
