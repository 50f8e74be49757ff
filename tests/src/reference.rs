//! A decoder of frames written straight from RFC 6455 §5.2, slow and plain, which shares no code with tidewire.

/// A rule of §5.1, §5.2 or §5.5 that a header breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// §5.2: RSV1, RSV2 or RSV3 is set, and no extension was negotiated.
    ReservedBits,
    /// §5.2: opcodes 3–7 and B–F are reserved.
    ReservedOpcode,
    /// §5.1: a client's frame is not masked.
    MaskMissing,
    /// §5.1: a server's frame is masked.
    MaskForbidden,
    /// §5.5: a control frame is fragmented.
    FragmentedControl,
    /// §5.5: a control frame announces more than 125 bytes.
    LongControl,
    /// §5.2: the length does not use the minimal number of bytes.
    LengthNotMinimal,
    /// §5.2: the most significant bit of a 64-bit length is set.
    LengthOverflow,
}

/// Who sent a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The side that masks.
    Client,
    /// The side that does not.
    Server,
}

/// A frame, its payload unmasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The bit FIN.
    pub fin: bool,
    /// The opcode's four bits.
    pub opcode: u8,
    /// The key it was masked with.
    pub key: Option<[u8; 4]>,
    /// The payload.
    pub payload: Vec<u8>,
}

/// What the start of a stream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start<T> {
    /// Too short to say.
    NeedMore,
    /// Every rule that it breaks, as far as it goes.
    Broken(Vec<Fault>),
    /// Whole, with its length in bytes.
    Whole(T, usize),
}

/// What a header says: the frame without its payload, and the payload's length.
pub type Header = (Frame, u64);

/// Reads the header that `bytes` start with.
pub fn header(bytes: &[u8], sender: Sender) -> Start<Header> {
    if bytes.len() < 2 {
        return Start::NeedMore;
    }
    let bit = |byte: usize, bit: u8| bytes[byte] / 2u8.pow(u32::from(7 - bit)) % 2 == 1;
    let fin = bit(0, 0);
    let opcode = bytes[0] % 16;
    let masked = bit(1, 0);
    let short = bytes[1] % 128;
    let control = opcode >= 8;
    let mut faults = Vec::new();
    if bit(0, 1) || bit(0, 2) || bit(0, 3) {
        faults.push(Fault::ReservedBits);
    }
    if ![0, 1, 2, 8, 9, 10].contains(&opcode) {
        faults.push(Fault::ReservedOpcode);
    }
    if sender == Sender::Client && !masked {
        faults.push(Fault::MaskMissing);
    }
    if sender == Sender::Server && masked {
        faults.push(Fault::MaskForbidden);
    }
    if control && !fin {
        faults.push(Fault::FragmentedControl);
    }
    if control && short > 125 {
        faults.push(Fault::LongControl);
    }
    if !faults.is_empty() {
        return Start::Broken(faults);
    }
    let extended = match short {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mut at = 2 + extended;
    if bytes.len() < at {
        return Start::NeedMore;
    }
    let mut len = u64::from(short);
    if extended > 0 {
        len = 0;
        for byte in &bytes[2..at] {
            len = len * 256 + u64::from(*byte);
        }
    }
    if extended == 8 && bit(2, 0) {
        faults.push(Fault::LengthOverflow);
    }
    if extended == 2 && len < 126 || extended == 8 && len < 65536 {
        faults.push(Fault::LengthNotMinimal);
    }
    if !faults.is_empty() {
        return Start::Broken(faults);
    }
    let mut key = None;
    if masked {
        if bytes.len() < at + 4 {
            return Start::NeedMore;
        }
        key = Some([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        at += 4;
    }
    let payload = Vec::new();
    let frame = Frame {
        fin,
        opcode,
        key,
        payload,
    };
    Start::Whole((frame, len), at)
}

/// Reads the frame that `bytes` start with.
pub fn frame(bytes: &[u8], sender: Sender) -> Start<Frame> {
    let ((mut frame, len), at) = match header(bytes, sender) {
        Start::NeedMore => return Start::NeedMore,
        Start::Broken(faults) => return Start::Broken(faults),
        Start::Whole(header, at) => (header, at),
    };
    if ((bytes.len() - at) as u64) < len {
        return Start::NeedMore;
    }
    let mut i = 0;
    while (i as u64) < len {
        let byte = bytes[at + i];
        // §5.3: "transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4)".
        frame.payload.push(match frame.key {
            Some(key) => byte ^ key[i % 4],
            None => byte,
        });
        i += 1;
    }
    Start::Whole(frame, at + i)
}

/// Reads a stream that consists of whole frames.
///
/// # Panics
/// Where it does not.
pub fn frames(mut bytes: &[u8], sender: Sender) -> Vec<Frame> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        match frame(bytes, sender) {
            Start::Whole(frame, len) => {
                frames.push(frame);
                bytes = &bytes[len..];
            }
            other => panic!(
                "no whole frame at {:02x?}: {other:?}",
                &bytes[..bytes.len().min(14)]
            ),
        }
    }
    frames
}
