//! What the benches of tidewire share: sizes, payloads and the frames of a peer.

use tidewire_proto::frame::{FrameHeader, Opcode, ReservedBits, mask};

pub mod deflate;

/// The key that frames of a client are masked with.
pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Bytes of no particular pattern.
pub fn bytes(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| (i.wrapping_mul(167) >> 3).to_le_bytes()[0])
        .collect()
}

/// Text of mostly ASCII, with a character of two bytes in every sixteen.
pub fn text(len: usize) -> String {
    let mut text = "the tide turns ü".repeat(len / 17 + 1);
    while text.len() > len {
        text.pop();
    }
    let missing = len - text.len();
    text + &"-".repeat(missing)
}

/// A message in one frame, as a client sends it.
pub fn from_client(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let header = FrameHeader {
        opcode,
        fin: true,
        reserved: ReservedBits::NONE,
        masking_key: Some(KEY),
        payload_len: payload.len() as u64,
    };
    header.write(&mut frame);
    mask::append(KEY, payload, &mut frame);
    frame
}
