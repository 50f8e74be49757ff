use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use flate2::{Compress, Compression, FlushCompress, Status};

use super::codec::{Owner, Shape, moved};
use super::short;
use crate::deflate::context::WindowBits;

/// What ends every flush: an empty block, which is cut off the message (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// The output that a compressor starts with, and the most that one at rest keeps.
const FIRST_OUTPUT: usize = 4 * 1024;
const RETAINED_OUTPUT: usize = 64 * 1024;
/// zlib: a flush wants room for more than six bytes, or its marker may be written twice.
const ROOM_TO_FLUSH: usize = 64;

/// A compressor and its output; moving it moves a pointer.
pub struct Deflater(Box<Parts>);

struct Parts {
    compress: Compress,
    shape: Shape,
    /// Whose stream its window holds, and up to which byte.
    place: Option<Place>,
    /// What was compressed last.
    output: Vec<u8>,
}

/// A position in the plain text of a connection's compressed messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) owner: Owner,
    pub(super) position: u64,
}

impl Deflater {
    /// A compressor that has seen nothing; a level outside of 1 to 9 is the nearest within.
    pub fn new(shape: Shape) -> Self {
        let level = Compression::new(shape.level.clamp(1, 9).into());
        // zlib cannot compress with 8. With 9 it never looks back further than 512 bytes less its look-ahead of 262,
        // and so never beyond the 256 that a peer with a window of 8 has kept.
        let window_bits = shape.window_bits.get().max(9);
        Self(Box::new(Parts {
            compress: Compress::new_with_window_bits(level, false, window_bits),
            shape,
            place: None,
            output: Vec::new(),
        }))
    }

    /// Its level and window.
    pub fn shape(&self) -> Shape {
        self.0.shape
    }

    /// The connection whose next message it may compress without priming.
    pub fn owner(&self) -> Option<Owner> {
        self.0.place.map(|place| place.owner)
    }

    /// Gives up the connection it belongs to, so that it is anybody's.
    pub fn disown(&mut self) {
        self.0.place = None;
    }

    /// About how many bytes of memory it takes, output included.
    ///
    /// zlib-rs 0.6: four times the window (itself twice, and its chains), and 244 KiB, of which 128 KiB are hash heads.
    pub fn memory(&self) -> usize {
        (4 << self.0.shape.window_bits.get().max(9)) + (244 << 10) + self.0.output.capacity()
    }

    /// Makes it continue the stream at `place`, of which `history` is the end, or begin one.
    pub(super) fn seek(&mut self, place: Option<Place>, history: &[u8]) {
        if place.is_some() && self.0.place == place {
            return;
        }
        self.0.compress.reset();
        if history.is_empty() {
            return;
        }
        let Shape { level, window_bits } = self.0.shape;
        if level == 1 && window_bits == WindowBits::MAX {
            // Of a dictionary every place is noted, and level 1 takes the latest where its own notes, which are fewer,
            // lead further back. That costs 0.84 % of the bytes on the wire, and compressing the history once more
            // 0.1 %; smaller windows lose nothing by a dictionary (`core_deflate_sleep` in tests).
            self.deflate(history);
        } else {
            // Refused only by a stream with a header, or one that has begun.
            let primed = self.0.compress.set_dictionary(history);
            debug_assert!(primed.is_ok(), "{primed:?}");
        }
    }

    /// Notes where the stream stands after the message, for the connection to come back to.
    pub(super) fn mark(&mut self, place: Option<Place>) {
        self.0.place = place;
        if self.0.output.capacity() > RETAINED_OUTPUT {
            self.0.output = Vec::new();
        }
    }

    /// Compresses a message that stands alone.
    pub(super) fn deflate_alone(&mut self, text: &[u8]) {
        if self.0.shape.level == 1 && text.len() <= short::LONGEST {
            self.0.output.clear();
            short::compress(text, self.0.shape.window_bits.size(), &mut self.0.output);
        } else {
            self.seek(None, &[]);
            self.deflate(text);
        }
    }

    /// Compresses a message or a part of it, so that the peer can inflate all of it.
    pub(super) fn deflate(&mut self, text: &[u8]) {
        let Parts { compress, output, .. } = &mut *self.0;
        output.clear();
        let mut rest = text;
        loop {
            if output.capacity() - output.len() < ROOM_TO_FLUSH {
                output.reserve(output.len().max(FIRST_OUTPUT));
            }
            let before = compress.total_in();
            let status = compress
                .compress_vec(rest, output, FlushCompress::Sync)
                .expect("zlib refuses a flush only on a stream that was never set up");
            let taken = moved(before, compress.total_in());
            rest = rest.get(taken..).unwrap_or_default();
            // zlib: "If deflate returns with avail_out == 0, this function must be called again [...] until the
            // flush is complete"; `BufError` says that it is.
            if (rest.is_empty() && output.len() < output.capacity()) || status == Status::BufError {
                break;
            }
        }
    }

    /// What was compressed, ready for a frame that is not the message's last.
    pub(crate) fn part(&self) -> &[u8] {
        &self.0.output
    }

    /// What was compressed, ready for the last frame of a message.
    ///
    /// RFC 7692 §7.2.1: "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end."
    pub(crate) fn last_part(&self) -> &[u8] {
        match self.part().strip_suffix(&TAIL) {
            Some(part) => part,
            // Nothing was left to flush: §7.2.3.6, "0x00" is an empty block without its tail.
            None => &[0],
        }
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("shape", &self.0.shape)
            .field("owner", &self.owner())
            .finish_non_exhaustive()
    }
}
