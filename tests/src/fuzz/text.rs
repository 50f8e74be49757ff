use std::str;

use tidewire_proto::{Config, ProtocolError};

use super::Source;
use crate::endpoint::{Endpoint, Seen};
use crate::reference::Sender;
use crate::wire::Frame;

/// A text message in any fragments and pieces is judged as the standard library judges it, at the first bad byte.
///
/// # Panics
/// Where it is not.
pub fn text(data: &[u8]) {
    let mut source = Source::new(data);
    let piece_len = usize::from(source.byte()).max(1);
    let fragments = source.pieces();
    let mut endpoint = Endpoint::server(Config::new());
    let mut arrived = Vec::new();
    for (i, fragment) in fragments.iter().enumerate() {
        let is_last = i + 1 == fragments.len();
        let opcode = u8::from(i == 0);
        let frame = Frame::new(if is_last { 0x80 | opcode } else { opcode }, *fragment);
        let bytes = frame.sent_by(Sender::Client);
        let (header, payload) = bytes.split_at(bytes.len() - fragment.len());
        let mut pieces = payload
            .chunks(piece_len)
            .zip(fragment.chunks(piece_len))
            .peekable();
        let mut seen = endpoint.receive_bytes(header);
        while let Some((masked, plain)) = pieces.next() {
            arrived.extend_from_slice(plain);
            seen = endpoint.receive_bytes(masked);
            let is_end = is_last && pieces.peek().is_none();
            if !is_end {
                match str::from_utf8(&arrived) {
                    Err(error) if error.error_len().is_some() => {
                        assert_eq!(seen, [Seen::Failed(ProtocolError::InvalidText)], "{arrived:02x?}");
                        return;
                    }
                    Ok(_) | Err(_) => assert_eq!(seen, [], "{arrived:02x?}"),
                }
            }
        }
        if is_last {
            let want = match str::from_utf8(&arrived) {
                Ok(text) => Seen::Text(text.into()),
                Err(_) => Seen::Failed(ProtocolError::InvalidText),
            };
            assert_eq!(seen, [want], "{arrived:02x?}");
        }
    }
}
