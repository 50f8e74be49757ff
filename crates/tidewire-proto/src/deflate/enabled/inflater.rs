use alloc::boxed::Box;
use alloc::vec;
use core::fmt;

use flate2::{Decompress, FlushDecompress, Status};

use super::codec::moved;
use crate::deflate::context::WindowBits;
use crate::error::ProtocolError;

/// The most that one step gives.
const SLICE: usize = 16 * 1024;
/// How far back any stream may refer.
const WINDOW: usize = WindowBits::MAX.size();

/// What the sender cut off the message (RFC 7692 §7.2.2), and a last block of our own: only a stream that stood
/// between two blocks comes to its end with it, so a message that was cut short cannot pass for a whole one.
const TAIL: [u8; 9] = [0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff];
/// How much of it the sender cut off.
const CUT_OFF: usize = 4;

/// The work of little output, in bytes that are inflated meanwhile. A dynamic block of 12 bytes may hold nothing, which
/// takes as long as 50 of them.
const WORK_OF_A_BYTE: usize = 4;
/// Beginning a stream with 64 KiB to refer to takes 0.7 µs.
const WORK_OF_A_START: usize = 1024;

/// An inflater and its output, of which the last 32 KiB stay readable.
///
/// It serves any window: what a peer with a smaller one may refer to is bounded by the history that it is primed with.
pub struct Inflater(Box<Parts>);

struct Parts {
    decompress: Decompress,
    buffer: Box<[u8]>,
    filled: usize,
    /// Where the last piece begins.
    piece: usize,
    /// The last block was a final one, and nothing has followed it.
    ended: bool,
}

/// What one step did.
struct Step {
    taken: usize,
    /// There may be more output without more input.
    is_full: bool,
}

impl Inflater {
    /// An inflater that has seen nothing.
    pub fn new() -> Self {
        Self(Box::new(Parts {
            decompress: Decompress::new(false),
            buffer: vec![0; WINDOW + SLICE].into(),
            filled: 0,
            piece: 0,
            ended: false,
        }))
    }

    /// About how many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        (47 << 10) + self.0.buffer.len()
    }

    /// Starts a message that may refer to `history`; gives the work of it.
    pub(super) fn begin(&mut self, history: &[u8]) -> usize {
        self.0.filled = 0;
        self.0.piece = 0;
        self.prime(history)
    }

    /// Inflates a part of the message; hands over what comes of it, in slices of 16 KiB at most.
    ///
    /// `len` counts what the message has given, and fails it as soon as that is more than `limit`. Gives the work of it,
    /// in bytes inflated: there is input that takes long and gives nothing.
    pub(super) fn inflate(
        &mut self,
        mut input: &[u8],
        history: &[u8],
        limit: usize,
        len: &mut usize,
        mut take: impl FnMut(&[u8]) -> Result<(), ProtocolError>,
    ) -> Result<usize, ProtocolError> {
        let (before, least) = (*len, input.len() * WORK_OF_A_BYTE);
        let mut starts = 0;
        loop {
            if self.0.ended && !input.is_empty() {
                // RFC 7692 §7.2.3.4 has the stream go on behind a final block.
                starts += self.prime(history);
            }
            // One byte more than there may be is enough to know.
            let step = self.step(input, (limit - *len).saturating_add(1))?;
            input = input.get(step.taken..).unwrap_or_default();
            let piece = self.0.buffer.get(self.0.piece..self.0.filled).unwrap_or_default();
            *len += piece.len();
            if *len > limit {
                return Err(ProtocolError::MessageTooBig {
                    len: *len as u64,
                    limit,
                });
            }
            if !piece.is_empty() {
                take(piece)?;
            } else if step.taken == 0 && !input.is_empty() && !self.0.ended {
                return Err(ProtocolError::BrokenDeflate);
            }
            if input.is_empty() && !step.is_full {
                return Ok(starts + least.max(*len - before));
            }
        }
    }

    /// Ends the message: it must stand between two blocks.
    pub(super) fn finish(&mut self) -> Result<(), ProtocolError> {
        // Some senders end their stream with a final block and nothing behind it; then nothing was cut off.
        if self.0.ended {
            return Ok(());
        }
        let step = self.step(&TAIL, SLICE)?;
        // §7.2.1 lets BFINAL be set on the empty block, too, whose end was cut off; then that ends the stream.
        let is_whole = step.taken == CUT_OFF || step.taken == TAIL.len();
        if self.0.ended && is_whole && self.0.piece == self.0.filled {
            Ok(())
        } else {
            Err(ProtocolError::BrokenDeflate)
        }
    }

    /// The end of what the message has given, a window of it at most.
    pub(super) fn text(&self) -> &[u8] {
        let start = self.0.filled.saturating_sub(WINDOW);
        self.0.buffer.get(start..self.0.filled).unwrap_or_default()
    }

    /// Inflates into the next slice, of `most` bytes at most.
    fn step(&mut self, input: &[u8], most: usize) -> Result<Step, ProtocolError> {
        if self.0.buffer.len() - self.0.filled < SLICE {
            let start = self.0.filled.saturating_sub(WINDOW);
            self.0.buffer.copy_within(start..self.0.filled, 0);
            self.0.filled -= start;
        }
        self.0.piece = self.0.filled;
        let end = self.0.filled + most.min(SLICE);
        let slice = self.0.buffer.get_mut(self.0.filled..end).unwrap_or_default();
        let slice_len = slice.len();
        let before = (self.0.decompress.total_in(), self.0.decompress.total_out());
        let status = self
            .0
            .decompress
            .decompress(input, slice, FlushDecompress::Sync)
            .map_err(|_| ProtocolError::BrokenDeflate)?;
        let written = moved(before.1, self.0.decompress.total_out());
        self.0.filled += written;
        self.0.ended = status == Status::StreamEnd;
        Ok(Step {
            taken: moved(before.0, self.0.decompress.total_in()),
            is_full: written == slice_len && !self.0.ended,
        })
    }

    /// Starts a stream that may refer to `history` and to what the message has given; gives the work of it.
    fn prime(&mut self, history: &[u8]) -> usize {
        self.0.decompress.reset(false);
        self.0.ended = false;
        let start = self.0.filled.saturating_sub(WINDOW);
        let text = self.0.buffer.get(start..self.0.filled).unwrap_or_default();
        for part in [history, text] {
            if !part.is_empty() {
                // Refused only by a stream with a header.
                let primed = self.0.decompress.set_dictionary(part);
                debug_assert!(primed.is_ok(), "{primed:?}");
            }
        }
        WORK_OF_A_START
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inflater")
    }
}
