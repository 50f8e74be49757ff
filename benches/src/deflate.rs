//! The payload of compressed messages, made without tidewire.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

/// What ends a flush, and is cut off the message.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Compresses a message that stands alone, at level 6.
///
/// # Panics
/// Never: a new stream can be flushed.
pub fn compress(message: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(message.len() + message.len() / 8 + 64);
    Compress::new(Compression::new(6), false)
        .compress_vec(message, &mut payload, FlushCompress::Sync)
        .expect("a new stream can be flushed");
    payload.truncate(payload.len() - TAIL.len());
    payload
}

/// Inflates a message of at most 1 MiB that stands alone.
///
/// # Panics
/// Where it cannot be inflated.
pub fn inflate(payload: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(1 << 20);
    Decompress::new(false)
        .decompress_vec(&[payload, &TAIL].concat(), &mut message, FlushDecompress::Sync)
        .expect("a stream");
    message
}

/// JSON of about this length, cut off: records with numbers that differ.
pub fn json(len: usize) -> String {
    let mut json = String::with_capacity(len + 100);
    let mut state = 1_u64;
    while json.len() < len {
        // Knuth's generator; the high bits are the random ones.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (id, score, active) = (state >> 44, state >> 34 & 1023, state >> 63 == 1);
        json.push_str(&format_record(id, score, active));
    }
    json.truncate(len);
    json
}

fn format_record(id: u64, score: u64, active: bool) -> String {
    format!(
        "{{\"id\":{id},\"name\":\"user {}\",\"active\":{active},\"score\":{score}}},",
        id % 997
    )
}
