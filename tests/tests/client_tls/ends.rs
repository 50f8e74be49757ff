//! How a connection over TLS ends.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tidewire_blocking::rustls::{ServerConfig, ServerConnection, StreamOwned};
use tidewire_tests::live::{ADAPTERS, Authority, Validity, consent};
use tidewire_tokio::{Config, Error};

use crate::support::{PATIENCE, open, parts, settings, url};

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// A server made by hand: takes the request of one client after the other, and does the same to each.
fn by_hand(
    config: ServerConfig,
    then: impl Fn(Stream, &str) + Send + 'static,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let config = Arc::new(config);
    let serving = thread::spawn(move || {
        for _ in ADAPTERS {
            let (stream, _) = listener.accept().expect("a client");
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            let connection = ServerConnection::new(config.clone()).expect("good settings");
            let mut stream = StreamOwned::new(connection, stream);
            let head = request(&mut stream);
            then(stream, &head);
        }
    });
    (address, serving)
}

fn request(stream: &mut Stream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a request");
        head.extend(byte);
    }
    String::from_utf8(head).expect("text")
}

fn say(stream: &mut Stream, bytes: &[u8]) {
    stream.write_all(bytes).expect("a client that reads");
    stream.flush().expect("a client that reads");
}

fn config(authority: &Authority) -> ServerConfig {
    let (chain, key) = parts(&authority.sign(&["localhost"], Validity::Now));
    settings()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate and its key")
}

#[test]
fn an_end_without_a_word_of_tls_is_clean_behind_the_closing_handshake() {
    let authority = Authority::new("ours");
    let (address, serving) = by_hand(config(&authority), |mut stream, head| {
        say(&mut stream, &consent(head, ""));
        say(&mut stream, b"\x81\x02hi\x88\x02\x03\xe8");
        // The answer to the Close: its header, a masking key and the code.
        stream.read_exact(&mut [0; 8]).expect("an answer");
        // No close_notify: rustls would have to be told to say it.
        drop(stream);
    });
    for adapter in ADAPTERS {
        let tls = authority.client();
        let mut client = open(adapter, &url("localhost", address), Some(&tls), Config::default())
            .expect("a trusted server");
        assert_eq!(client.recv().expect("a message"), Some("hi".into()));
        assert_eq!(client.recv().expect("a good end"), None, "{adapter:?}");
        let closed = client.wait_closed();
        assert!(closed.is_clean(), "{adapter:?}: {closed:?}");
    }
    serving.join().expect("a server that is content");
}

#[test]
fn an_end_without_a_word_of_tls_is_1006_before_the_closing_handshake() {
    let authority = Authority::new("ours");
    let (address, serving) = by_hand(config(&authority), |mut stream, head| {
        say(&mut stream, &consent(head, ""));
        say(&mut stream, b"\x81\x02hi");
        drop(stream);
    });
    for adapter in ADAPTERS {
        let tls = authority.client();
        let mut client = open(adapter, &url("localhost", address), Some(&tls), Config::default())
            .expect("a trusted server");
        assert_eq!(client.recv().expect("it came before"), Some("hi".into()));
        let error = client.recv().expect_err("there was no Close");
        assert!(
            matches!(&error, Error::Closed(closed) if closed.code().as_u16() == 1006 && !closed.is_clean()),
            "{adapter:?}: {error:?}"
        );
    }
    serving.join().expect("a server that is content");
}

#[test]
fn an_end_without_a_word_of_tls_completes_a_refusal() {
    let authority = Authority::new("ours");
    let (address, serving) = by_hand(config(&authority), |mut stream, _| {
        say(&mut stream, b"HTTP/1.0 401 Unauthorized\r\n\r\nwho are you");
        drop(stream);
    });
    for adapter in ADAPTERS {
        let tls = authority.client();
        let refused = open(adapter, &url("localhost", address), Some(&tls), Config::default());
        let error = refused.expect_err("a refusal");
        let response = error.response();
        let said = response.map(|response| (response.status(), response.content()));
        assert_eq!(said, Some((401, &b"who are you"[..])), "{adapter:?}: {error:?}");
    }
    serving.join().expect("a server that is content");
}
