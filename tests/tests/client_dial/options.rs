//! What a socket is like, and from where it connects.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidewire_blocking::SocketOptions;
use tidewire_tests::live::{ADAPTERS, Client, bounded_now};

use crate::support::{dial_error, open, plain, refusing, server, silent, told, watched};

#[test]
fn a_server_sees_the_local_address_that_was_set() {
    bounded_now(|| {
        let server = server();
        let local = "127.0.0.2:0".parse().expect("an address");
        let silent = silent("[::1]:0");
        for adapter in ADAPTERS {
            // The other family is left out, where an attempt would wait without end.
            let addresses = [silent.address, server.address()];
            let opened = open(adapter, &addresses, plain().local_address(local));
            let mut client = opened.expect("a server");
            assert!(told(&mut client).starts_with("127.0.0.2 "));
        }
        server.stop(Duration::ZERO);
    });
}

#[test]
fn the_hook_sees_each_socket_before_it_is_bound_and_connected() {
    bounded_now(|| {
        let server = server();
        let (_held, refusing) = refusing("127.0.0.1:0");
        for adapter in ADAPTERS {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let opened = open(adapter, &[refusing, server.address()], watched(&seen));
            let client = opened.expect("a server");
            let seen = seen.lock().expect("no panic");
            assert_eq!(seen.len(), 2, "{adapter:?}");
            // Connected meanwhile, without delay, and as either adapter needs it.
            let connected = seen.last().expect("two");
            let peer = connected.peer_addr().expect("a connection").as_socket();
            assert_eq!(peer, Some(server.address()));
            assert!(connected.tcp_nodelay().expect("an option"), "{adapter:?}");
            drop(client);

            let bind = SocketOptions::default().hook(|socket| {
                let own: SocketAddr = ([127, 0, 0, 3], 0).into();
                assert!(socket.peer_addr().is_err(), "not connected");
                socket.set_tcp_nodelay(false)?;
                socket.bind(&own.into())
            });
            let mut client = open(adapter, &[server.address()], bind).expect("a server");
            assert!(told(&mut client).starts_with("127.0.0.3 "));
            assert!(!nodelay(&client), "{adapter:?}: what the hook undid stays undone");

            let refuse = SocketOptions::default().hook(|_| Err(io::Error::other("not this one")));
            let error = dial_error(open(adapter, &[server.address()], refuse));
            assert_eq!(
                error.to_string(),
                format!("{} cannot be reached: not this one", server.address())
            );
        }
        server.stop(Duration::ZERO);
    });
}

fn nodelay(client: &Client) -> bool {
    match client {
        Client::Tokio(_, ws) => ws
            .with_transport(|socket| socket.as_tcp()?.nodelay().ok())
            .flatten(),
        Client::Blocking(ws) => ws.transport().as_tcp().and_then(|tcp| tcp.nodelay().ok()),
    }
    .expect("TCP")
}
