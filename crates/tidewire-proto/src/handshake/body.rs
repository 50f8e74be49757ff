use alloc::vec::Vec;
use core::fmt;

use super::response::Response;

/// The longest chunk-size line, with its extensions, that is read. No server needs more than a few dozen bytes.
const CHUNK_LINE: usize = 1024;

/// The body of a refusal that arrives in pieces.
pub(super) struct Body {
    framing: Framing,
    kept: Vec<u8>,
    limit: usize,
}

/// Where the body ends.
#[derive(Debug)]
enum Framing {
    Length(u64),
    Chunked(Chunk),
    UntilEnd,
    /// The head contradicts itself.
    Unknown,
}

/// What comes next in a chunked body.
#[derive(Debug)]
enum Chunk {
    Size(Vec<u8>),
    Data(u64),
    DataEnd,
    LineFeed,
}

/// Whether the body has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    Complete,
    /// There is more, and it is not kept or not understood.
    Truncated,
}

impl Body {
    /// The body that a head announces (RFC 9112 §6.3), of which at most `limit` bytes are kept.
    pub(super) fn new(response: &Response, limit: usize) -> Self {
        let fields = response.fields();
        let framing = if matches!(response.status(), 204 | 304) {
            // (1): "any response with a [...] 204 (No Content), or 304 (Not Modified) status code is always
            // terminated by the first empty line after the header fields".
            Framing::Length(0)
        } else if let Some(last) = fields.tokens("transfer-encoding").last() {
            // (3), (4): a transfer coding overrides a length; "If a Transfer-Encoding header field is present in a
            // response and the chunked transfer coding is not the final encoding, the message body length is determined
            // by reading the connection until it is closed".
            if last.eq_ignore_ascii_case(b"chunked") {
                Framing::Chunked(Chunk::Size(Vec::new()))
            } else {
                Framing::UntilEnd
            }
        } else if fields.first("content-length").is_some() {
            content_length(response).map_or(Framing::Unknown, Framing::Length)
        } else {
            // (8): "a response message without a declared message body length".
            Framing::UntilEnd
        };
        Self {
            framing,
            kept: Vec::new(),
            limit,
        }
    }

    /// Takes input; what follows the body's end is dropped, because nothing that follows is read as a response.
    pub(super) fn handle_input(&mut self, mut input: &[u8]) -> Progress {
        loop {
            let is_full = self.kept.len() >= self.limit;
            match &mut self.framing {
                // (5): an invalid length is an "unrecoverable error". The status still says what the user needs.
                Framing::Unknown => return Progress::Truncated,
                Framing::Length(0) => return Progress::Complete,
                Framing::Chunked(chunk @ Chunk::Data(0)) => *chunk = Chunk::DataEnd,
                // Truncated as soon as that is certain: announced bytes without room need not arrive.
                Framing::Length(_) | Framing::Chunked(Chunk::Data(_)) if is_full => {
                    return Progress::Truncated;
                }
                _ if input.is_empty() => return Progress::More,
                Framing::Length(left) | Framing::Chunked(Chunk::Data(left)) => {
                    *left -= keep(&mut self.kept, self.limit, *left, &mut input);
                }
                Framing::UntilEnd if is_full => return Progress::Truncated,
                Framing::UntilEnd => {
                    keep(&mut self.kept, self.limit, u64::MAX, &mut input);
                }
                Framing::Chunked(chunk) => {
                    let Some((&byte, rest)) = input.split_first() else {
                        return Progress::More;
                    };
                    input = rest;
                    match chunk.judge(byte) {
                        Progress::More => {}
                        ended => return ended,
                    }
                }
            }
        }
    }

    /// What the end of the stream makes of the body.
    pub(super) fn handle_end(&self) -> Progress {
        match self.framing {
            Framing::UntilEnd => Progress::Complete,
            Framing::Length(_) | Framing::Chunked(_) | Framing::Unknown => Progress::Truncated,
        }
    }

    /// The bytes that were kept.
    pub(super) fn into_kept(self) -> Vec<u8> {
        self.kept
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("framing", &self.framing)
            .field("kept_len", &self.kept.len())
            .field("limit", &self.limit)
            .finish()
    }
}

impl Chunk {
    /// Takes one byte of what stands between the chunks' data.
    fn judge(&mut self, byte: u8) -> Progress {
        *self = match (&mut *self, byte) {
            (Self::Size(line), b'\n') => {
                line.push(byte);
                match httparse::parse_chunk_size(line) {
                    // The trailer fields that may follow say nothing that is wanted.
                    Ok(httparse::Status::Complete((_, 0))) => return Progress::Complete,
                    Ok(httparse::Status::Complete((end, size))) if end == line.len() => Self::Data(size),
                    _ => return Progress::Truncated,
                }
            }
            (Self::Size(line), _) if line.len() < CHUNK_LINE => {
                line.push(byte);
                return Progress::More;
            }
            (Self::DataEnd, b'\r') => Self::LineFeed,
            (Self::LineFeed, b'\n') => Self::Size(Vec::new()),
            (Self::Size(_) | Self::Data(_) | Self::DataEnd | Self::LineFeed, _) => {
                return Progress::Truncated;
            }
        };
        Progress::More
    }
}

/// Moves at most `wanted` bytes from the input to those kept, as far as there is room, and says how many.
fn keep(kept: &mut Vec<u8>, limit: usize, wanted: u64, input: &mut &[u8]) -> u64 {
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    let room = limit.saturating_sub(kept.len());
    let (data, rest) = input.split_at(input.len().min(wanted).min(room));
    kept.extend_from_slice(data);
    *input = rest;
    data.len() as u64
}

/// RFC 9112 §6.3 (5): a list whose values "are all valid and all the same" is one length.
fn content_length(response: &Response) -> Option<u64> {
    let mut lengths = response.fields().tokens("content-length").map(|text| {
        // `parse` would take a sign.
        let digits = text.iter().all(u8::is_ascii_digit);
        str::from_utf8(text).ok().filter(|_| digits)?.parse::<u64>().ok()
    });
    let first = lengths.next()??;
    lengths.all(|next| next == Some(first)).then_some(first)
}
