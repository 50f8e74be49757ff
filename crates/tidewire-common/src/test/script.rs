use std::fmt;
use std::time::Duration;

use tidewire_proto::frame::Sender;

use super::expected::Came;
use crate::handshake::{Handshake, Negotiated};
use crate::raw::Frame;

/// The key of every masked frame: tests are to be the same each time.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A scripted peer without its stream: the input that it has not looked at, and which side it speaks for.
pub struct Script {
    side: Sender,
    input: Vec<u8>,
    handshake: Option<Handshake>,
}

impl Script {
    /// A peer that speaks as this side.
    pub fn new(side: Sender) -> Self {
        Self {
            side,
            input: Vec::new(),
            handshake: None,
        }
    }

    /// Goes on behind an opening handshake.
    pub fn open(&mut self, negotiated: Negotiated) {
        self.handshake = Some(negotiated.handshake);
        self.input = negotiated.rest;
    }

    /// What the opening handshake said, once there was one.
    pub fn handshake(&self) -> Option<&Handshake> {
        self.handshake.as_ref()
    }

    /// Where what arrives is appended.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.input
    }

    /// The bytes of a frame as this peer sends it.
    pub fn encode(&self, frame: &Frame) -> Vec<u8> {
        frame.encode(self.side, || KEY)
    }

    /// Takes the frame that the input begins with, once it is whole.
    pub fn take_frame(&mut self) -> Option<Came> {
        let other = match self.side {
            Sender::Client => Sender::Server,
            Sender::Server => Sender::Client,
        };
        let (frame, len) = Frame::decode(&self.input, other)?;
        self.input.drain(..len);
        Some(Came::Frame(frame))
    }

    /// Takes the head that the input begins with, once its empty line is there.
    pub fn take_head(&mut self) -> Option<Came> {
        let end = self.input.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
        let head = self.input.drain(..end).collect::<Vec<u8>>();
        Some(Came::Head(String::from_utf8_lossy(&head).into_owned()))
    }

    /// What has come where the stream has ended.
    pub fn end(&self) -> Came {
        Came::End(self.input.clone())
    }

    /// What has come where nothing more did in this time.
    pub fn silence(&self, time: Duration) -> Came {
        Came::Nothing(self.input.clone(), time)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("side", &self.side)
            .field("input_len", &self.input.len())
            .finish_non_exhaustive()
    }
}
