use std::fmt;

use tidewire_proto::CloseCode;
use tidewire_proto::frame::Sender;

const FIN: u8 = 0x80;
const MASK: u8 = 0x80;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
/// In place of a length up to 125: the length follows in two bytes, in eight.
const TWO_BYTES: u8 = 0x7e;
const EIGHT_BYTES: u8 = 0x7f;

/// How much of a payload a message shows.
const SHOWN: usize = 80;

/// A frame as it stands on the wire: right by default, and wrong in whatever a test asks for.
///
/// `Display` shows the payload, since that is what a failed test has to tell; `Debug` does not.
///
/// ```
/// # use tidewire_common::raw::{Frame, LengthForm};
/// assert_eq!(Frame::text("hello").to_string(), r#"text "hello""#);
/// assert_eq!(Frame::close(1000, "bye").to_string(), r#"close 1000 "bye""#);
/// assert_eq!(Frame::text("he").unfinished().to_string(), r#"text "he", unfinished"#);
/// let frame = Frame::text("hi").reserved(0b100).length_form(LengthForm::TwoBytes);
/// assert_eq!(frame.to_string(), r#"text "hi", with RSV1, length in two bytes"#);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    opcode: u8,
    fin: bool,
    reserved: u8,
    masking: Masking,
    length_form: Option<LengthForm>,
    announced: Option<u64>,
    payload: Vec<u8>,
}

/// Whether the frame is masked, and with what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Masking {
    /// If, and only if, its sender is a client (§5.1).
    Right,
    /// If, and only if, its sender is a server.
    Wrong,
    /// Whoever sends it, with this key.
    Key([u8; 4]),
}

/// A form of the length that a frame's header has (§5.2), where it is to be longer than it need be: "the minimal number of
/// bytes MUST be used".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthForm {
    /// 126 and two bytes, which a length below 126 does not need; a length of 65,536 or more takes eight.
    TwoBytes,
    /// 127 and eight bytes, which a length below 65,536 does not need.
    EightBytes,
}

impl Frame {
    /// A frame of this opcode, of which four bits count; 3 to 7 and 11 to 15 mean nothing (§5.2).
    pub fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            opcode: opcode & 0x0f,
            fin: true,
            reserved: 0,
            masking: Masking::Right,
            length_form: None,
            announced: None,
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

    /// The same frame, masked with this key, whoever sends it.
    pub fn masking_key(mut self, key: [u8; 4]) -> Self {
        self.masking = Masking::Key(key);
        self
    }

    /// The same frame, whose length has this form, or the next longer one where it does not fit.
    pub fn length_form(mut self, form: LengthForm) -> Self {
        self.length_form = Some(form);
        self
    }

    /// The same frame, whose header announces this length, whatever the payload has.
    pub fn announced_len(mut self, len: u64) -> Self {
        self.announced = Some(len);
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
    pub(crate) fn closes(&self) -> Option<(CloseCode, &[u8])> {
        let (code, reason) = self.payload.split_first_chunk()?;
        (self.opcode == CLOSE).then(|| (u16::from_be_bytes(*code).into(), reason))
    }

    /// The bytes of this frame as this side sends it; asks for a masking key where it has none of its own and is masked.
    pub fn encode(&self, sender: Sender, key: impl FnOnce() -> [u8; 4]) -> Vec<u8> {
        let key = match self.masking {
            Masking::Right => (sender == Sender::Client).then(key),
            Masking::Wrong => (sender == Sender::Server).then(key),
            Masking::Key(key) => Some(key),
        };
        let mask = if key.is_some() { MASK } else { 0 };
        let fin = if self.fin { FIN } else { 0 };
        let len = self.announced.unwrap_or(self.payload.len() as u64);
        let long = len.to_be_bytes();
        let mut bytes = vec![fin | self.reserved << 4 | self.opcode];
        match (len, self.length_form) {
            (0..=125, None) => bytes.push(mask | long[7]),
            (0..=0xffff, None | Some(LengthForm::TwoBytes)) => {
                bytes.extend([mask | TWO_BYTES, long[6], long[7]]);
            }
            (_, None | Some(LengthForm::TwoBytes | LengthForm::EightBytes)) => {
                bytes.push(mask | EIGHT_BYTES);
                bytes.extend(long);
            }
        }
        match key {
            Some(key) => {
                bytes.extend(key);
                bytes.extend(masked(&self.payload, key));
            }
            None => bytes.extend_from_slice(&self.payload),
        }
        bytes
    }

    /// Reads the frame that `bytes` start with, if it is whole, whatever rules it breaks; gives it with its length.
    ///
    /// The key with which a frame was rightly masked is forgotten.
    pub fn decode(bytes: &[u8], sender: Sender) -> Option<(Self, usize)> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let (len, length_form, rest) = match second & !MASK {
            TWO_BYTES => {
                let (len, rest) = rest.split_first_chunk()?;
                let len = u64::from(u16::from_be_bytes(*len));
                (len, (len < 126).then_some(LengthForm::TwoBytes), rest)
            }
            EIGHT_BYTES => {
                let (len, rest) = rest.split_first_chunk()?;
                let len = u64::from_be_bytes(*len);
                (len, (len < 0x1_0000).then_some(LengthForm::EightBytes), rest)
            }
            short => (u64::from(short), None, rest),
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
            length_form,
            announced: None,
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
            Masking::Right => {}
            Masking::Wrong => f.write_str(", wrongly masked")?,
            Masking::Key(key) => write!(f, ", masked with {key:02x?}")?,
        }
        match self.length_form {
            None => {}
            Some(LengthForm::TwoBytes) => f.write_str(", length in two bytes")?,
            Some(LengthForm::EightBytes) => f.write_str(", length in eight bytes")?,
        }
        match self.announced {
            None => Ok(()),
            Some(len) => write!(f, ", announced as {len} bytes"),
        }
    }
}

/// Bytes as text, the start of many.
pub(crate) struct Shown<'a>(pub(crate) &'a [u8]);

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
            .field("length_form", &self.length_form)
            .field("announced", &self.announced)
            .field("payload_len", &self.payload.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tidewire_proto::frame::{FrameHeader, ReservedBits};

    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    #[test]
    fn a_frame_stands_on_the_wire_as_the_core_reads_it() {
        for sender in [Sender::Client, Sender::Server] {
            for len in [0, 1, 125, 126, 0xffff, 0x1_0000] {
                let frame = Frame::binary(vec![7; len]);
                let bytes = frame.encode(sender, || KEY);
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
            Frame::text("short").length_form(LengthForm::TwoBytes),
            Frame::text([b'x'; 200]).length_form(LengthForm::EightBytes),
        ];
        for sender in [Sender::Client, Sender::Server] {
            for frame in &frames {
                let bytes = frame.encode(sender, || KEY);
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
    fn a_length_has_the_form_that_is_asked_for_or_one_that_holds_it() {
        let forms = [None, Some(LengthForm::TwoBytes), Some(LengthForm::EightBytes)];
        // How many bytes the header has.
        for (len, headers) in [
            (0, [2, 4, 10]),
            (125, [2, 4, 10]),
            (126, [4, 4, 10]),
            (0x1_0000, [10, 10, 10]),
        ] {
            for (form, header) in forms.into_iter().zip(headers) {
                let mut frame = Frame::binary(vec![0; len]);
                frame.length_form = form;
                assert_eq!(
                    frame.encode(Sender::Server, || KEY).len(),
                    header + len,
                    "{len}: {form:?}"
                );
            }
        }
    }

    #[test]
    fn a_frame_may_announce_any_length_and_have_any_key() {
        let frame = Frame::text("hi").announced_len(1 << 63);
        assert_eq!(
            frame.encode(Sender::Server, || KEY),
            b"\x81\x7f\x80\0\0\0\0\0\0\0hi"
        );
        let frame = Frame::text("hi").announced_len(1).masking_key([0, 0, 0, 1]);
        for sender in [Sender::Client, Sender::Server] {
            assert_eq!(
                frame.encode(sender, || KEY),
                b"\x81\x81\0\0\0\x01hi",
                "{sender:?}"
            );
        }
        let shown = frame.to_string();
        assert_eq!(
            shown,
            r#"text "hi", masked with [00, 00, 00, 01], announced as 1 bytes"#
        );
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
