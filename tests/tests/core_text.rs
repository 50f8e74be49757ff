//! Text is UTF-8 (§8.1), and fails at its first bad byte.

use tidewire_proto::{Config, Delivery, ProtocolError, Server};
use tidewire_tests::endpoint::{Endpoint, Seen};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::{self, Frame, KEY};

fn server() -> Endpoint<Server> {
    Endpoint::server(Config::new())
}

fn failed() -> [Seen; 1] {
    [Seen::Failed(ProtocolError::InvalidText)]
}

/// Bad texts, and how many of their bytes it takes to know.
const BAD: [(&str, &[u8], usize); 14] = [
    ("a byte that is in no text", b"ab\xffcd", 3),
    ("a continuation byte that continues nothing", b"a\x80b", 2),
    ("an overlong slash, two bytes", b"\xc0\xafx", 1),
    ("an overlong form of a letter", b"\xc1\x81", 1),
    ("an overlong slash, three bytes", b"\xe0\x80\xaf", 2),
    ("an overlong slash, four bytes", b"\xf0\x80\x80\xaf", 2),
    ("a surrogate", b"ok\xed\xa0\x80", 4),
    ("the last surrogate", b"\xed\xbf\xbf", 2),
    ("beyond U+10FFFF", b"\xf4\x90\x80\x80", 2),
    ("a byte beyond four-byte characters", b"\xf5\x80\x80\x80", 1),
    ("a character cut by a letter", b"\xe2\x82a", 3),
    ("a character cut by another", b"\xc3\xc3\xa9", 2),
    ("a two-byte character cut at the end", b"\xc3", 1),
    ("a four-byte character cut at the end", b"a\xf0\x9f\x98", 4),
];

#[test]
fn a_bad_text_in_one_frame_is_refused() {
    for (row, text, _) in BAD {
        let mut server = server();
        assert_eq!(server.receive(&[Frame::text(text)]), failed(), "{row}");
        assert_eq!(server.out[2..4], *b"\x03\xef", "{row}: code 1007");
    }
}

#[test]
fn a_text_fails_at_its_first_bad_byte_while_its_frame_is_not_complete() {
    for delivery in [Delivery::Messages, Delivery::Chunks] {
        for (row, text, bad_at) in BAD {
            let mut server = server();
            server.connection.set_delivery(delivery);
            // A frame that never ends while this test lasts, except for what is bad by its end alone.
            let is_cut = row.ends_with("at the end");
            let len = if is_cut { text.len() } else { 1000 };
            server.receive_bytes(&wire::header(0x81, len as u64, Sender::Client));
            for (i, byte) in text.iter().enumerate().take(bad_at) {
                let seen = server.receive_bytes(&[byte ^ KEY[i % 4]]);
                let is_failed = seen == failed();
                assert_eq!(
                    is_failed,
                    i + 1 == bad_at,
                    "{row}, {delivery:?}, byte {i}: {seen:?}"
                );
            }
        }
    }
}

#[test]
fn a_text_fails_at_its_first_bad_byte_in_whatever_fragments() {
    for (row, text, bad_at) in BAD.into_iter().filter(|(row, ..)| !row.ends_with("at the end")) {
        let mut server = server();
        for (i, byte) in text.iter().enumerate().take(bad_at) {
            let seen = server.receive(&[Frame::new(u8::from(i == 0), [*byte])]);
            assert_eq!(seen == failed(), i + 1 == bad_at, "{row}, fragment {i}: {seen:?}");
        }
    }
}

#[test]
fn a_character_may_be_cut_by_fragments_and_control_frames() {
    let mut server = server();
    let frames = [
        Frame::text(*b"\xf0").more(),
        Frame::ping(*b"\xff"),
        Frame::continuation(*b"\x9f\x98").more(),
        Frame::continuation("").more(),
        Frame::continuation(*b"\x80"),
    ];
    assert_eq!(
        server.receive(&frames),
        [Seen::Ping(vec![0xff]), Seen::Text("😀".into())]
    );
}

#[test]
fn a_text_that_stops_inside_a_character_fails_with_its_last_fragment() {
    let mut server = server();
    assert_eq!(server.receive(&[Frame::text(*b"ab\xe2\x82").more()]), []);
    assert_eq!(server.receive(&[Frame::continuation("")]), failed());
}

#[test]
fn every_first_and_last_character_of_each_length_is_text() {
    let text = "\0\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}";
    assert_eq!(server().receive(&[Frame::text(text)]), [Seen::Text(text.into())]);
}

#[test]
fn binary_messages_and_control_payloads_may_hold_any_bytes() {
    let frames = [
        Frame::binary(*b"\xff\xc0"),
        Frame::ping(*b"\xff"),
        Frame::pong(*b"\xfe"),
    ];
    let want = [
        Seen::Binary(b"\xff\xc0".to_vec()),
        Seen::Ping(vec![0xff]),
        Seen::Pong(vec![0xfe], None),
    ];
    assert_eq!(server().receive(&frames), want);
}
