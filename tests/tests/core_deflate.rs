//! permessage-deflate between connections of the core.

use std::sync::Arc;

use tidewire_proto::deflate::{Context, Contexts, Extension, NoPool};
use tidewire_proto::{Config, Server};
use tidewire_tests::endpoint::{Endpoint, Seen};
use tidewire_tests::wire::Frame;

fn extension() -> Extension {
    let contexts = Contexts {
        server: Context::UNLIMITED,
        client: Context::UNLIMITED,
    };
    Extension::new(contexts, Arc::new(NoPool))
}

#[test]
fn the_examples_of_rfc_7692_are_understood() {
    let table: [(&str, &[Frame], &str); 6] = [
        (
            "§7.2.3.1, one block",
            &[Frame::new(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00")],
            "Hello",
        ),
        (
            "§7.2.3.1, in two fragments",
            &[
                Frame::new(0x41, b"\xf2\x48\xcd"),
                Frame::new(0x80, b"\xc9\xc9\x07\x00"),
            ],
            "Hello",
        ),
        (
            "§7.2.3.3, no compression",
            &[Frame::new(0xc1, b"\x00\x05\x00\xfa\xffHello\x00")],
            "Hello",
        ),
        (
            "§7.2.3.4, a final block",
            &[Frame::new(0xc1, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00")],
            "Hello",
        ),
        (
            "§7.2.3.5, two blocks",
            &[Frame::new(
                0xc1,
                b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
            )],
            "Hello",
        ),
        ("§7.2.3.6, empty", &[Frame::new(0xc1, b"\x00")], ""),
    ];
    for (name, frames, text) in table {
        let mut server = Endpoint::with_deflate(Server, Config::new(), &extension());
        assert_eq!(server.receive(frames), [Seen::Text(text.into())], "{name}");
    }
    // §7.2.3.2: the second message refers to the first.
    let mut server = Endpoint::with_deflate(Server, Config::new(), &extension());
    let first = Frame::new(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    let second = Frame::new(0xc1, b"\xf2\x00\x11\x00\x00");
    assert_eq!(
        server.receive(&[first, second]),
        [Seen::Text("Hello".into()), Seen::Text("Hello".into())]
    );
}
