use std::fmt;

use tidewire_proto::CloseCode;
use tidewire_proto::frame::Sender;

/// The key of every masked frame: tests are to be the same each time.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

const FIN: u8 = 0x80;
const MASK: u8 = 0x80;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;

/// How much of a payload a message shows.
const SHOWN: usize = 80;

/// A frame of a scripted peer, as it stands on the wire: right by default, and wrong in whatever a test asks for.
///
/// `Display` shows the payload, since that is what a failed test has to tell; `Debug` does not.
///
/// ```
/// use tidewire_common::test::Frame;
///
/// assert_eq!(Frame::text("hello").to_string(), r#"text "hello""#);
/// assert_eq!(Frame::close(1000, "bye").to_string(), r#"close 1000 "bye""#);
/// assert_eq!(Frame::text("he").unfinished().to_string(), r#"text "he", unfinished"#);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    opcode: u8,
    fin: bool,
    reserved: u8,
    masking: Masking,
    payload: Vec<u8>,
}

/// Whether the frame is masked if, and only if, its sender is a client (§5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Masking {
    Right,
    Wrong,
}

impl Frame {
    /// A frame of this opcode, of which four bits count; 3 to 7 and 11 to 15 mean nothing (§5.2).
    pub fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            opcode: opcode & 0x0f,
            fin: true,
            reserved: 0,
            masking: Masking::Right,
            payload: payload.into(),
        }
    }

    /// A text message in one frame, or its first; the payload need not be UTF-8.
    pub fn text(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(TEXT, payload)
    }

    /// A binary message in one frame, or its first.
    pub fn binary(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x2, payload)
    }

    /// A later frame of a message, its last unless it is [unfinished](Self::unfinished).
    pub fn continuation(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x0, payload)
    }

    /// A Ping; more than 125 bytes break a rule (§5.5).
    pub fn ping(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x9, payload)
    }

    /// A Pong; more than 125 bytes break a rule (§5.5).
    pub fn pong(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0xa, payload)
    }

    /// A Close frame with any code, whether it may be sent or not. Without a code it is `Frame::new(8, "")`.
    pub fn close(code: impl Into<CloseCode>, reason: &str) -> Self {
        let code = code.into().as_u16().to_be_bytes();
        Self::new(CLOSE, [&code, reason.as_bytes()].concat())
    }

    /// The same frame with FIN cleared: more of its message follows.
    pub fn unfinished(mut self) -> Self {
        self.fin = false;
        self
    }

    /// The same frame with these reserved bits, of which three count: RSV1 is 4, RSV2 is 2, RSV3 is 1.
    pub fn reserved(mut self, bits: u8) -> Self {
        self.reserved = bits & 0b111;
        self
    }

    /// The same frame, unmasked where a client sends it, and masked where a server does.
    pub fn wrongly_masked(mut self) -> Self {
        self.masking = Masking::Wrong;
        self
    }

    /// The four bits of the opcode.
    pub fn opcode(&self) -> u8 {
        self.opcode
    }

    /// Whether this is the last frame of its message.
    pub fn is_final(&self) -> bool {
        self.fin
    }

    /// The payload, unmasked.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload, unmasked and owned.
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    /// What a Close frame says.
    pub(super) fn closes(&self) -> Option<(CloseCode, &[u8])> {
        let (code, reason) = self.payload.split_first_chunk()?;
        (self.opcode == CLOSE).then(|| (u16::from_be_bytes(*code).into(), reason))
    }

    /// The bytes of this frame as this side sends it.
    pub(super) fn encode(&self, sender: Sender) -> Vec<u8> {
        let is_masked = (sender == Sender::Client) == (self.masking == Masking::Right);
        let mask = if is_masked { MASK } else { 0 };
        let fin = if self.fin { FIN } else { 0 };
        let long = (self.payload.len() as u64).to_be_bytes();
        let mut bytes = vec![fin | self.reserved << 4 | self.opcode];
        // §5.2: "the minimal number of bytes MUST be used to encode the length".
        match self.payload.len() {
            0..=125 => bytes.push(mask | long[7]),
            126..=0xffff => bytes.extend([mask | 0x7e, long[6], long[7]]),
            _ => {
                bytes.push(mask | 0x7f);
                bytes.extend(long);
            }
        }
        if is_masked {
            bytes.extend(KEY);
            bytes.extend(masked(&self.payload, KEY));
        } else {
            bytes.extend_from_slice(&self.payload);
        }
        bytes
    }

    /// Reads the frame that `bytes` start with, if it is whole, whatever rules it breaks; gives it with its length.
    pub(super) fn decode(bytes: &[u8], sender: Sender) -> Option<(Self, usize)> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let (len, rest) = match second & 0x7f {
            0x7e => {
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from(u16::from_be_bytes(*len)), rest)
            }
            0x7f => {
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*len), rest)
            }
            short => (u64::from(short), rest),
        };
        let is_masked = second & MASK != 0;
        let (key, rest) = if is_masked {
            let (key, rest) = rest.split_first_chunk()?;
            (*key, rest)
        } else {
            ([0; 4], rest)
        };
        let (payload, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
        let frame = Self {
            opcode: first & 0x0f,
            fin: first & FIN != 0,
            reserved: first >> 4 & 0b111,
            masking: if is_masked == (sender == Sender::Client) {
                Masking::Right
            } else {
                Masking::Wrong
            },
            payload: masked(payload, key).collect(),
        };
        Some((frame, bytes.len() - rest.len()))
    }
}

/// §5.3: "transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4)".
fn masked(payload: &[u8], key: [u8; 4]) -> impl Iterator<Item = u8> {
    payload
        .iter()
        .zip(key.into_iter().cycle())
        .map(|(byte, key)| byte ^ key)
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.opcode {
            0x0 => "continuation",
            TEXT => "text",
            0x2 => "binary",
            CLOSE => "close",
            0x9 => "ping",
            0xa => "pong",
            _ => "frame",
        };
        f.write_str(name)?;
        if name == "frame" {
            write!(f, " of opcode {}", self.opcode)?;
        }
        match self.closes() {
            Some((code, reason)) => write!(f, " {} {}", code.as_u16(), Shown(reason))?,
            None => write!(f, " {}", Shown(&self.payload))?,
        }
        for (bit, name) in [(4, "RSV1"), (2, "RSV2"), (1, "RSV3")] {
            if self.reserved & bit != 0 {
                write!(f, ", with {name}")?;
            }
        }
        if !self.fin {
            f.write_str(", unfinished")?;
        }
        match self.masking {
            Masking::Right => Ok(()),
            Masking::Wrong => f.write_str(", wrongly masked"),
        }
    }
}

/// Bytes as text, the start of many.
pub(super) struct Shown<'a>(pub(super) &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.len().min(SHOWN);
        match str::from_utf8(self.0) {
            Ok(text) => {
                let end = (0..=end).rev().find(|end| text.is_char_boundary(*end));
                write!(f, "{:?}", &text[..end.unwrap_or(0)])?;
            }
            Err(_) => write!(f, "b\"{}\"", self.0[..end].escape_ascii())?,
        }
        if self.0.len() > SHOWN {
            write!(f, "… of {} bytes", self.0.len())?;
        }
        Ok(())
    }
}

/// Shows the header, never the payload.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("opcode", &self.opcode)
            .field("fin", &self.fin)
            .field("reserved", &self.reserved)
            .field("masking", &self.masking)
            .field("payload_len", &self.payload.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use tidewire_proto::frame::{FrameHeader, ReservedBits};

    use super::*;

    #[test]
    fn a_frame_stands_on_the_wire_as_the_core_reads_it() {
        for sender in [Sender::Client, Sender::Server] {
            for len in [0, 1, 125, 126, 0xffff, 0x1_0000] {
                let frame = Frame::binary(vec![7; len]);
                let bytes = frame.encode(sender);
                let header = FrameHeader::parse(&bytes, sender, ReservedBits::NONE);
                let (header, header_len) = header.expect("a right frame").expect("a whole header");
                assert_eq!(header.payload_len, len as u64, "{sender:?}");
                assert_eq!(header.masking_key.is_some(), sender == Sender::Client);
                assert_eq!(bytes.len(), header_len + len, "{sender:?}");
            }
        }
    }

    #[test]
    fn a_frame_is_read_as_it_was_written_once_it_is_whole() {
        let frames = [
            Frame::text("hello"),
            Frame::continuation([0xff; 300]).unfinished(),
            Frame::new(0xb, "x").reserved(0b101).wrongly_masked(),
            Frame::close(1000, ""),
        ];
        for sender in [Sender::Client, Sender::Server] {
            for frame in &frames {
                let bytes = frame.encode(sender);
                for cut in 0..bytes.len() {
                    assert_eq!(Frame::decode(&bytes[..cut], sender), None, "{frame}: {cut}");
                }
                let more = [&bytes[..], b"more"].concat();
                let read = Frame::decode(&more, sender);
                assert_eq!(read, Some((frame.clone(), bytes.len())), "{frame}");
            }
        }
    }

    #[test]
    fn a_long_text_is_shown_up_to_a_whole_character() {
        let text = "é".repeat(100);
        let shown = format!("text \"x{}\"… of 201 bytes", "é".repeat(39));
        assert_eq!(Frame::text(format!("x{text}")).to_string(), shown);
    }

    #[test]
    fn debug_shows_no_payload() {
        let shown = format!("{:?}", Frame::text("secret"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
