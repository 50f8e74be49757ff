//! How TLS ends, with and without a word.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;

use tidewire_blocking::rustls::AlertDescription;
use tidewire_blocking::rustls::Error as TlsFailure;
use tidewire_blocking::rustls::version::TLS13;
use tidewire_blocking::{Config, Error, Phase, Transport};

use super::{Client, VERSIONS, accepted, shaken};
use crate::support::{PATIENCE, bounded, in_background, read_exact, read_rest};

/// Closes the client's side of TLS, but not its stream.
fn say_end(client: &mut Client) {
    client.conn.send_close_notify();
    client.flush().expect("the server reads");
}

#[test]
fn a_close_ends_tls_and_then_the_stream() {
    for version in VERSIONS {
        bounded(move || {
            let (ws, mut client) = accepted(version, Config::default());
            drop(ws);
            assert_eq!(&read_exact::<4>(&mut client), b"\x88\x02\x03\xe8");
            client
                .write_all(b"\x88\x82\0\0\0\0\x03\xe8")
                .expect("the server reads");
            // Without the word for it, rustls would call this end unexpected.
            assert!(read_rest(&mut client).is_empty());
            let mut behind = Vec::new();
            client
                .sock
                .read_to_end(&mut behind)
                .expect("the stream ends without a reset");
            assert!(behind.is_empty());
        });
    }
}

#[test]
fn a_peer_that_ends_tls_without_a_close_is_not_clean() {
    for version in VERSIONS {
        bounded(move || {
            let (mut ws, mut client) = accepted(version, Config::default());
            client.write_all(b"\x81\x82\0\0\0\0hi").expect("the server reads");
            say_end(&mut client);
            assert_eq!(ws.recv().expect("it came before"), Some("hi".into()));
            let error = ws.recv().expect_err("there was no Close");
            assert!(
                matches!(&error, Error::Closed(closed) if closed.code().as_u16() == 1006),
                "{error:?}"
            );
        });
    }
}

#[test]
fn the_end_of_tls_is_seen_while_the_application_is_elsewhere() {
    for version in VERSIONS {
        bounded(move || {
            let (ws, mut client) = accepted(version, Config::default());
            // In one piece with what comes before, and the stream stays open.
            client
                .conn
                .writer()
                .write_all(b"\x81\x82\0\0\0\0hi")
                .expect("room");
            say_end(&mut client);
            let closed = ws.wait_closed();
            assert_eq!(closed.code().as_u16(), 1006);
            assert_eq!(ws.phase(), Phase::Ended);
        });
    }
}

#[test]
fn a_connection_that_is_cut_ends_without_an_error_of_tls() {
    for version in VERSIONS {
        bounded(move || {
            let (mut ws, client) = accepted(version, Config::default());
            let (_, stream) = client.into_parts();
            drop(stream);
            let error = ws.recv().expect_err("there was no Close");
            assert!(
                matches!(&error, Error::Closed(closed) if closed.code().as_u16() == 1006),
                "{error:?}"
            );
        });
    }
}

#[test]
fn a_clean_close_stays_clean_where_tls_is_cut() {
    for version in VERSIONS {
        bounded(move || {
            let (mut ws, mut client) = accepted(version, Config::default());
            client
                .write_all(b"\x88\x82\0\0\0\0\x03\xe8")
                .expect("the server reads");
            let cutting = in_background(move || {
                let answer = read_exact::<4>(&mut client);
                let (_, stream) = client.into_parts();
                drop(stream);
                answer
            });
            assert!(ws.recv().expect("both Close frames were sent").is_none());
            assert_eq!(
                cutting.recv_timeout(PATIENCE).expect("an answer"),
                *b"\x88\x02\x03\xe8"
            );
        });
    }
}

#[test]
fn a_record_that_was_tampered_with_ends_the_connection_and_is_told() {
    for version in VERSIONS {
        bounded(move || {
            let (mut ws, mut client) = accepted(version, Config::default());
            // Nobody who has the key wrote this.
            client
                .sock
                .write_all(b"\x17\x03\x03\x00\x20aaaaaaaabbbbbbbbccccccccdddddddd")
                .expect("the server reads");
            let error = ws.recv().expect_err("nobody wrote this");
            let Error::Io(error) = &error else {
                panic!("{error:?}");
            };
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
            assert_eq!(cause, Some(&TlsFailure::DecryptError));
            let told = client.read(&mut [0; 16]).expect_err("an alert came");
            let told = told
                .get_ref()
                .and_then(|cause| cause.downcast_ref::<TlsFailure>());
            assert_eq!(
                told,
                Some(&TlsFailure::AlertReceived(AlertDescription::BadRecordMac))
            );
        });
    }
}

#[test]
fn the_word_that_did_not_fit_leaves_with_a_flush() {
    bounded(|| {
        let (ours, mut client) = shaken(&TLS13);
        let mut sent = 0;
        while !ours.holds_output() {
            sent += ours
                .write(&[7; 1024], Some(std::time::Duration::ZERO))
                .expect("there is room, or it is kept");
        }
        ours.shutdown(Shutdown::Write).expect("it is kept");
        assert!(ours.holds_output());
        let reading = in_background(move || {
            let mut bytes = Vec::new();
            client.read_to_end(&mut bytes).map(|_| bytes.len())
        });
        ours.flush(Some(PATIENCE)).expect("the client reads");
        assert!(!ours.holds_output());
        let read = reading.recv_timeout(PATIENCE).expect("the stream ends");
        assert_eq!(read.expect("with the word for it"), sent);
    });
}

#[test]
fn nobody_waits_for_the_word_when_a_connection_is_dropped_whose_peer_does_not_read() {
    bounded(|| {
        let (ours, _client) = shaken(&TLS13);
        while !ours.holds_output() {
            ours.write(&[7; 1024], Some(std::time::Duration::ZERO))
                .expect("there is room, or it is kept");
        }
        ours.shutdown(Shutdown::Both).expect("it is open");
        let mut buffer = Vec::with_capacity(16);
        assert_eq!(ours.read(&mut buffer, None).expect("it was ended"), 0);
    });
}
