//! Frame headers against the reference decoder, in both roles.

use tidewire_proto::frame::{self, FrameHeader, ReservedBits};
use tidewire_proto::{CloseCode, Config, ProtocolError, Role};
use tidewire_tests::endpoint::{Endpoint, Seen};
use tidewire_tests::reference::{self, Fault, Sender, Start};

/// The reference's name of what an error says about a header.
fn fault(error: ProtocolError) -> Option<Fault> {
    match error {
        ProtocolError::ReservedBits { .. } => Some(Fault::ReservedBits),
        ProtocolError::ReservedOpcode { .. } => Some(Fault::ReservedOpcode),
        ProtocolError::MaskMissing => Some(Fault::MaskMissing),
        ProtocolError::MaskForbidden => Some(Fault::MaskForbidden),
        ProtocolError::FragmentedControl => Some(Fault::FragmentedControl),
        ProtocolError::LongControl => Some(Fault::LongControl),
        ProtocolError::LengthNotMinimal { .. } => Some(Fault::LengthNotMinimal),
        ProtocolError::LengthOverflow => Some(Fault::LengthOverflow),
        _ => None,
    }
}

/// Compares the parser with the reference on one start of a stream.
fn compare(bytes: &[u8], sender: Sender) {
    let from = match sender {
        Sender::Client => frame::Sender::Client,
        Sender::Server => frame::Sender::Server,
    };
    let parsed = FrameHeader::parse(bytes, from, ReservedBits::NONE);
    let same = match (&parsed, reference::header(bytes, sender)) {
        (Ok(None), Start::NeedMore) => true,
        (Err(error), Start::Broken(faults)) => fault(*error).is_some_and(|fault| faults.contains(&fault)),
        (Ok(Some((header, at))), Start::Whole((frame, len), want_at)) => {
            let mut written = Vec::new();
            header.write(&mut written);
            header.fin == frame.fin
                && header.masking_key == frame.key
                && header.payload_len == len
                && *at == want_at
                // Writing is the inverse, and so shows the opcode, too.
                && written == bytes[..want_at]
        }
        _ => false,
    };
    assert!(
        same,
        "{bytes:02x?} from a {sender:?}: {parsed:?}, reference {:?}",
        reference::header(bytes, sender)
    );
}

fn pairs() -> impl Iterator<Item = [u8; 2]> {
    (0..=u16::MAX).map(u16::to_be_bytes)
}

#[test]
fn each_of_the_65536_pairs_of_first_bytes_is_judged_as_by_the_reference() {
    for pair in pairs() {
        for sender in [Sender::Client, Sender::Server] {
            compare(&pair, sender);
        }
    }
}

#[test]
fn each_pair_followed_by_lengths_and_keys_is_judged_as_by_the_reference() {
    let rest = *b"\x00\x00\x00\x00\x00\x01\x00\x00\x12\x34\x56\x78";
    for pair in pairs() {
        let bytes = [&pair[..], &rest].concat();
        for sender in [Sender::Client, Sender::Server] {
            for len in [3, 4, 6, 8, 10, 13, 14] {
                compare(&bytes[..len], sender);
            }
        }
    }
}

#[test]
fn each_form_of_a_length_is_judged_at_its_edges() {
    let lens16 = [0, 1, 125, 126, 127, 255, 256, 65_535];
    let lens64 = [
        0,
        125,
        126,
        65_535,
        65_536,
        1 << 32,
        (1 << 63) - 1,
        1 << 63,
        u64::MAX,
    ];
    for (sender, mask) in [(Sender::Client, 0x80), (Sender::Server, 0)] {
        for first in [0x81, 0x82, 0x02, 0x80, 0x89] {
            for len in lens16 {
                let bytes = [&[first, mask | 0x7e][..], &u16::to_be_bytes(len), b"keyk"].concat();
                for cut in 2..=bytes.len() {
                    compare(&bytes[..cut], sender);
                }
            }
            for len in lens64 {
                let bytes = [&[first, mask | 0x7f][..], &u64::to_be_bytes(len), b"keyk"].concat();
                for cut in 2..=bytes.len() {
                    compare(&bytes[..cut], sender);
                }
            }
        }
    }
}

#[test]
fn a_server_judges_each_pair_of_first_bytes_at_once() {
    for pair in pairs() {
        check_connection(Endpoint::server(Config::new()), pair);
    }
}

#[test]
fn a_client_judges_each_pair_of_first_bytes_at_once() {
    for pair in pairs() {
        check_connection(Endpoint::client(Config::new()), pair);
    }
}

/// A new connection that receives two bytes and nothing more.
fn check_connection<R: Role>(mut endpoint: Endpoint<R>, pair: [u8; 2]) {
    let seen = endpoint.receive_bytes(&pair);
    let start = reference::header(&pair, endpoint.peer());
    let row = format!("{pair:02x?}: saw {seen:?}, reference {start:?}");
    match start {
        Start::NeedMore => assert_eq!((&seen[..], &endpoint.out[..]), (&[][..], &b""[..]), "{row}"),
        Start::Broken(faults) => {
            let [Seen::Failed(error)] = seen[..] else {
                panic!("{row}");
            };
            assert!(fault(error).is_some_and(|fault| faults.contains(&fault)), "{row}");
            assert_eq!(close_code(&mut endpoint), CloseCode::PROTOCOL_ERROR, "{row}");
        }
        Start::Whole((frame, len), _) => match (frame.opcode, frame.fin, len, &seen[..]) {
            (0, _, _, [Seen::Failed(ProtocolError::NothingToContinue)]) => {
                assert_eq!(close_code(&mut endpoint), CloseCode::PROTOCOL_ERROR, "{row}");
            }
            (1, true, 0, [Seen::Text(text)]) => assert_eq!(text, "", "{row}"),
            (2, true, 0, [Seen::Binary(bytes)]) => assert_eq!(bytes, b"", "{row}"),
            (9, true, 0, [Seen::Ping(bytes)]) | (10, true, 0, [Seen::Pong(bytes, None)]) => {
                assert_eq!(bytes, b"", "{row}");
            }
            (8, true, 0, [Seen::Close(None)]) | (1 | 2, false, _, []) | (1 | 2 | 8..=10, _, 1.., []) => {}
            _ => panic!("{row}"),
        },
    }
}

/// The code of the only frame in the output.
fn close_code<R: Role>(endpoint: &mut Endpoint<R>) -> CloseCode {
    let frames = endpoint.flush_frames();
    let [close] = &frames[..] else {
        panic!("not one frame: {frames:?}");
    };
    assert_eq!(close.opcode, 8);
    CloseCode::from(u16::from_be_bytes([close.payload[0], close.payload[1]]))
}
