use crate::event::{Kind, Message};

/// How much of a message is looked at, in places spread over it, each of so many bytes.
const SAMPLE: usize = 1024;
const PLACES: usize = 4;

/// Whether a message looks as if DEFLATE could not make it smaller: its bytes are all about equally frequent, as in
/// pictures, archives and ciphertext.
///
/// Text never is, not even in base64. What repeats at a distance is not seen; who sends such data had better send it
/// as text, or at a higher level.
pub(super) fn is_dense(message: Message<'_>) -> bool {
    let bytes = message.as_bytes();
    if message.kind() == Kind::Text || bytes.len() < SAMPLE {
        return false;
    }
    let mut counts = [0_u32; 256];
    for bytes in bytes.chunks(bytes.len().div_ceil(PLACES)) {
        for byte in bytes.iter().take(SAMPLE / PLACES) {
            counts[usize::from(*byte)] += 1;
        }
    }
    // The expected sum of squares for random bytes is n + n(n-1)/256 = 5116, its deviation 90. Bytes of 7.8 bits of
    // entropy (Huffman codes alone would save 2 %) are at about 5,700.
    let squares: u32 = counts.iter().map(|count| count * count).sum();
    squares < 5600
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn noise(len: usize, symbols: u32) -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            u8::try_from((state >> 8) % symbols).unwrap_or(0)
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn noise_is_dense_from_1_kib_on() {
        for len in [1024, 1025, 1027, 4096, 100_000] {
            assert!(is_dense(Message::Binary(&noise(len, 256))), "{len} bytes");
        }
        assert!(!is_dense(Message::Binary(&noise(1023, 256))));
    }

    #[test]
    fn fewer_symbols_are_not() {
        for symbols in [1, 2, 64, 128, 192, 220] {
            assert!(
                !is_dense(Message::Binary(&noise(8192, symbols))),
                "{symbols} symbols"
            );
        }
    }

    #[test]
    fn text_never_is() {
        let text = core::str::from_utf8(&noise(4096, 128)).map(is_dense_text);
        assert_eq!(text, Ok(false));
    }

    fn is_dense_text(text: &str) -> bool {
        is_dense(Message::Text(text))
    }
}
