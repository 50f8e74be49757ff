//! Masking (§5.3), which is its own inverse: octet `i` of the payload is combined with octet `i MOD 4` of the key.

use alloc::vec::Vec;

/// Copied and masked at a time, so that the second pass finds the bytes in the first-level cache.
const COPY_CHUNK: usize = 8 * 1024;

/// Masks or unmasks `payload` where it stands.
#[inline]
pub fn apply(key: [u8; 4], payload: &mut [u8]) {
    let half = u32::from_ne_bytes(key);
    let word = u64::from(half) << 32 | u64::from(half);
    let (words, tail) = payload.as_chunks_mut();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    let (halves, tail) = tail.as_chunks_mut();
    for bytes in halves {
        *bytes = (u32::from_ne_bytes(*bytes) ^ half).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key) {
        *byte ^= key;
    }
}

/// Appends `payload` to `out`, masked or unmasked on the way.
pub fn append(key: [u8; 4], payload: &[u8], out: &mut Vec<u8>) {
    out.reserve(payload.len());
    // The chunk is a multiple of four, so each starts with the key as it is.
    for chunk in payload.chunks(COPY_CHUNK) {
        let start = out.len();
        out.extend_from_slice(chunk);
        if let Some(copied) = out.get_mut(start..) {
            apply(key, copied);
        }
    }
}

/// The key as it stands for the octet that follows the first `len` of a payload.
pub fn rotated(mut key: [u8; 4], len: usize) -> [u8; 4] {
    key.rotate_left(len % 4);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule of §5.3, letter by letter.
    fn plain(key: [u8; 4], payload: &[u8]) -> Vec<u8> {
        payload
            .iter()
            .enumerate()
            .map(|(i, byte)| byte ^ key[i % 4])
            .collect()
    }

    #[test]
    fn both_ways_agree_with_the_plain_rule_at_every_length_alignment_and_phase() {
        let data: Vec<u8> = (0..100u8).map(|i| i.wrapping_mul(37)).collect();
        let key = [0x12, 0x00, 0xff, 0xa5];
        for start in 0..9 {
            for len in 0..80 {
                for phase in 0..4 {
                    let key = rotated(key, phase);
                    let payload = &data[start..start + len];
                    let want = plain(key, payload);
                    let mut in_place = data.clone();
                    apply(key, &mut in_place[start..start + len]);
                    assert_eq!(
                        &in_place[start..start + len],
                        want,
                        "start {start}, len {len}, phase {phase}"
                    );
                    let mut copied = b"before".to_vec();
                    append(key, payload, &mut copied);
                    assert_eq!(
                        &copied[6..],
                        want,
                        "copied: start {start}, len {len}, phase {phase}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_payload_longer_than_a_chunk_keeps_its_phase() {
        let payload: Vec<u8> = (0..COPY_CHUNK * 2 + 3).map(|i| i.to_le_bytes()[0]).collect();
        let mut out = Vec::new();
        append([1, 2, 3, 4], &payload, &mut out);
        assert_eq!(out, plain([1, 2, 3, 4], &payload));
    }
}
