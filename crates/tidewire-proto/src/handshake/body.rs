use alloc::vec::Vec;

use super::response::Response;
use super::unshown::Unshown;

/// The longest chunk-size line, with its extensions, that is read. No server needs more than a few dozen
/// bytes.
const CHUNK_LINE: usize = 1024;

/// The body of a refusal that arrives in pieces.
#[derive(Debug)]
pub(super) struct Body {
    framing: Framing,
    kept: Unshown,
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
    Size(Unshown),
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
        let framing = if matches!(response.status(), 100..=199 | 204 | 304) {
            // (1): "any response with a 1xx (Informational), 204 (No Content), or 304 (Not Modified) status code is
            // always terminated by the first empty line after the header fields".
            Framing::Length(0)
        } else if let Some(last) = fields.tokens("transfer-encoding").last() {
            // (3), (4): a transfer coding overrides a length; "If a Transfer-Encoding header field is present
            // in a response and the chunked transfer coding is not the final encoding, the message body
            // length is determined by reading the connection until it is closed".
            if last.eq_ignore_ascii_case(b"chunked") {
                Framing::Chunked(Chunk::Size(Unshown::new()))
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
            kept: Unshown::new(),
            limit,
        }
    }

    /// Takes input; what follows the body's end is dropped, because nothing that follows is read as a
    /// response.
    pub(super) fn handle_input(&mut self, mut input: &[u8]) -> Progress {
        loop {
            let is_full = self.kept.0.len() >= self.limit;
            match &mut self.framing {
                // (5): an invalid length is an "unrecoverable error". The status still says what the user
                // needs.
                Framing::Unknown => return Progress::Truncated,
                Framing::Length(0) => return Progress::Complete,
                Framing::Chunked(chunk @ Chunk::Data(0)) => *chunk = Chunk::DataEnd,
                // Truncated as soon as that is certain: announced bytes without room need not arrive.
                Framing::Length(_) | Framing::Chunked(Chunk::Data(_)) if is_full => {
                    return Progress::Truncated;
                }
                Framing::Length(_) | Framing::Chunked(_) | Framing::UntilEnd if input.is_empty() => {
                    return Progress::More;
                }
                Framing::Length(left) | Framing::Chunked(Chunk::Data(left)) => {
                    *left -= keep(&mut self.kept.0, self.limit, *left, &mut input);
                }
                Framing::UntilEnd if is_full => return Progress::Truncated,
                Framing::UntilEnd => {
                    keep(&mut self.kept.0, self.limit, u64::MAX, &mut input);
                }
                Framing::Chunked(chunk) => {
                    let Some((&byte, rest)) = input.split_first() else {
                        return Progress::More;
                    };
                    input = rest;
                    match chunk.judge(byte) {
                        Progress::More => {}
                        ended @ (Progress::Complete | Progress::Truncated) => return ended,
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
        self.kept.0
    }
}

impl Chunk {
    /// Takes one byte of what stands between the chunks' data.
    fn judge(&mut self, byte: u8) -> Progress {
        *self = match (&mut *self, byte) {
            // RFC 9112 §7.1: `1*HEXDIG`; the parser takes an empty line for a size of 0.
            (Self::Size(Unshown(line)), b'\n') if line.first().is_some_and(u8::is_ascii_hexdigit) => {
                line.push(byte);
                match httparse::parse_chunk_size(line) {
                    // The trailer fields that may follow say nothing that is wanted.
                    Ok(httparse::Status::Complete((_, 0))) => return Progress::Complete,
                    Ok(httparse::Status::Complete((end, size))) if end == line.len() => Self::Data(size),
                    _ => return Progress::Truncated,
                }
            }
            (Self::Size(Unshown(line)), byte) if byte != b'\n' && line.len() < CHUNK_LINE => {
                line.push(byte);
                return Progress::More;
            }
            (Self::DataEnd, b'\r') => Self::LineFeed,
            (Self::LineFeed, b'\n') => Self::Size(Unshown::new()),
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

/// RFC 9112 §6.3 (5): a list is one length where "all values in the list are valid, and all values in the
/// list are the same".
fn content_length(response: &Response) -> Option<u64> {
    let mut lengths = response.fields().tokens("content-length").map(|text| {
        // `parse` would take a sign.
        let digits = text.iter().all(u8::is_ascii_digit);
        str::from_utf8(text).ok().filter(|_| digits)?.parse::<u64>().ok()
    });
    let first = lengths.next()??;
    lengths.all(|next| next == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::Progress::{Complete, More, Truncated};
    use super::*;
    use crate::handshake::HeadLimits;
    use crate::handshake::ResponseError;
    use crate::handshake::head::{Head, StartLine};

    const LIMIT: usize = 8;
    const CHUNKED: &str = "Transfer-Encoding: gzip, Chunked";

    /// Fields, input, what is kept of it, and how far that is.
    type Row = (&'static str, &'static [u8], &'static [u8], Progress);

    const TABLE: &[Row] = &[
        ("Content-Length: 0", b"", b"", Complete),
        ("Content-Length: 5", b"hell", b"hell", More),
        ("Content-Length: 5", b"hello", b"hello", Complete),
        ("Content-Length: 5", b"helloHTTP/1.1 101", b"hello", Complete),
        ("Content-Length: 8", b"12345678", b"12345678", Complete),
        ("Content-Length: 9", b"12345678", b"12345678", Truncated),
        ("Content-Length: 18446744073709551615", b"1", b"1", More),
        ("Content-Length: 2, 2", b"12", b"12", Complete),
        ("Content-Length: 2\r\nContent-Length: 2", b"12", b"12", Complete),
        ("Content-Length: 2, 3", b"12", b"", Truncated),
        ("Content-Length: +2", b"12", b"", Truncated),
        ("Content-Length:", b"12", b"", Truncated),
        ("Content-Length: 18446744073709551616", b"12", b"", Truncated),
        ("A: b", b"", b"", More),
        ("A: b", b"12345678", b"12345678", More),
        ("A: b", b"123456789", b"12345678", Truncated),
        ("Transfer-Encoding: chunked, gzip", b"12", b"12", More),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 1",
            b"2\r\nab\r\n0\r\n\r\n",
            b"ab",
            Complete,
        ),
        (
            CHUNKED,
            b"5\r\nhello\r\n3;a=b\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
            b"helloabc",
            Complete,
        ),
        (CHUNKED, b"0\r\n", b"", Complete),
        (CHUNKED, b"5\r\nhel", b"hel", More),
        (CHUNKED, b"8\r\n12345678\r\n", b"12345678", More),
        (CHUNKED, b"8\r\n12345678\r\n1\r\n", b"12345678", Truncated),
        (CHUNKED, b"9\r\n12345678", b"12345678", Truncated),
        (CHUNKED, b"ffffffffffffffff\r\n1", b"1", More),
        (CHUNKED, b"11111111111111111\r\n1", b"", Truncated),
        (CHUNKED, b"2\r\nabX", b"ab", Truncated),
        (CHUNKED, b"2\r\nab\rX", b"ab", Truncated),
        (CHUNKED, b"x\r\n", b"", Truncated),
        (CHUNKED, b"-1\r\n", b"", Truncated),
        (CHUNKED, b";x\r\n", b"", Truncated),
        (CHUNKED, b"\r\n", b"", Truncated),
        (CHUNKED, b"5\nhello", b"", Truncated),
    ];

    fn body(status: u16, fields: &str, limit: usize) -> Result<Body, ResponseError> {
        let mut head = Head::new(StartLine::Status, HeadLimits::default());
        head.handle_input(format!("HTTP/1.1 {status} No\r\n{fields}\r\n\r\n").as_bytes())?;
        Ok(Body::new(&Response::parse(&head)?, limit))
    }

    #[test]
    fn a_body_ends_where_its_head_says() -> Result<(), ResponseError> {
        for (fields, input, kept, progress) in TABLE {
            let mut body = body(403, fields, LIMIT)?;
            let shown = input.escape_ascii();
            assert_eq!(body.handle_input(input), *progress, "{fields:?} {shown}");
            assert_eq!(body.into_kept(), *kept, "{fields:?} {shown}");
        }
        Ok(())
    }

    #[test]
    fn pieces_come_to_the_same_as_the_whole() -> Result<(), ResponseError> {
        for (fields, input, kept, expected) in TABLE {
            let mut body = body(403, fields, LIMIT)?;
            let mut progress = body.handle_input(b"");
            for byte in *input {
                if progress == More {
                    progress = body.handle_input(&[*byte]);
                }
            }
            let shown = input.escape_ascii();
            assert_eq!(progress, *expected, "{fields:?} {shown}");
            assert_eq!(body.into_kept(), *kept, "{fields:?} {shown}");
        }
        Ok(())
    }

    #[test]
    fn some_statuses_have_no_body() -> Result<(), ResponseError> {
        for status in [204, 304] {
            for fields in ["A: b", "Content-Length: 5", CHUNKED] {
                assert_eq!(
                    body(status, fields, LIMIT)?.handle_input(b""),
                    Complete,
                    "{status} {fields}"
                );
            }
        }
        Ok(())
    }

    #[test]
    fn the_end_of_the_stream_ends_only_a_body_without_length() -> Result<(), ResponseError> {
        let table = [
            ("A: b", Complete),
            ("Content-Length: 5", Truncated),
            (CHUNKED, Truncated),
        ];
        for (fields, end) in table {
            assert_eq!(body(403, fields, LIMIT)?.handle_end(), end, "{fields}");
        }
        Ok(())
    }

    #[test]
    fn a_chunk_line_without_end_is_given_up() -> Result<(), ResponseError> {
        let mut body = body(403, CHUNKED, LIMIT)?;
        assert_eq!(body.handle_input(&[b'1'; 1]), More);
        assert_eq!(body.handle_input(&[b';'; CHUNK_LINE - 1]), More);
        assert_eq!(body.handle_input(b";"), Truncated);
        Ok(())
    }

    #[test]
    fn a_limit_of_nothing_keeps_nothing() -> Result<(), ResponseError> {
        assert_eq!(body(403, "Content-Length: 1", 0)?.handle_input(b""), Truncated);
        assert_eq!(body(403, "Content-Length: 0", 0)?.handle_input(b""), Complete);
        Ok(())
    }
}
