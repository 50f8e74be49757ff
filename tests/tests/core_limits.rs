//! Limits: each of them itself still passes, and one more fails at the frame header.

use tidewire_proto::{CloseCode, Config, ConfigError, Keepalive, Limits, ProtocolError, Server};
use tidewire_tests::endpoint::{Endpoint, Seen};
use tidewire_tests::reference::{self, Sender};
use tidewire_tests::wire::{self, Frame};

fn server(limits: Limits) -> Endpoint<Server> {
    Endpoint::server(Config::new().limits(limits))
}

/// Receives a header and nothing after it, which must fail with this error and code.
fn fails_at_header(mut server: Endpoint<Server>, first: u8, len: u64, want: ProtocolError, code: CloseCode) {
    let header = wire::header(first, len, Sender::Client);
    assert_eq!(server.receive_bytes(&header), [Seen::Failed(want)]);
    let frames = reference::frames(&server.out, Sender::Server);
    assert_eq!(frames[0].payload[..2], code.as_u16().to_be_bytes());
    assert_eq!(frames[0].payload[2..], *want.to_string().as_bytes());
}

#[test]
fn a_message_of_the_limit_passes_and_one_byte_more_fails_at_its_header() {
    let limits = Limits::default().message(1000);
    let frame = Frame::binary(vec![1; 1000]);
    assert_eq!(server(limits).receive(&[frame]), [Seen::Binary(vec![1; 1000])]);
    // A frame may be as long as a message, so this is the frame's limit, too.
    let want = ProtocolError::FrameTooBig {
        len: 1001,
        limit: 1000,
    };
    fails_at_header(server(limits), 0x82, 1001, want, CloseCode::MESSAGE_TOO_BIG);
}

#[test]
fn fragments_up_to_the_message_limit_pass_and_one_byte_more_fails_at_its_header() {
    let limits = Limits::default().message(1000);
    let mut server = server(limits);
    let frames = [
        Frame::binary(vec![1; 600]).more(),
        Frame::ping("x"),
        Frame::continuation(vec![1; 400]),
    ];
    assert_eq!(server.receive(&frames)[1], Seen::Binary(vec![1; 1000]));
    server.flush();
    // The count starts anew with each message.
    assert_eq!(server.receive(&[Frame::binary(vec![1; 600]).more()]), []);
    let want = ProtocolError::MessageTooBig {
        len: 1001,
        limit: 1000,
    };
    fails_at_header(server, 0x00, 401, want, CloseCode::MESSAGE_TOO_BIG);
}

#[test]
fn a_frame_of_the_limit_passes_and_one_byte_more_fails_at_its_header() {
    let limits = Limits::default().frame(126);
    let frames = [
        Frame::text("x".repeat(126)).more(),
        Frame::continuation("x".repeat(126)),
    ];
    assert_eq!(server(limits).receive(&frames), [Seen::Text("x".repeat(252))]);
    let want = ProtocolError::FrameTooBig { len: 127, limit: 126 };
    fails_at_header(server(limits), 0x81, 127, want, CloseCode::MESSAGE_TOO_BIG);
}

#[test]
fn a_length_that_no_memory_holds_fails_at_its_header() {
    let want = ProtocolError::FrameTooBig {
        len: (1 << 63) - 1,
        limit: 16 << 20,
    };
    fails_at_header(
        server(Limits::default()),
        0x82,
        (1 << 63) - 1,
        want,
        CloseCode::MESSAGE_TOO_BIG,
    );
}

#[test]
fn lengths_whose_sum_is_beyond_64_bits_fail_and_do_not_wrap() {
    let mut server = server(Limits::default().message(usize::MAX));
    let header = wire::header(0x02, 1, Sender::Client);
    server.receive_bytes(&[&header[..], b"x"].concat());
    let len = (1 << 63) - 1;
    let header = wire::header(0x00, len, Sender::Client);
    assert_eq!(server.receive_bytes(&header), [], "within a limit of 2^64 - 1");
}

#[test]
fn as_many_fragments_as_the_limit_pass_and_one_more_fails_at_its_header_even_when_empty() {
    let limits = Limits::default().fragments(3);
    let mut first = server(limits);
    let three = [
        Frame::text("a").more(),
        Frame::continuation("").more(),
        Frame::continuation("b"),
    ];
    assert_eq!(first.receive(&three), [Seen::Text("ab".into())]);
    assert_eq!(
        first.receive(&three),
        [Seen::Text("ab".into())],
        "the count starts anew"
    );
    let mut second = server(limits);
    second.receive(&[
        Frame::text("").more(),
        Frame::continuation("").more(),
        Frame::continuation("").more(),
    ]);
    let want = ProtocolError::TooManyFragments { limit: 3 };
    fails_at_header(second, 0x80, 0, want, CloseCode::POLICY_VIOLATION);
}

#[test]
fn the_default_limit_of_fragments_is_131072() {
    let mut server = server(Limits::default());
    server.receive(&[Frame::binary("").more()]);
    let fragment = Frame::continuation("").more().sent_by(Sender::Client);
    assert_eq!(server.receive_bytes(&fragment.repeat(131_071)), []);
    let want = ProtocolError::TooManyFragments { limit: 131_072 };
    assert_eq!(server.receive_bytes(&fragment), [Seen::Failed(want)]);
}

#[test]
fn limits_do_not_apply_to_control_frames() {
    let mut server = server(Limits::default().message(1).fragments(1));
    let frames = [
        Frame::text("a").more(),
        Frame::ping([7; 125]),
        Frame::pong([7; 125]),
    ];
    assert_eq!(
        server.receive(&frames),
        [Seen::Ping(vec![7; 125]), Seen::Pong(vec![7; 125], None)]
    );
}

#[test]
fn the_defaults_are_those_that_are_documented() {
    let limits = |limits: Limits| (limits.max_message(), limits.max_frame(), limits.max_fragments());
    assert_eq!(limits(Limits::default()), (16_777_216, 16_777_216, 131_072));
    assert_eq!(limits(Limits::STRICT), (1_048_576, 1_048_576, 1024));
    assert_eq!(
        limits(Limits::default().message(7)),
        (7, 7, 131_072),
        "a frame is bounded with its message"
    );
    assert_eq!(
        limits(Limits::default().frame(5).message(7)),
        (7, 5, 131_072),
        "unless it is bounded lower"
    );
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let second = std::time::Duration::from_secs(1);
    let zero = std::time::Duration::ZERO;
    let keepalive = |interval, timeout| Keepalive {
        interval,
        timeout: Some(timeout),
    };
    let setting = |setting| ConfigError::Zero { setting };
    let rows = [
        (
            Config::new().limits(Limits::default().message(10).frame(11)),
            ConfigError::FrameOverMessage {
                frame: 11,
                message: 10,
            },
        ),
        (
            Config::new().limits(Limits::default().fragments(0)),
            setting("fragments"),
        ),
        (
            Config::new().keepalive(keepalive(zero, second)),
            setting("keepalive interval"),
        ),
        (
            Config::new().keepalive(keepalive(second, zero)),
            setting("keepalive timeout"),
        ),
        (Config::new().close_timeout(zero), setting("close timeout")),
        (Config::new().write_timeout(zero), setting("write timeout")),
    ];
    for (config, error) in rows {
        assert_eq!(config.check(), Err(error), "{error}");
    }
    assert_eq!(Config::new().check(), Ok(Config::default()));
}

#[test]
fn faults_of_a_header_are_judged_before_any_of_its_payload_arrives() {
    let open = [Frame::text("open").more()];
    let rows: [(&str, &[Frame], &[u8], ProtocolError); 6] = [
        (
            "nothing to continue",
            &[],
            b"\x80\x85mask",
            ProtocolError::NothingToContinue,
        ),
        (
            "a message inside another",
            &open,
            b"\x81\x85mask",
            ProtocolError::MessageInterrupted,
        ),
        (
            "a reserved bit",
            &[],
            b"\xc1\x85",
            ProtocolError::ReservedBits { bits: 0b100 },
        ),
        (
            "a reserved opcode",
            &[],
            b"\x8b\x85",
            ProtocolError::ReservedOpcode { opcode: 0xb },
        ),
        ("a long ping", &[], b"\x89\xfe", ProtocolError::LongControl),
        (
            "a fragmented ping",
            &[],
            b"\x09\x80",
            ProtocolError::FragmentedControl,
        ),
    ];
    for (row, before, header, want) in rows {
        let mut server = server(Limits::default());
        assert_eq!(server.receive(before), [], "{row}");
        assert_eq!(server.receive_bytes(header), [Seen::Failed(want)], "{row}");
    }
}
