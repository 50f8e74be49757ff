//! The examples of RFC 6455 §5.7, byte for byte.

use tidewire_proto::{Client, CloseCode, CloseFrame, Config, End, MaskSource, Server};
use tidewire_tests::endpoint::{Endpoint, Seen};

/// Always the key of the examples.
struct KeyOfTheRfc;

impl MaskSource for KeyOfTheRfc {
    fn next_key(&mut self) -> [u8; 4] {
        [0x37, 0xfa, 0x21, 0x3d]
    }
}

fn client_of_the_rfc() -> Endpoint<Client<KeyOfTheRfc>> {
    Endpoint::new(Client::new(KeyOfTheRfc), Config::new())
}

fn server() -> Endpoint<Server> {
    Endpoint::server(Config::new())
}

fn hello() -> Seen {
    Seen::Text("Hello".into())
}

#[test]
fn a_single_frame_unmasked_text_message_is_read_and_written() {
    let bytes = b"\x81\x05\x48\x65\x6c\x6c\x6f";
    assert_eq!(client_of_the_rfc().receive_bytes(bytes), [hello()]);
    let mut server = server();
    server
        .send(|tx| tx.message("Hello"))
        .expect("the connection is open");
    assert_eq!(server.out, bytes);
}

#[test]
fn a_single_frame_masked_text_message_is_read_and_written() {
    let bytes = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(server().receive_bytes(bytes), [hello()]);
    let mut client = client_of_the_rfc();
    client
        .send(|tx| tx.message("Hello"))
        .expect("the connection is open");
    assert_eq!(client.out, bytes);
}

#[test]
fn a_fragmented_unmasked_text_message_is_read_and_written() {
    let bytes = b"\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f";
    assert_eq!(client_of_the_rfc().receive_bytes(bytes), [hello()]);
    let mut server = server();
    server
        .send(|tx| tx.fragment("Hel", End::More))
        .expect("the connection is open");
    server
        .send(|tx| tx.fragment("lo", End::Last))
        .expect("the connection is open");
    assert_eq!(server.out, bytes);
}

#[test]
fn an_unmasked_ping_is_answered_by_the_masked_pong_of_the_example() {
    let mut client = client_of_the_rfc();
    let ping = b"\x89\x05\x48\x65\x6c\x6c\x6f";
    assert_eq!(client.receive_bytes(ping), [Seen::Ping(b"Hello".to_vec())]);
    assert_eq!(client.out, b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

#[test]
fn a_ping_is_written_and_its_pong_read_as_in_the_example() {
    let mut server = server();
    server
        .send(|tx| tx.ping_with(b"Hello"))
        .expect("the connection is open");
    assert_eq!(server.flush(), b"\x89\x05\x48\x65\x6c\x6c\x6f");
    let seen = server.receive_bytes(b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    let [Seen::Pong(payload, Some(_))] = &seen[..] else {
        panic!("no answered pong: {seen:?}");
    };
    assert_eq!(payload, b"Hello");
}

#[test]
fn a_256_byte_message_has_the_example_s_16_bit_length() {
    check_unmasked(256, b"\x82\x7e\x01\x00");
}

#[test]
fn a_64_kib_message_has_the_example_s_64_bit_length() {
    check_unmasked(65_536, b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00");
}

fn check_unmasked(len: usize, header: &[u8]) {
    let payload = vec![0xa5; len];
    let bytes = [header, &payload].concat();
    assert_eq!(
        client_of_the_rfc().receive_bytes(&bytes),
        [Seen::Binary(payload.clone())]
    );
    let mut server = server();
    server
        .send(|tx| tx.message(&payload[..]))
        .expect("the connection is open");
    assert!(server.out == bytes, "header {:02x?}", &server.out[..10]);
}

#[test]
fn a_close_frame_has_the_code_in_network_order_before_the_reason() {
    // §5.5.1; the RFC gives no example.
    let mut server = server();
    server
        .send(|tx| tx.close(CloseFrame::new(1001, "bye")))
        .expect("the connection is open");
    assert_eq!(server.out, b"\x88\x05\x03\xe9bye");
    let seen = client_of_the_rfc().receive_bytes(&server.out);
    assert_eq!(seen, [Seen::Close(Some((CloseCode::GOING_AWAY, "bye".into())))]);
}

#[test]
fn the_masked_messages_of_a_client_differ_only_by_their_masks() {
    // The same two lengths as above, sent by a client: the mask bit, then the key, then the masked payload.
    for (len, header) in [
        (256, &b"\x82\xfe\x01\x00\x37\xfa\x21\x3d"[..]),
        (
            65_536,
            b"\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00\x37\xfa\x21\x3d",
        ),
    ] {
        let mut client = client_of_the_rfc();
        client
            .send(|tx| tx.message(&vec![0; len][..]))
            .expect("the connection is open");
        let (written, payload) = client.out.split_at(header.len());
        assert_eq!(written, header, "{len} bytes");
        let is_key = payload.chunks(4).all(|word| word == [0x37, 0xfa, 0x21, 0x3d]);
        assert!(is_key, "{len} zeros are masked to repetitions of the key");
    }
}
