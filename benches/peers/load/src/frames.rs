//! Frames, made and read by hand (RFC 6455 §5.2): nothing that is measured has a part in it.

use anyhow::{Result, ensure};

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;

/// What stands in front of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    pub(crate) rsv1: bool,
    pub(crate) opcode: u8,
    pub(crate) key: Option<[u8; 4]>,
    pub(crate) payload_len: usize,
}

impl Header {
    /// Appends the header.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let masked = if self.key.is_some() { 0x80 } else { 0 };
        out.push(u8::from(self.fin) << 7 | u8::from(self.rsv1) << 6 | self.opcode);
        match u16::try_from(self.payload_len) {
            Ok(len @ 0..=125) => out.push(masked | len.to_be_bytes()[1]),
            Ok(len) => {
                out.push(masked | 0x7e);
                out.extend(len.to_be_bytes());
            }
            Err(_) => {
                out.push(masked | 0x7f);
                out.extend((self.payload_len as u64).to_be_bytes());
            }
        }
        out.extend(self.key.into_iter().flatten());
    }

    /// Reads the header that `bytes` begin with, and says how long it is; `None` where more is needed.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        ensure!(
            first & 0x30 == 0,
            "frame with RSV2 or RSV3 begins with {first:#04x}"
        );
        let extended = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let key_len = if second & 0x80 == 0 { 0 } else { 4 };
        let Some((extended, rest)) = rest.split_at_checked(extended) else {
            return Ok(None);
        };
        let Some((key, _)) = rest.split_at_checked(key_len) else {
            return Ok(None);
        };
        let payload_len = match extended.len() {
            0 => u64::from(second & 0x7f),
            _ => extended.iter().fold(0, |len, byte| len << 8 | u64::from(*byte)),
        };
        // §5.2: "the minimal number of bytes MUST be used to encode the length".
        let minimum = match extended.len() {
            0 => 0,
            2 => 126,
            _ => 1 << 16,
        };
        ensure!(
            payload_len >= minimum,
            "length of {payload_len} in {} bytes",
            extended.len()
        );
        let header = Self {
            fin: first & 0x80 != 0,
            rsv1: first & 0x40 != 0,
            opcode: first & 0x0f,
            key: key.try_into().ok(),
            payload_len: payload_len.try_into()?,
        };
        Ok(Some((header, 2 + extended.len() + key_len)))
    }
}

/// Appends a frame that is not compressed.
pub(crate) fn append(fin: bool, opcode: u8, key: Option<[u8; 4]>, payload: &[u8], out: &mut Vec<u8>) {
    let header = Header {
        fin,
        rsv1: false,
        opcode,
        key,
        payload_len: payload.len(),
    };
    append_with(header, payload, out);
}

/// Appends a frame with this header.
pub(crate) fn append_with(header: Header, payload: &[u8], out: &mut Vec<u8>) {
    header.write(out);
    let start = out.len();
    out.extend(payload);
    if let Some(key) = header.key {
        mask(key, &mut out[start..]);
    }
}

/// Masks or unmasks a whole payload (§5.3), eight bytes at a time.
pub(crate) fn mask(key: [u8; 4], payload: &mut [u8]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        append(true, TEXT, key, payload, &mut out);
        out
    }

    #[test]
    fn frames_are_those_of_the_rfc() {
        assert_eq!(frame(None, b"Hello"), b"\x81\x05Hello");
        assert_eq!(
            frame(Some([0x37, 0xfa, 0x21, 0x3d]), b"Hello"),
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
        );
        assert_eq!(frame(None, &[0; 256])[..4], *b"\x81\x7e\x01\x00");
        assert_eq!(
            frame(None, &vec![0; 65536])[..10],
            *b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"
        );
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        for payload_len in [0, 1, 125, 126, 65535, 65536, 1 << 24] {
            for key in [None, Some([1, 2, 3, 4])] {
                let header = Header {
                    fin: true,
                    rsv1: payload_len == 1,
                    opcode: BINARY,
                    key,
                    payload_len,
                };
                let mut bytes = Vec::new();
                header.write(&mut bytes);
                assert_eq!(Header::read(&bytes).unwrap(), Some((header, bytes.len())));
                for len in 0..bytes.len() {
                    assert_eq!(Header::read(&bytes[..len]).unwrap(), None, "{len} of {bytes:?}");
                }
            }
        }
    }

    #[test]
    fn a_length_that_is_not_minimal_is_an_error() {
        assert!(Header::read(b"\x81\x7e\x00\x7d").is_err());
        assert!(Header::read(b"\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff").is_err());
    }

    #[test]
    fn a_reserved_bit_is_an_error() {
        assert!(Header::read(b"\xa1\x00").is_err());
        assert!(Header::read(b"\x91\x00").is_err());
    }
}
