//! What is done to a payload at the very least, without a frame around it.

/// Copies the payload, as a socket does.
pub fn copy(payload: &[u8], to: &mut Vec<u8>) {
    to.clear();
    to.extend_from_slice(payload);
}

/// Copies the payload and unmasks it.
///
/// It is written for itself, and for the compiler to make vectors of: a change to the library's masking does not move
/// its roofline.
pub fn copy_and_xor(payload: &[u8], key: [u8; 4], to: &mut Vec<u8>) {
    copy(payload, to);
    let word = u32::from_ne_bytes(key);
    let (words, rest) = to.as_chunks_mut::<4>();
    for bytes in words {
        *bytes = (u32::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

/// Copies a text, unmasks it and checks it with the fastest check of UTF-8 that is known.
///
/// # Panics
/// Where it is no text.
pub fn copy_xor_and_check<'t>(payload: &[u8], key: [u8; 4], to: &'t mut Vec<u8>) -> &'t str {
    copy_and_xor(payload, key, to);
    simdutf8::basic::from_utf8(to).expect("the payload is a masked text")
}
