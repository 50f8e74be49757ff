//! What permessage-deflate (RFC 7692) makes of a payload.

use std::cell::RefCell;

use anyhow::{Result, ensure};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// What the sender cuts off and the receiver adds (§7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// Whether and how messages are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deflate {
    Off,
    NoTakeover,
    Takeover,
}

/// Compresses a message by itself, at level 1.
pub(crate) fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::new(1), false);
    let mut out = Vec::with_capacity(plain.len() + 64);
    loop {
        let status = compress.compress_vec(
            &plain[usize::try_from(compress.total_in()).expect("at most the length of a slice")..],
            &mut out,
            FlushCompress::Sync,
        );
        assert_eq!(status.expect("deflating cannot fail"), Status::Ok);
        if out.len() < out.capacity() {
            break;
        }
        out.reserve(out.len());
    }
    assert!(out.ends_with(&TAIL), "a sync flush ends so");
    out.truncate(out.len() - TAIL.len());
    out
}

/// Checks that a payload is this message, compressed by itself.
pub(crate) fn check(compressed: &[u8], plain: &[u8]) -> Result<()> {
    thread_local! {
        static STATE: RefCell<(Decompress, Vec<u8>)> = RefCell::new((Decompress::new(false), Vec::new()));
    }
    STATE.with_borrow_mut(|(decompress, out)| {
        decompress.reset(false);
        out.clear();
        // One more than there should be, so that more is seen.
        out.reserve_exact(plain.len() + 1);
        decompress.decompress_vec(compressed, out, FlushDecompress::None)?;
        ensure!(
            decompress.total_in() == compressed.len() as u64,
            "compressed message is longer than {} bytes",
            plain.len()
        );
        if out.len() < out.capacity() {
            decompress.decompress_vec(&TAIL, out, FlushDecompress::Sync)?;
        }
        ensure!(
            out == plain,
            "compressed message of {} bytes is another than that sent",
            out.len()
        );
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_deflated_is_accepted() {
        for len in [0, 1, 1000, 100_000] {
            let plain = b"some text ".repeat(len / 10 + 1);
            check(&deflate(&plain), &plain).unwrap();
        }
    }

    #[test]
    fn another_message_is_an_error() {
        let compressed = deflate(b"some text");
        assert!(check(&compressed, b"some tex").is_err());
        assert!(check(&compressed, b"some text.").is_err());
        assert!(check(&compressed, b"some texT").is_err());
        assert!(check(&compressed[..compressed.len() - 3], b"some text").is_err());
    }
}
