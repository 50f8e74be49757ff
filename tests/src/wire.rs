//! Frames made by hand from readable parts.

use crate::reference::Sender;

/// The key that every frame of a client made here is masked with.
pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame to be sent to the endpoint under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    first: u8,
    payload: Vec<u8>,
}

impl Frame {
    /// A frame with these bits in front, FIN included.
    pub fn new(first: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            first,
            payload: payload.into(),
        }
    }

    /// A text message in one frame.
    pub fn text(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x81, payload)
    }

    /// A binary message in one frame.
    pub fn binary(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x82, payload)
    }

    /// The last frame of a message.
    pub fn continuation(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x80, payload)
    }

    /// A Close frame with this payload.
    pub fn close(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x88, payload)
    }

    /// A Close frame with a code and a reason.
    pub fn close_with(code: u16, reason: &str) -> Self {
        Self::close([&code.to_be_bytes()[..], reason.as_bytes()].concat())
    }

    /// A Ping.
    pub fn ping(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x89, payload)
    }

    /// A Pong.
    pub fn pong(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x8a, payload)
    }

    /// The same frame with FIN cleared.
    pub fn more(mut self) -> Self {
        self.first &= 0x7f;
        self
    }

    /// The bytes of this frame as this side sends it.
    pub fn sent_by(&self, sender: Sender) -> Vec<u8> {
        let mut bytes = self.header(sender);
        match sender {
            Sender::Server => bytes.extend_from_slice(&self.payload),
            Sender::Client => bytes.extend(
                self.payload
                    .iter()
                    .zip(KEY.iter().cycle())
                    .map(|(byte, key)| byte ^ key),
            ),
        }
        bytes
    }

    /// The bytes of this frame before its payload.
    pub fn header(&self, sender: Sender) -> Vec<u8> {
        header(self.first, self.payload.len() as u64, sender)
    }
}

/// The header of a frame that announces `len` bytes, in the shortest form.
pub fn header(first: u8, len: u64, sender: Sender) -> Vec<u8> {
    let mask = if sender == Sender::Client { 0x80 } else { 0x00 };
    let long = len.to_be_bytes();
    let mut bytes = match len {
        0..=125 => vec![first, mask | long[7]],
        126..=65535 => vec![first, mask | 0x7e, long[6], long[7]],
        _ => [&[first, mask | 0x7f][..], &long].concat(),
    };
    if sender == Sender::Client {
        bytes.extend_from_slice(&KEY);
    }
    bytes
}

/// The bytes of several frames as this side sends them.
pub fn stream(frames: &[Frame], sender: Sender) -> Vec<u8> {
    frames.iter().flat_map(|frame| frame.sent_by(sender)).collect()
}
