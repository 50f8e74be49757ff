use std::os::unix::net::UnixStream;
use std::thread;

use tidewire_blocking::{Accept, Connect, Deflate, WebSocket};

/// Servers of the blocking adapter that have agreed on this with their clients.
///
/// # Panics
/// Where they cannot be connected.
pub fn blocking_pairs(
    deflate: Option<&Deflate>,
    count: usize,
) -> Vec<(WebSocket<UnixStream>, WebSocket<UnixStream>)> {
    let connected = |_| {
        let (near, far) = UnixStream::pair().expect("a pair");
        let (mut accept, mut connect) = (Accept::new(), Connect::new("ws://localhost/"));
        if let Some(deflate) = deflate {
            accept = accept.deflate(deflate.clone());
            connect = connect.deflate(deflate.clone());
        }
        let server = thread::spawn(move || accept.accept(near).expect("an accepted client"));
        let client = connect.over(far).expect("a connection");
        (server.join().expect("no panic"), client)
    };
    (0..count).map(connected).collect()
}
