use alloc::string::String;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha1::{Digest as _, Sha1};

/// §1.3: the GUID "which is unlikely to be used by network endpoints that do not understand the WebSocket
/// Protocol".
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Padding is demanded, the unused bits of the last character are not judged: the example key of §4.1 itself,
/// `AQIDBAUGBwgJCgsMDQ4PEC==`, leaves some set, and the key is only ever hashed as text.
const KEY_DECODER: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Computes the `Sec-WebSocket-Accept` value that answers a `Sec-WebSocket-Key` value.
///
/// The key is taken as it stands in the field, without surrounding white space; it is not checked here.
///
/// ```
/// use tidewire_proto::handshake::accept_key;
///
/// // The example of §1.3.
/// assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn accept_key(key: &[u8]) -> String {
    AcceptKey::of(key).as_str().into()
}

/// A `Sec-WebSocket-Accept` value: 20 bytes take 28 in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AcceptKey([u8; 28]);

impl AcceptKey {
    pub(super) fn of(key: &[u8]) -> Self {
        // §4.2.2: "concatenating /key/ [...] with the string "258EAFA5-[...]", taking the SHA-1 hash of this
        // concatenated value to obtain a 20-byte value and base64-encoding [...] this 20-byte hash".
        let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
        let mut text = [0; 28];
        let written = STANDARD.encode_slice(digest, &mut text);
        debug_assert_eq!(written, Ok(text.len()));
        Self(text)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The `Sec-WebSocket-Key` value of a client's nonce.
pub(super) fn encode_nonce(nonce: [u8; 16]) -> String {
    STANDARD.encode(nonce)
}

/// Whether a `Sec-WebSocket-Key` value is the padded base64 of 16 bytes.
pub(super) fn is_key(key: &[u8]) -> bool {
    // §4.2.1: "a base64-encoded [...] value that, when decoded, is 16 bytes in length". The length goes
    // first, so that a long value is not decoded at all. Without padding 24 characters would hold 18 bytes.
    key.len() == 24 && KEY_DECODER.decode_slice(key, &mut [0; 18]) == Ok(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_encoded_as_in_section_1_3() {
        assert_eq!(encode_nonce(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
    }

    #[test]
    fn a_key_is_the_padded_base64_of_16_bytes() {
        let table: &[(&[u8], bool)] = &[
            (b"dGhlIHNhbXBsZSBub25jZQ==", true),
            (b"AAAAAAAAAAAAAAAAAAAAAA==", true),
            // The example of §4.1, with unused bits set.
            (b"AQIDBAUGBwgJCgsMDQ4PEC==", true),
            (b"", false),
            (b"dGhlIHNhbXBsZSBub25jZQ", false),
            (b"dGhlIHNhbXBsZSBub25jZQ=", false),
            (b"dGhlIHNhbXBsZSBub25jZQ= ", false),
            (b"dGhlIHNhbXBsZSBub25jZQA=", false),
            (b"dGhlIHNhbXBsZSBub25jZQAA", false),
            (b"dGhlIHNhbXBsZSBub25jZ===", false),
            (b"dGhlIHNhbXBsZSBub25j_Q==", false),
            (b"dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ==", false),
        ];
        for (key, expected) in table {
            assert_eq!(is_key(key), *expected, "key {}", key.escape_ascii());
        }
    }
}
