use alloc::vec::Vec;

use super::error::Malformed;
use super::fields::{is_token_byte, is_value_byte};

/// How much of a request or response head is taken; each limit itself still passes.
///
/// ```
/// use tidewire_proto::handshake::HeadLimits;
///
/// let strict = HeadLimits::default().bytes(4096).line(1024).fields(32);
/// # let _ = strict;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    bytes: usize,
    line: usize,
    fields: usize,
}

impl HeadLimits {
    /// Limits the whole head, line ends included, in bytes (default: 16 KiB).
    ///
    /// A client counts interim responses to the head of the final one.
    pub const fn bytes(mut self, limit: usize) -> Self {
        self.bytes = limit;
        self
    }

    /// Limits one line, its end not included, in bytes (default: 8 KiB).
    pub const fn line(mut self, limit: usize) -> Self {
        self.line = limit;
        self
    }

    /// Limits the number of field lines (default: 100).
    pub const fn fields(mut self, limit: usize) -> Self {
        self.fields = limit;
        self
    }
}

impl Default for HeadLimits {
    /// 16 KiB, 8 KiB a line, 100 fields.
    fn default() -> Self {
        Self {
            bytes: 16 * 1024,
            line: 8 * 1024,
            fields: 100,
        }
    }
}

/// What the first line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartLine {
    Request,
    Status,
}

/// A head that arrives in pieces.
///
/// Each byte is looked at once, when it arrives, and refused as soon as it can be; a complete head is then parsed
/// once. Memory grows with what was received.
#[derive(Debug)]
pub(super) struct Head {
    start_line: StartLine,
    limits: HeadLimits,
    received: Vec<u8>,
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
            received: Vec::new(),
            skipped: 0,
            line_len: 0,
            fields: 0,
            place: Place::StartLine,
        }
    }

    /// The head after this one, under what remains of this one's limit.
    pub(super) fn next(&self) -> Self {
        Self {
            skipped: self.skipped + self.received.len(),
            ..Self::new(self.start_line, self.limits)
        }
    }

    /// Takes input up to the head's end, and gives what follows once that is there.
    pub(super) fn handle_input<'i>(&mut self, input: &'i [u8]) -> Result<Option<&'i [u8]>, HeadError> {
        let mut bytes = input.iter();
        while let Some(&byte) = bytes.next() {
            if self.skipped + self.received.len() >= self.limits.bytes {
                return Err(HeadError::HeadTooLong {
                    limit: self.limits.bytes,
                });
            }
            self.place = self.judge(byte)?;
            self.received.push(byte);
            if self.place == Place::Complete {
                return Ok(Some(bytes.as_slice()));
            }
        }
        Ok(None)
    }

    /// The bytes received, which are the whole head once it is complete.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.received
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
        const HTTP: &[u8] = b"HTTP/";
        match (self.start_line, HTTP.get(self.line_len)) {
            _ if !is_value_byte(byte) => Err(Malformed::Control(byte)),
            // A server that speaks first and something else (a mail server's banner) need not end the line
            // before it is refused.
            (StartLine::Status, Some(&expected)) if expected != byte => Err(Malformed::StartLine),
            _ => Ok(()),
        }
    }

    fn count(&mut self, place: Place) -> Result<(), HeadError> {
        let limit = self.limits.line;
        if self.line_len >= limit {
            return Err(match place {
                Place::StartLine => HeadError::StartLineTooLong { limit },
                _ => HeadError::LineTooLong { limit },
            });
        }
        self.line_len += 1;
        Ok(())
    }
}
