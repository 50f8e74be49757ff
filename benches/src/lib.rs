//! What the benches of tidewire share: payloads, the frames of a peer, a receiver, and what nothing can be faster than.

mod receiver;
mod script;

pub mod deflate;
pub mod process;
pub mod roofline;

use tidewire_proto::frame::{FrameHeader, Opcode, ReservedBits, mask};

pub use receiver::{Receiver, lend, own};
pub use script::Script;

/// The key that frames of a client are masked with.
pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Bytes of no particular pattern.
pub fn bytes(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| (i.wrapping_mul(167) >> 3).to_le_bytes()[0])
        .collect()
}

/// Text of mostly ASCII, as most text is.
pub fn text(len: usize) -> String {
    Script::MostlyAscii.text(len)
}

/// A message in one frame, as a client sends it.
pub fn from_client(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frames = Vec::new();
    append_frame(opcode, payload, true, &mut frames);
    frames
}

/// A message in frames of this many bytes, but for the last, as a client sends it.
pub fn fragments_from_client(opcode: Opcode, payload: &[u8], each: usize) -> Vec<u8> {
    let mut frames = Vec::new();
    let mut rest = payload;
    let mut opcode = opcode;
    while rest.len() > each {
        let (fragment, behind) = rest.split_at(each);
        append_frame(opcode, fragment, false, &mut frames);
        rest = behind;
        opcode = Opcode::Continuation;
    }
    append_frame(opcode, rest, true, &mut frames);
    frames
}

fn append_frame(opcode: Opcode, payload: &[u8], fin: bool, frames: &mut Vec<u8>) {
    let header = FrameHeader {
        opcode,
        fin,
        reserved: ReservedBits::NONE,
        masking_key: Some(KEY),
        payload_len: payload.len() as u64,
    };
    header.write(frames);
    mask::append(KEY, payload, frames);
}
