//! What goes over a connection, frame by frame, for a person to read.

use std::fmt;
use std::mem;
use std::sync::Arc;

use tidewire_proto::frame::mask;

use crate::log::{EXCERPT, Excerpt};

/// The longest header (§5.2).
const MAX_HEADER: usize = 14;
/// Where the head of the handshake ends.
const HEAD_END: &[u8] = b"\r\n\r\n";
/// How an answer begins behind which there are frames.
const SWITCHING: &[u8] = b"HTTP/1.1 101";
/// How one begins behind which another is to come.
const INTERIM: &[u8] = b"HTTP/1.1 1";

/// A frame that was sent or received whole, as it was on the wire but for its masking.
///
/// `Display` gives a line: the direction, the opcode's name, the length, and up to 75 characters of the payload, escaped.
pub struct TracedFrame<'a> {
    direction: Direction,
    header: &'a Header,
    payload: &'a [u8],
}

/// Which way a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the peer.
    Sent,
    /// From it.
    Received,
}

impl TracedFrame<'_> {
    /// Which way it went.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The opcode, from 0 to 15.
    pub fn opcode(&self) -> u8 {
        self.header.first & 0x0f
    }

    /// Whether it is the last of its message.
    pub fn is_final(&self) -> bool {
        self.header.first & 0x80 != 0
    }

    /// The reserved bits, RSV1 the highest of three: where compression was agreed on, it is set on what is compressed.
    pub fn reserved(&self) -> u8 {
        (self.header.first >> 4) & 0b111
    }

    /// The length of the payload in bytes.
    pub fn payload_len(&self) -> u64 {
        self.header.payload_len
    }

    /// The start of the payload, unmasked: 300 bytes at most.
    pub fn payload_start(&self) -> &[u8] {
        self.payload
    }
}

impl fmt::Display for TracedFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.direction {
            Direction::Sent => "sent ",
            Direction::Received => "received ",
        })?;
        match self.opcode() {
            0 => f.write_str("continuation")?,
            1 => f.write_str("text")?,
            2 => f.write_str("binary")?,
            8 => f.write_str("close")?,
            9 => f.write_str("ping")?,
            10 => f.write_str("pong")?,
            other => write!(f, "opcode {other}")?,
        }
        if !self.is_final() {
            f.write_str(", unfinished")?;
        }
        if self.reserved() != 0 {
            write!(f, ", reserved bits {:03b}", self.reserved())?;
        }
        write!(f, ", {} bytes", self.payload_len())?;
        match (self.opcode(), self.payload) {
            (_, []) => Ok(()),
            (8, [high, low, reason @ ..]) => {
                let code = u16::from_be_bytes([*high, *low]);
                write!(f, ": {code}")?;
                if reason.is_empty() {
                    return Ok(());
                }
                write!(f, " {}", Excerpt(reason))
            }
            (_, payload) => write!(f, ": {}", Excerpt(payload)),
        }
    }
}

/// Shows the header, never the payload.
impl fmt::Debug for TracedFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedFrame")
            .field("direction", &self.direction)
            .field("opcode", &self.opcode())
            .field("is_final", &self.is_final())
            .field("payload_len", &self.payload_len())
            .finish_non_exhaustive()
    }
}

/// Who is told of frames.
#[derive(Clone)]
pub struct Trace(Arc<dyn Fn(&TracedFrame<'_>) + Send + Sync>);

impl Trace {
    /// Tells `tell`.
    pub fn new(tell: impl Fn(&TracedFrame<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// What finds the frames that go this way, from the start of the handshake.
    pub fn tracer(&self, direction: Direction) -> Tracer {
        Tracer {
            trace: self.clone(),
            direction,
            stage: Stage::Head(Vec::new()),
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").finish_non_exhaustive()
    }
}

/// Finds the frames in the bytes of one direction. It judges nothing: what is wrong is shown as it is.
#[derive(Debug)]
pub struct Tracer {
    trace: Trace,
    direction: Direction,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The handshake's, which has secrets and is not shown.
    Head(Vec<u8>),
    Header(Vec<u8>),
    Payload(Payload),
    /// There are no frames.
    Blind,
}

#[derive(Debug)]
struct Header {
    first: u8,
    key: Option<[u8; 4]>,
    payload_len: u64,
}

struct Payload {
    header: Header,
    start: Vec<u8>,
    left: u64,
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.header.fmt(f)
    }
}

impl Tracer {
    /// Takes bytes that were sent or received, in order.
    pub fn handle(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let stage = mem::replace(&mut self.stage, Stage::Blind);
            (self.stage, bytes) = match stage {
                Stage::Head(head) => self.find_end(head, bytes),
                Stage::Header(header) => self.find_header(header, bytes),
                Stage::Payload(payload) => self.find_payload(payload, bytes),
                Stage::Blind => return,
            };
        }
    }

    fn find_end<'b>(&self, mut head: Vec<u8>, bytes: &'b [u8]) -> (Stage, &'b [u8]) {
        let before = head.len();
        head.extend_from_slice(bytes);
        // Where the end may begin that was not there before.
        let new = before.saturating_sub(HEAD_END.len() - 1);
        let mut windows = head.windows(HEAD_END.len()).skip(new);
        let Some(at) = windows.position(|window| window == HEAD_END) else {
            return (Stage::Head(head), &[]);
        };
        let rest = bytes
            .get(new + at + HEAD_END.len() - before..)
            .unwrap_or_default();
        let stage = match self.direction {
            Direction::Received if head.starts_with(SWITCHING) => Stage::Header(Vec::new()),
            Direction::Received if head.starts_with(INTERIM) => Stage::Head(Vec::new()),
            Direction::Received => Stage::Blind,
            Direction::Sent => Stage::Header(Vec::new()),
        };
        (stage, rest)
    }

    fn find_header<'b>(&self, mut begun: Vec<u8>, bytes: &'b [u8]) -> (Stage, &'b [u8]) {
        let before = begun.len();
        begun.extend(bytes.iter().take(MAX_HEADER - before));
        let Some((header, len)) = Header::parse(&begun) else {
            return (Stage::Header(begun), &[]);
        };
        let rest = bytes.get(len - before..).unwrap_or_default();
        let left = header.payload_len;
        let start = Vec::new();
        let payload = Payload { header, start, left };
        (self.tell_if_whole(payload), rest)
    }

    fn find_payload<'b>(&self, mut payload: Payload, bytes: &'b [u8]) -> (Stage, &'b [u8]) {
        let len = usize::try_from(payload.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let (part, rest) = bytes.split_at_checked(len).unwrap_or((bytes, &[]));
        payload.left -= part.len() as u64;
        let room = EXCERPT - payload.start.len();
        payload.start.extend(part.iter().take(room));
        (self.tell_if_whole(payload), rest)
    }

    fn tell_if_whole(&self, mut payload: Payload) -> Stage {
        if payload.left > 0 {
            return Stage::Payload(payload);
        }
        if let Some(key) = payload.header.key {
            mask::apply(key, &mut payload.start);
        }
        (self.trace.0)(&TracedFrame {
            direction: self.direction,
            header: &payload.header,
            payload: &payload.start,
        });
        Stage::Header(Vec::new())
    }
}

impl Header {
    /// Reads a header, right or wrong; gives its length.
    fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let (payload_len, rest) = match second & 0x7f {
            126 => {
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from(u16::from_be_bytes(*len)), rest)
            }
            127 => {
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*len), rest)
            }
            len => (u64::from(len), rest),
        };
        let (key, rest) = if second & 0x80 == 0 {
            (None, rest)
        } else {
            let (key, rest) = rest.split_first_chunk()?;
            (Some(*key), rest)
        };
        let header = Self {
            first,
            key,
            payload_len,
        };
        Some((header, bytes.len() - rest.len()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What is told of these bytes when they come in pieces of a size.
    fn told(direction: Direction, bytes: &[u8], size: usize) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let told = lines.clone();
        let trace = Trace::new(move |frame| told.lock().expect("no panic").push(frame.to_string()));
        let mut tracer = trace.tracer(direction);
        for piece in bytes.chunks(size) {
            tracer.handle(piece);
        }
        lines.lock().expect("no panic").clone()
    }

    #[test]
    fn each_frame_is_a_line_however_it_arrives() {
        let mut bytes = b"HTTP/1.1 103 Early Hints\r\nLink: secret\r\n\r\n".to_vec();
        bytes.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: secret\r\n\r\n");
        bytes.extend_from_slice(b"\x81\x05hello");
        bytes.extend_from_slice(b"\x01\x02\xff\n\x80\x00");
        bytes.extend_from_slice(b"\x89\x01?");
        bytes.extend_from_slice(b"\xc2\x7e\x00\x80");
        bytes.extend_from_slice(&[b'x'; 128]);
        bytes.extend_from_slice(b"\x83\x7f\0\0\0\0\0\0\0\x01.");
        bytes.extend_from_slice(b"\x88\x05\x03\xe8bye");
        let expected = [
            "received text, 5 bytes: hello".to_owned(),
            "received text, unfinished, 2 bytes: \\xff\\n".into(),
            "received continuation, 0 bytes".into(),
            "received ping, 1 bytes: ?".into(),
            format!(
                "received binary, reserved bits 100, 128 bytes: {}…",
                "x".repeat(75)
            ),
            "received opcode 3, 1 bytes: .".into(),
            "received close, 5 bytes: 1000 bye".into(),
        ];
        for size in 1..bytes.len() {
            assert_eq!(told(Direction::Received, &bytes, size), expected, "{size}");
        }
    }

    #[test]
    fn what_is_masked_is_shown_unmasked() {
        let mut bytes = b"GET / HTTP/1.1\r\nAuthorization: secret\r\n\r\n".to_vec();
        // §5.7: "A single-frame masked text message".
        bytes.extend_from_slice(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        for size in 1..bytes.len() {
            assert_eq!(told(Direction::Sent, &bytes, size), ["sent text, 5 bytes: Hello"]);
        }
    }

    #[test]
    fn a_refusal_has_no_frames() {
        let bytes = b"HTTP/1.1 404 Not Found\r\n\r\n\x81\x05hello";
        assert!(told(Direction::Received, bytes, 7).is_empty());
    }
}
