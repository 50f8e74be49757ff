//! Servers that do not speak TLS, or nothing at all.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use tidewire_tests::live::{ADAPTERS, Authority, Running};
use tidewire_tokio::{Config, HandshakeError, TlsReason};

use crate::support::{PATIENCE, open, reason, url};

/// Does the same to everybody who comes.
fn stranger(answer: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("a client");
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            answer(stream);
        }
    });
    address
}

fn read_hello(stream: &mut TcpStream) {
    let mut header = [0; 5];
    stream.read_exact(&mut header).expect("a client that begins");
    let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    stream.read_exact(&mut hello).expect("all of it");
    assert_eq!(header[0], 22, "a record of the handshake");
}

#[test]
fn a_server_that_answers_in_the_clear_is_told_to_speak_no_tls() {
    for words in ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"] {
        let address = stranger(move |mut stream| {
            read_hello(&mut stream);
            stream.write_all(words.as_bytes()).expect("a client that reads");
            stream.shutdown(Shutdown::Write).expect("an open stream");
            let _ = stream.read_to_end(&mut Vec::new());
        });
        for adapter in ADAPTERS {
            let tls = Authority::new("ours").client();
            let result = open(adapter, &url("localhost", address), Some(&tls), Config::default());
            assert_eq!(reason(result), TlsReason::NotTls, "{adapter:?}");
        }
    }
}

#[test]
fn a_server_of_ours_without_tls_is_told_to_speak_none() {
    let server = Running::on_threads(|listener| {
        tidewire_blocking::Server::new(listener, |_| Ok::<(), tidewire_blocking::Error>(()))
    });
    for adapter in ADAPTERS {
        let tls = Authority::new("ours").client();
        let result = open(
            adapter,
            &url("localhost", server.address()),
            Some(&tls),
            Config::default(),
        );
        let Err(error) = &result else {
            panic!("{adapter:?}");
        };
        assert_eq!(
            error.to_string(),
            "TLS handshake with localhost: peer does not speak TLS"
        );
    }
}

#[test]
fn a_server_that_ends_in_between_is_an_unexpected_end() {
    for begun in [&b""[..], b"\x16\x03\x03\x00\x7a\x02"] {
        let address = stranger(move |mut stream| {
            read_hello(&mut stream);
            stream.write_all(begun).expect("a client that reads");
        });
        for adapter in ADAPTERS {
            let tls = Authority::new("ours").client();
            let result = open(adapter, &url("localhost", address), Some(&tls), Config::default());
            assert!(
                matches!(result, Err(HandshakeError::UnexpectedEnd)),
                "{adapter:?}: {result:?}"
            );
        }
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_the_time_to_open() {
    let config = Config::builder()
        .open_timeout(Duration::from_millis(300))
        .build()
        .expect("no contradiction");
    for begun in [&b""[..], b"\x16\x03\x03\x00\x7a\x02"] {
        let address = stranger(move |mut stream| {
            read_hello(&mut stream);
            stream.write_all(begun).expect("a client that reads");
            let _ = stream.read_to_end(&mut Vec::new());
        });
        for adapter in ADAPTERS {
            let tls = Authority::new("ours").client();
            let started = Instant::now();
            let result = open(adapter, &url("localhost", address), Some(&tls), config.clone());
            let error = result.expect_err("half a handshake").to_string();
            assert_eq!(
                error, "opening handshake timed out in TLS with localhost",
                "{adapter:?}"
            );
            assert!(started.elapsed() < PATIENCE / 2, "{adapter:?}");
        }
    }
}
