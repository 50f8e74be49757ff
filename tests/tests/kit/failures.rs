//! What a peer says where something else comes than what was expected.

use tidewire_tokio::test::Frame;

/// What is expected.
#[derive(Debug)]
pub(crate) enum Wanted {
    Text,
    Binary,
    Ping,
    Pong,
    Close,
    Frame(Frame),
    Head,
    End,
    Any,
}

/// What comes in its place.
#[derive(Debug)]
pub(crate) enum Sent {
    Frame(Frame),
    Bytes(&'static [u8]),
    /// These, and then the end of the stream.
    EndBehind(&'static [u8]),
}

/// Each expectation with what comes, and the text of the panic, for a patience of 5 ms. The text that is expected is
/// "hello", the bytes are 1 and 2, the pong's payload is "a" and the code is 1000.
pub(crate) fn failures() -> Vec<(Wanted, Sent, &'static str)> {
    vec![
        (
            Wanted::Text,
            Sent::Frame(Frame::text("hallo")),
            r#"expected text "hello", got text "hallo""#,
        ),
        (
            Wanted::Text,
            Sent::Frame(Frame::binary("hello")),
            r#"expected text "hello", got binary "hello""#,
        ),
        (
            Wanted::Text,
            Sent::Frame(Frame::text("hello").unfinished()),
            r#"expected text "hello", got text "hello", unfinished"#,
        ),
        (
            Wanted::Text,
            Sent::Frame(Frame::close(1011, "oops")),
            r#"expected text "hello", got close 1011 "oops""#,
        ),
        (
            Wanted::Text,
            Sent::Bytes(b""),
            r#"expected text "hello", got nothing in 5ms"#,
        ),
        (
            Wanted::Text,
            Sent::EndBehind(b""),
            r#"expected text "hello", got the end of the stream"#,
        ),
        (
            Wanted::Text,
            Sent::EndBehind(b"\x0b\x05hel"),
            r#"expected text "hello", got the end of the stream behind "\u{b}\u{5}hel""#,
        ),
        (Wanted::Binary, Sent::Frame(Frame::binary([0xff; 1000])), LONG),
        (
            Wanted::Ping,
            Sent::Frame(Frame::pong("there?")),
            r#"expected a ping, got pong "there?""#,
        ),
        (
            Wanted::Pong,
            Sent::Frame(Frame::pong("b")),
            r#"expected pong "a", got pong "b""#,
        ),
        (
            Wanted::Close,
            Sent::Frame(Frame::close(1011, "oops")),
            r#"expected close 1000, got close 1011 "oops""#,
        ),
        (
            Wanted::Close,
            Sent::Frame(Frame::new(8, "")),
            r#"expected close 1000, got close """#,
        ),
        (
            Wanted::Frame(Frame::text("x").reserved(0b100)),
            Sent::Frame(Frame::text("x").reserved(0b011)),
            r#"expected text "x", with RSV1, got text "x", with RSV2, with RSV3"#,
        ),
        (
            Wanted::Frame(Frame::continuation("x")),
            Sent::Frame(Frame::new(3, "x")),
            r#"expected continuation "x", got frame of opcode 3 "x""#,
        ),
        (
            Wanted::Head,
            Sent::Bytes(b"GET / HTTP/1.1\r\n"),
            r#"expected a head, got no more than "GET / HTTP/1.1\r\n" in 5ms"#,
        ),
        (
            Wanted::End,
            Sent::Frame(Frame::text("x").wrongly_masked()),
            r#"expected the end of the stream, got text "x", wrongly masked"#,
        ),
        (
            Wanted::Any,
            Sent::Bytes(b"\x02"),
            r#"expected a frame, got no more than "\u{2}" in 5ms"#,
        ),
    ]
}

const LONG: &str = concat!(
    r#"expected binary "\u{1}\u{2}", got binary b""#,
    r"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    r"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    r"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    r"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    r#""… of 1000 bytes"#,
);
