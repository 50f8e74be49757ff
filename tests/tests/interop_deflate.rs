//! Compression with Python's `websockets`: both adapters, in both roles.
//!
//! The Python is that of `interop_websockets`; without one, each test says so and is skipped.

use tidewire_tests::live::{Implementation, python};

fn with_websockets(test: impl FnOnce(Implementation)) {
    if let Some(python) = python() {
        test(Implementation {
            program: python,
            client: "deflate_client.py",
            server: "deflate_server.py",
        });
    }
}

#[test]
fn our_servers_agree_to_what_a_client_of_websockets_asks() {
    with_websockets(Implementation::client_asks);
}

#[test]
fn a_client_of_websockets_agrees_to_what_our_servers_ask() {
    with_websockets(Implementation::our_server_asks);
}

#[test]
fn our_servers_and_a_client_of_websockets_send_less_with_takeover() {
    with_websockets(Implementation::client_sends_less);
}

#[test]
fn our_clients_agree_to_what_a_server_of_websockets_asks() {
    with_websockets(Implementation::server_asks);
}

#[test]
fn a_server_of_websockets_agrees_to_what_our_clients_ask() {
    with_websockets(Implementation::our_client_asks);
}

#[test]
fn our_clients_and_a_server_of_websockets_send_less_with_takeover() {
    with_websockets(Implementation::server_sends_less);
}

#[test]
fn nothing_is_compressed_where_websockets_does_not() {
    with_websockets(Implementation::declines);
}
