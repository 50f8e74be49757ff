//! A Unix socket in place of a host.

use std::io;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tidewire_blocking::socket2::{Domain, SockAddr, Socket, Type};
use tidewire_blocking::{DialError, Server};
use tidewire_tests::connect_by;
use tidewire_tests::live::{ADAPTERS, Running, bounded_now};

use crate::support::{URL, dial_error, tell, told, watched, within};

#[test]
fn a_unix_socket_is_asked_for_what_the_url_says() {
    bounded_now(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("server.sock");
        let listener = UnixListener::bind(&path).expect("a path");
        let server = Running::on_threads(|tcp| Server::new(tcp, tell).listener(listener));
        for adapter in ADAPTERS {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let options = watched(&seen).send_buffer(10_000);
            let opened = connect_by!(adapter, URL, unix(&path), socket_options(options));
            let mut client = opened.expect("a server");
            assert_eq!(told(&mut client), " asks example.com");
            let seen = seen.lock().expect("no panic");
            let size = seen.first().expect("one").send_buffer_size().expect("an option");
            assert!((10_000..=20_000).contains(&size), "{size}");
        }
        server.stop(Duration::ZERO);

        let nobody = folder.path().join("nobody.sock");
        for adapter in ADAPTERS {
            let error = dial_error(connect_by!(adapter, URL, unix(&nobody)));
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("{} cannot be reached: ", nobody.display())),
                "{text}"
            );
            assert!(matches!(error, DialError::Unix { .. }), "{error:?}");
        }
    });
}

/// A Unix socket in whose queue is no room, and whoever is in it.
fn full(path: &Path) -> (Socket, Vec<Socket>) {
    let address = SockAddr::unix(path).expect("a short path");
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    listener.bind(&address).expect("a path");
    listener.listen(0).expect("a listener");
    let mut held = Vec::new();
    loop {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        socket.set_nonblocking(true).expect("a flag");
        match socket.connect(&address) {
            Ok(()) => held.push(socket),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return (listener, held),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_unix_socket_whose_queue_is_full_is_waited_for() {
    bounded_now(|| {
        let folder = tempfile::tempdir().expect("a folder");
        for adapter in ADAPTERS {
            let path = folder.path().join(format!("{adapter:?}.sock"));
            let (listener, held) = full(&path);
            let short = within(Duration::from_millis(30));
            let end = connect_by!(adapter, URL, unix(&path), config(short)).map(drop);
            let error = end.expect_err("a full queue").to_string();
            let expected = format!(
                "opening handshake timed out while connecting to {}",
                path.display()
            );
            assert_eq!(error, expected, "{adapter:?}");

            let tries = Arc::new(Mutex::new(Vec::new()));
            let options = watched(&tries);
            let opening = thread::spawn(move || {
                connect_by!(adapter, URL, unix(path), socket_options(options)).map(drop)
            });
            while tries.lock().expect("no panic").is_empty() {
                thread::yield_now();
            }
            drop(held);
            let server =
                Running::on_threads(|tcp| Server::new(tcp, tell).listener(UnixListener::from(listener)));
            opening.join().expect("no panic").expect("a server");
            server.stop(Duration::ZERO);
        }
    });
}
