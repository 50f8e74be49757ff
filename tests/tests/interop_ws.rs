//! Compression with npm's `ws` on Node: both adapters, in both roles.
//!
//! The folder of modules that has it is `TIDEWIRE_NODE_MODULES`; without it, each test says so and is skipped.

use tidewire_tests::live::{Implementation, node};

fn with_ws(test: impl FnOnce(Implementation)) {
    if let Some(node) = node() {
        test(Implementation {
            program: node,
            client: "node/deflate_client.mjs",
            server: "node/deflate_server.mjs",
        });
    }
}

#[test]
fn our_servers_agree_to_what_a_client_of_ws_asks() {
    with_ws(Implementation::client_asks);
}

#[test]
fn a_client_of_ws_agrees_to_what_our_servers_ask() {
    with_ws(Implementation::our_server_asks);
}

#[test]
fn our_servers_and_a_client_of_ws_send_less_with_takeover() {
    with_ws(Implementation::client_sends_less);
}

#[test]
fn our_clients_agree_to_what_a_server_of_ws_asks() {
    with_ws(Implementation::server_asks);
}

#[test]
fn a_server_of_ws_agrees_to_what_our_clients_ask() {
    with_ws(Implementation::our_client_asks);
}

#[test]
fn our_clients_and_a_server_of_ws_send_less_with_takeover() {
    with_ws(Implementation::server_sends_less);
}

#[test]
fn nothing_is_compressed_where_ws_does_not() {
    with_ws(Implementation::declines);
}
