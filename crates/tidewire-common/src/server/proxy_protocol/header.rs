use std::fmt;

use super::error::ProxyError;
use super::proxied::Proxied;
use super::{version1, version2};

/// Reads a PROXY header of either version from the beginning of a connection.
///
/// Input comes in pieces of any size. What can be refused early is: at the first byte that no header has there, and at
/// the first length that is too large.
///
/// ```
/// use tidewire_common::{ProxyError, ProxyHeader};
///
/// let mut header = ProxyHeader::new();
/// assert_eq!(header.handle_input(b"PROXY TCP4 192.0.2.1 198.51")?, None);
/// let read = header.handle_input(b".100.1 56324 443\r\nGET / HTTP/1.1\r\n")?.expect("a whole header");
/// assert_eq!(read.consumed, 18);
/// assert_eq!(read.proxied.expect("a source").source(), "192.0.2.1:56324".parse().expect("an address"));
/// # Ok::<(), ProxyError>(())
/// ```
#[derive(Default)]
pub struct ProxyHeader {
    /// All of a header that is not complete: below [`MAX_LEN`](Self::MAX_LEN).
    received: Vec<u8>,
}

/// A header that is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadHeader {
    /// How many bytes of the last input belong to it.
    pub consumed: usize,
    /// Whose connection it is; `None` is the proxy's own, or of a kind that has no IP addresses.
    pub proxied: Option<Proxied>,
}

/// What a header comes to that is complete: its length and whose connection it is.
pub(super) type Parsed = (usize, Option<Proxied>);

impl ProxyHeader {
    /// The longest header that is read, in bytes.
    pub const MAX_LEN: usize = version2::MAX_LEN;

    /// Begins with nothing received.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes input up to the header's end; gives what it says once it is complete, and is then done.
    ///
    /// # Errors
    /// The rule that it breaks. Nothing more is to be read then.
    pub fn handle_input(&mut self, input: &[u8]) -> Result<Option<ReadHeader>, ProxyError> {
        let before = self.received.len();
        let input = input.get(..Self::MAX_LEN - before).unwrap_or(input);
        // Most come in one piece, and are read where they lie.
        let parsed = if before == 0 {
            parse(input)?
        } else {
            self.received.extend_from_slice(input);
            parse(&self.received)?
        };
        if parsed.is_none() && before == 0 {
            self.received.extend_from_slice(input);
        }
        Ok(parsed.map(|(len, proxied)| ReadHeader {
            consumed: len - before,
            proxied,
        }))
    }
}

impl fmt::Debug for ProxyHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyHeader")
            .field("received", &self.received.len())
            .finish()
    }
}

/// Reads the header that all that was received begins with; `None` where more is needed.
///
/// What more bytes could not change is decided without them, so that it does not matter where the input is split.
fn parse(received: &[u8]) -> Result<Option<Parsed>, ProxyError> {
    match received.first() {
        None => Ok(None),
        Some(byte) if Some(byte) == version2::SIGNATURE.first() => version2::parse(received),
        Some(_) => version1::parse(received),
    }
}

/// Checks that the input begins as `expected`, and gives what follows that; `None` where more is needed.
pub(super) fn strip<'i>(input: &'i [u8], expected: &[u8]) -> Result<Option<&'i [u8]>, ProxyError> {
    let differing = input.iter().zip(expected).position(|(have, want)| have != want);
    match differing.and_then(|at| Some((at, *input.get(at)?))) {
        Some((at, byte)) => Err(ProxyError::Absent { byte, at }),
        None => Ok(input.get(expected.len()..)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &[u8] = b"PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n";
    const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\x03abc";

    #[test]
    fn every_split_point_gives_the_same_header() {
        for header in [LINE, LOCAL] {
            let input = [header, b"rest"].concat();
            let whole = ProxyHeader::new().handle_input(&input);
            let whole = whole.expect("a header").expect("all of it");
            assert_eq!(whole.consumed, header.len());
            for at in 1..header.len() {
                let (one, two) = input.split_at(at);
                let mut split = ProxyHeader::new();
                assert_eq!(split.handle_input(one), Ok(None), "split at {at}");
                assert_eq!(split.handle_input(b""), Ok(None), "split at {at}");
                let read = split.handle_input(two).expect("a header").expect("all of it");
                assert_eq!((read.consumed, read.proxied), (header.len() - at, whole.proxied));
            }
        }
    }

    #[test]
    fn what_is_no_header_is_refused_at_the_first_byte_that_differs() {
        let table: [(&[u8], u8, usize); 7] = [
            (b"GET / HTTP/1.1\r\n", b'G', 0),
            (b"\x16\x03\x01", 0x16, 0),
            (b"proxy ", b'p', 0),
            (b"PUT /", b'U', 1),
            (b"PROXY\t", b'\t', 5),
            (b"\r\n\r\n\x01", 1, 4),
            (b"\r\n\r\n\0\r\nQUIT\r", b'\r', 11),
        ];
        for (input, byte, at) in table {
            let error = Err(ProxyError::Absent { byte, at });
            assert_eq!(
                ProxyHeader::new().handle_input(input),
                error,
                "{}",
                input.escape_ascii()
            );
            let mut bytewise = ProxyHeader::new();
            for byte in &input[..at] {
                assert_eq!(
                    bytewise.handle_input(&[*byte]),
                    Ok(None),
                    "{}",
                    input.escape_ascii()
                );
            }
            assert_eq!(
                bytewise.handle_input(&input[at..=at]),
                error,
                "{}",
                input.escape_ascii()
            );
        }
    }

    #[test]
    fn no_more_is_kept_than_a_header_may_have() {
        let mut header = ProxyHeader::new();
        let announced = b"\r\n\r\n\0\r\nQUIT\n\x20\0\x08\0";
        assert_eq!(header.handle_input(announced), Ok(None));
        let read = header
            .handle_input(&[0; 1 << 12])
            .expect("a header")
            .expect("all of it");
        assert_eq!(read.consumed, 2048);
        assert!(header.received.len() <= ProxyHeader::MAX_LEN);
    }
}
