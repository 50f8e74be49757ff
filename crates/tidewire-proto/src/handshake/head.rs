use super::error::Malformed;
use super::head_limits::HeadLimits;
use super::syntax::{is_token_byte, is_value_byte};
use super::unshown::Unshown;

/// What a status line begins with.
const HTTP: &[u8] = b"HTTP/";

/// What the first line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartLine {
    Request,
    Status,
}

/// A head that arrives in pieces.
///
/// Each byte is looked at once, when it arrives, and refused as soon as it can be; a complete head is then
/// parsed once. Memory grows with what was received.
#[derive(Debug)]
pub(super) struct Head {
    start_line: StartLine,
    limits: HeadLimits,
    received: Unshown,
    /// Bytes of heads before this one, which count to the limit.
    skipped: usize,
    line_len: usize,
    fields: usize,
    place: Place,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    StartLine,
    /// After a line's CR.
    LineEnd,
    LineStart,
    Name,
    Value,
    /// After the CR of the empty line.
    HeadEnd,
    Complete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadError {
    StartLineTooLong { limit: usize },
    LineTooLong { limit: usize },
    HeadTooLong { limit: usize },
    TooManyFields { limit: usize },
    Malformed(Malformed),
}

impl From<Malformed> for HeadError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl Head {
    pub(super) const fn new(start_line: StartLine, limits: HeadLimits) -> Self {
        Self {
            start_line,
            limits,
            received: Unshown::new(),
            skipped: 0,
            line_len: 0,
            fields: 0,
            place: Place::StartLine,
        }
    }

    /// The head after this one, under what remains of this one's limit.
    pub(super) fn next(&self) -> Self {
        Self {
            skipped: self.skipped + self.received.0.len(),
            ..Self::new(self.start_line, self.limits)
        }
    }

    /// Takes input up to the head's end, and gives what follows once that is there.
    pub(super) fn handle_input<'i>(&mut self, input: &'i [u8]) -> Result<Option<&'i [u8]>, HeadError> {
        let taken = self.taken(input)?;
        let (head, rest) = input.split_at_checked(taken).unwrap_or((input, &[]));
        self.received.0.extend_from_slice(head);
        Ok((self.place == Place::Complete).then_some(rest))
    }

    /// How much of the input belongs to the head.
    fn taken(&mut self, input: &[u8]) -> Result<usize, HeadError> {
        let room = self
            .limits
            .bytes
            .saturating_sub(self.skipped + self.received.0.len());
        let within = input.get(..room).unwrap_or(input);
        let mut at = 0;
        while self.place != Place::Complete {
            at += self.skip_plain(within.get(at..).unwrap_or_default());
            let Some(&byte) = within.get(at) else { break };
            self.place = self.judge(byte)?;
            at += 1;
        }
        if self.place != Place::Complete && at < input.len() {
            return Err(HeadError::HeadTooLong {
                limit: self.limits.bytes,
            });
        }
        Ok(at)
    }

    /// Passes bytes that leave everything as it is but the length of the line; gives their number.
    fn skip_plain(&mut self, input: &[u8]) -> usize {
        let within = input
            .get(..self.limits.line.saturating_sub(self.line_len))
            .unwrap_or(input);
        let len = match self.place {
            Place::StartLine if self.line_len < HTTP.len() => Some(0),
            Place::StartLine | Place::Value => within.iter().position(|&byte| !is_value_byte(byte)),
            Place::Name => within.iter().position(|&byte| !is_token_byte(byte)),
            Place::LineEnd | Place::LineStart | Place::HeadEnd | Place::Complete => Some(0),
        };
        let len = len.unwrap_or(within.len());
        self.line_len += len;
        len
    }

    /// The bytes received, which are the whole head once it is complete.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.received.0
    }

    /// Room for the parser: the fields were counted when they arrived.
    pub(super) fn field_count(&self) -> usize {
        self.fields
    }

    fn judge(&mut self, byte: u8) -> Result<Place, HeadError> {
        let place = match (self.place, byte) {
            (Place::LineEnd, b'\n') => {
                self.line_len = 0;
                return Ok(Place::LineStart);
            }
            (Place::HeadEnd, b'\n') => return Ok(Place::Complete),
            (Place::LineEnd | Place::HeadEnd, _) => return Err(Malformed::BareCarriageReturn.into()),
            (Place::StartLine, _) if self.line_len == 0 && !is_token_byte(byte) => {
                return Err(Malformed::FirstByte(byte).into());
            }
            (_, b'\n') => return Err(Malformed::BareLineFeed.into()),
            (Place::StartLine | Place::Value, b'\r') => return Ok(Place::LineEnd),
            (Place::LineStart, b'\r') => return Ok(Place::HeadEnd),
            (Place::StartLine, _) => {
                self.check_start_line(byte)?;
                Place::StartLine
            }
            (Place::LineStart, b' ' | b'\t') => return Err(Malformed::FoldedLine.into()),
            (Place::LineStart, _) if is_token_byte(byte) => {
                if self.fields >= self.limits.fields {
                    return Err(HeadError::TooManyFields {
                        limit: self.limits.fields,
                    });
                }
                self.fields += 1;
                Place::Name
            }
            (Place::Name, b':') => Place::Value,
            (Place::Name, _) if is_token_byte(byte) => Place::Name,
            (Place::LineStart | Place::Name, _) => return Err(Malformed::FieldName(byte).into()),
            (Place::Value, _) if is_value_byte(byte) => Place::Value,
            (Place::Value, _) => return Err(Malformed::Control(byte).into()),
            // A complete head takes no more bytes.
            (Place::Complete, _) => return Ok(Place::Complete),
        };
        self.count(place)?;
        Ok(place)
    }

    fn check_start_line(&self, byte: u8) -> Result<(), Malformed> {
        if !is_value_byte(byte) {
            return Err(Malformed::Control(byte));
        }
        match (self.start_line, HTTP.get(self.line_len)) {
            // A server that speaks first and something else (a mail server's banner) need not end the line
            // before it is refused.
            (StartLine::Status, Some(&expected)) if expected != byte => Err(Malformed::StartLine),
            (StartLine::Request | StartLine::Status, _) => Ok(()),
        }
    }

    fn count(&mut self, place: Place) -> Result<(), HeadError> {
        let limit = self.limits.line;
        if self.line_len >= limit {
            let is_start_line = place == Place::StartLine;
            return Err(if is_start_line {
                HeadError::StartLineTooLong { limit }
            } else {
                HeadError::LineTooLong { limit }
            });
        }
        self.line_len += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const LIMITS: HeadLimits = HeadLimits {
        bytes: 64,
        line: 20,
        fields: 2,
    };

    fn outcome(input: &[u8]) -> (usize, Result<bool, HeadError>) {
        let mut head = Head::new(StartLine::Request, LIMITS);
        for (at, byte) in input.iter().enumerate() {
            match head.handle_input(&[*byte]) {
                Ok(None) => {}
                Ok(Some(_)) => return (at + 1, Ok(true)),
                Err(error) => return (at + 1, Err(error)),
            }
        }
        (input.len(), Ok(false))
    }

    #[test]
    fn a_limit_passes_and_one_more_fails_at_its_byte() {
        let line = HeadError::LineTooLong { limit: 20 };
        let table: &[(&[u8], usize, Result<bool, HeadError>)] = &[
            (b"GET /4567890 HTTP/1.", 20, Ok(false)),
            (b"GET /4567890 HTTP/1.\r\n\r\n", 24, Ok(true)),
            (
                b"GET /45678901 HTTP/1.1",
                21,
                Err(HeadError::StartLineTooLong { limit: 20 }),
            ),
            (b"G\r\nA: 45678901234567890\r\n\r\n", 27, Ok(true)),
            (b"G\r\nA: 456789012345678901\r\n\r\n", 24, Err(line)),
            // A line that never ends, and one that is all name.
            (b"G\r\nA23456789012345678901", 24, Err(line)),
            (b"G\r\nA:\r\nB:\r\n\r\n", 13, Ok(true)),
            (
                b"G\r\nA:\r\nB:\r\nC:\r\n\r\n",
                12,
                Err(HeadError::TooManyFields { limit: 2 }),
            ),
        ];
        for (input, at, expected) in table {
            assert_eq!(outcome(input), (*at, *expected), "{}", input.escape_ascii());
            let whole = Head::new(StartLine::Request, LIMITS)
                .handle_input(input)
                .map(|rest| rest.is_some());
            assert_eq!(whole, *expected, "{} at once", input.escape_ascii());
        }
    }

    #[test]
    fn a_head_of_the_limit_passes_and_one_more_byte_fails() {
        let head = |len: usize| [b"G\r\n", &*[b'a'; 100][..len - 8].to_vec(), b":\r\n\r\n"].concat();
        for (len, expected) in [(64, Ok(true)), (65, Err(HeadError::HeadTooLong { limit: 64 }))] {
            let mut parts = Head::new(StartLine::Request, HeadLimits { line: 100, ..LIMITS });
            assert_eq!(head(len).len(), len);
            let result = parts.handle_input(&head(len)).map(|rest| rest.is_some());
            assert_eq!(result, expected, "{len} bytes");
        }
    }

    #[test]
    fn a_syntax_error_fails_at_its_byte() {
        let table: &[(&[u8], usize, Malformed)] = &[
            // The start of a TLS ClientHello.
            (b"\x16\x03\x01\x02\x00", 1, Malformed::FirstByte(0x16)),
            (b"\r\nGET / HTTP/1.1\r\n", 1, Malformed::FirstByte(b'\r')),
            (b"\nGET / HTTP/1.1\r\n", 1, Malformed::FirstByte(b'\n')),
            (b" GET / HTTP/1.1\r\n", 1, Malformed::FirstByte(b' ')),
            (b"GET /\nA: b", 6, Malformed::BareLineFeed),
            (b"GET /\rA: b", 7, Malformed::BareCarriageReturn),
            (b"GET /\r\r\n", 7, Malformed::BareCarriageReturn),
            (b"GET /\0", 6, Malformed::Control(0)),
            (b"GET /\x7f", 6, Malformed::Control(0x7f)),
            (b"G\r\nA: b\n", 8, Malformed::BareLineFeed),
            (b"G\r\nA: b\rc", 9, Malformed::BareCarriageReturn),
            (b"G\r\nA: \0", 7, Malformed::Control(0)),
            (b"G\r\nA: \x1b", 7, Malformed::Control(0x1b)),
            (b"G\r\nA: b\r\n c", 10, Malformed::FoldedLine),
            (b"G\r\nA: b\r\n\tc", 10, Malformed::FoldedLine),
            (b"G\r\n A: b", 4, Malformed::FoldedLine),
            (b"G\r\nA : b", 5, Malformed::FieldName(b' ')),
            (b"G\r\n: b", 4, Malformed::FieldName(b':')),
            (b"G\r\nA\r\n", 5, Malformed::FieldName(b'\r')),
            (b"G\r\nA\n", 5, Malformed::BareLineFeed),
            (b"G\r\n\xc3\xa4: b", 4, Malformed::FieldName(0xc3)),
            (b"G\r\n\n", 4, Malformed::BareLineFeed),
            (b"G\r\n\rX", 5, Malformed::BareCarriageReturn),
        ];
        for (input, at, expected) in table {
            let expected = Err(HeadError::Malformed(*expected));
            assert_eq!(outcome(input), (*at, expected), "{}", input.escape_ascii());
        }
    }

    #[test]
    fn a_banner_of_another_protocol_fails_at_its_first_wrong_byte() {
        for (input, at) in [
            (&b"220 mail"[..], 1),
            (b"SSH-2.0", 1),
            (b"HTTPS", 5),
            (b"HTTP/", 6),
        ] {
            let mut head = Head::new(StartLine::Status, LIMITS);
            let failed = input.iter().position(|byte| head.handle_input(&[*byte]).is_err());
            assert_eq!(
                failed.map_or(input.len() + 1, |index| index + 1),
                at,
                "{}",
                input.escape_ascii()
            );
        }
    }

    #[test]
    fn what_follows_the_head_is_handed_out() {
        let mut head = Head::new(StartLine::Request, LIMITS);
        assert_eq!(
            head.handle_input(b"G\r\n\r\n\r\nrest"),
            Ok(Some(&b"\r\nrest"[..]))
        );
        assert_eq!(head.as_bytes(), b"G\r\n\r\n");
    }

    #[test]
    fn heads_that_are_skipped_count_to_the_limit() {
        let mut head = Head::new(StartLine::Status, LIMITS);
        let interim = b"HTTP/1.1 100 \r\n\r\n";
        let mut results = Vec::new();
        for _ in 0..4 {
            results.push(head.handle_input(interim).map(|rest| rest.is_some()));
            head = head.next();
        }
        assert_eq!(
            results,
            [
                Ok(true),
                Ok(true),
                Ok(true),
                Err(HeadError::HeadTooLong { limit: 64 })
            ]
        );
    }
}
