use alloc::vec::Vec;
use core::time::Duration;

use super::accept_key::encode_nonce;
use super::accepted::{Accepted, Expected};
use super::client_request::ClientRequest;
use super::head_limits::HeadLimits;
use super::response_error::ResponseError;
use super::response_reader::ResponseReader;
use crate::Instant;

/// The client's side: it writes the request and judges the response.
///
/// Errors are sticky. After one the connection is closed; nothing that follows is read as another response.
///
/// ```
/// use core::time::Duration;
/// use tidewire_proto::Instant;
/// use tidewire_proto::handshake::{ClientHandshake, ClientRequest, HeadLimits};
///
/// let request = ClientRequest::new("example.com", "/chat")?.subprotocol("chat")?;
/// // Sixteen bytes from a cryptographic random number generator; these are the example of §1.3.
/// let nonce = *b"the sample nonce";
/// let timeout = Some(Duration::from_secs(10));
/// let mut out = Vec::new();
/// let mut handshake =
///     ClientHandshake::new(Instant::START, timeout, HeadLimits::default(), request, nonce, &mut out);
/// assert!(out.starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com\r\n"));
///
/// let accepted = handshake.handle_input(
///     b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n\x81\x02hi",
/// )?;
/// assert_eq!(accepted.expect("the head is complete").subprotocol(), Some("chat"));
/// assert_eq!(handshake.take_rest(), b"\x81\x02hi");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ClientHandshake {
    reader: ResponseReader,
    deadline: Option<Instant>,
    expected: Expected,
}

impl ClientHandshake {
    /// How much of the body of a refusal is kept where nothing else is set: 64 KiB.
    pub const DEFAULT_BODY_LIMIT: usize = ResponseReader::DEFAULT_BODY_LIMIT;

    /// Starts the handshake `now` and appends the request to the output.
    ///
    /// The nonce must be sixteen bytes from a cryptographic random number generator, fresh for each
    /// connection. The whole response must be there when the timeout is over; `None` waits forever.
    pub fn new(
        now: Instant,
        timeout: Option<Duration>,
        limits: HeadLimits,
        request: ClientRequest,
        nonce: [u8; 16],
        out: &mut Vec<u8>,
    ) -> Self {
        let key = encode_nonce(nonce);
        request.write(&key, out);
        Self {
            reader: ResponseReader::of_upgrade(limits),
            deadline: timeout.and_then(|timeout| (now + timeout).reachable()),
            expected: Expected::new(&key, request),
        }
    }

    /// Sets how much of the body of a refusal is kept, in bytes.
    ///
    /// The refusal is complete as soon as its body is known to be longer, and flagged as truncated.
    pub fn body_limit(mut self, limit: usize) -> Self {
        self.reader = self.reader.body_limit(limit);
        self
    }

    /// Takes input, all of it, and gives the server's consent once it is there.
    ///
    /// What follows it, in this call and later ones, is kept for [`take_rest`](Self::take_rest).
    ///
    /// # Errors
    ///
    /// [`ResponseError::Refused`] once a response with another status is there with its body; otherwise the
    /// first limit or rule of §4.1 that the response breaks.
    pub fn handle_input(&mut self, input: &[u8]) -> Result<Option<Accepted>, ResponseError> {
        let Some(response) = self.reader.handle_input(input)? else {
            return Ok(None);
        };
        match self.expected.check(response) {
            Ok(accepted) => Ok(Some(accepted)),
            Err(error) => Err(self.reader.fail(error)),
        }
    }

    /// Takes the end of the stream: it completes a refusal whose body has no other end.
    ///
    /// # Errors
    ///
    /// [`ResponseError::Refused`] when the server was sending one, flagged as truncated if more was
    /// announced; [`ResponseError::UnexpectedEnd`] when the head is not there. After the server's consent the
    /// end belongs to the connection, and nothing happens here.
    pub fn handle_end(&mut self) -> Result<(), ResponseError> {
        self.reader.handle_end()
    }

    /// Takes what was received behind the response: the server's first frames.
    pub fn take_rest(&mut self) -> Vec<u8> {
        self.reader.take_rest()
    }

    /// The moment by which the response must be there; `None` once it is, or when there is no timeout.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.filter(|_| self.reader.is_waiting())
    }

    /// Fails the handshake when its time is over and the response is not there.
    ///
    /// # Errors
    ///
    /// When that is so: [`ResponseError::Refused`] with as much of the body as came, flagged as truncated, or
    /// [`ResponseError::Timeout`]. Otherwise the error that the handshake ended with.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), ResponseError> {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            return self.reader.give_up();
        }
        self.reader.failure().map_or(Ok(()), |error| Err(error.clone()))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;

    use super::*;
    use crate::handshake::{InvalidField, Malformed};

    const ACCEPTED: &[u8] =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05hello";
    const REFUSED: &[u8] = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nhello";

    fn limited(limits: HeadLimits) -> Result<ClientHandshake, InvalidField> {
        let request = ClientRequest::new("example.com", "/")?;
        let timeout = Some(Duration::from_secs(10));
        Ok(ClientHandshake::new(
            Instant::START,
            timeout,
            limits,
            request,
            *b"the sample nonce",
            &mut Vec::new(),
        ))
    }

    fn client() -> Result<ClientHandshake, InvalidField> {
        limited(HeadLimits::default())
    }

    /// Status, body and truncation of a refusal.
    fn refusal<T>(result: Result<T, ResponseError>) -> Option<(u16, Vec<u8>, bool)> {
        let Err(ResponseError::Refused(response)) = result else {
            return None;
        };
        Some((
            response.status(),
            response.content().to_vec(),
            response.is_truncated(),
        ))
    }

    #[test]
    fn every_split_point_gives_the_same_answer_and_rest() -> Result<(), InvalidField> {
        let interim = [b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", ACCEPTED].concat();
        let chunked =
            b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\nrest";
        for input in [
            ACCEPTED,
            &interim,
            REFUSED,
            chunked,
            b"HTTP/1.1 200 OK\r\n\r\nhello",
            b"HTTP/1.1 101 A\r\n\r\n",
        ] {
            let mut whole = client()?;
            let expected = (whole.handle_input(input), whole.handle_end());
            let rest = whole.take_rest();
            for at in 0..=input.len() {
                let (one, two) = input.split_at(at);
                let mut split = client()?;
                let first = split.handle_input(one);
                let second = split.handle_input(two);
                let shown = format!("{} split at {at}", input.escape_ascii());
                let received = match first {
                    Ok(None) => second,
                    first => first,
                };
                assert_eq!((received, split.handle_end()), expected, "{shown}");
                assert_eq!(split.take_rest(), rest, "{shown}");
            }
        }
        Ok(())
    }

    #[test]
    fn frames_behind_the_head_are_kept() -> Result<(), InvalidField> {
        let mut client = client()?;
        assert!(matches!(client.handle_input(ACCEPTED), Ok(Some(_))));
        assert_eq!(client.handle_input(b"\x81\x00"), Ok(None));
        assert_eq!(client.handle_end(), Ok(()));
        assert_eq!(client.poll_timeout(), None);
        assert_eq!(client.handle_timeout(Instant::from_millis(99_000)), Ok(()));
        assert_eq!(client.take_rest(), b"\x81\x05hello\x81\x00");
        Ok(())
    }

    #[test]
    fn a_refusal_comes_with_its_body_and_sticks() -> Result<(), InvalidField> {
        let mut client = client()?;
        let error = client.handle_input(&[REFUSED, ACCEPTED].concat());
        assert_eq!(refusal(error.clone()), Some((403, b"hello".to_vec(), false)));
        assert_eq!(client.handle_input(ACCEPTED), error);
        assert_eq!(client.handle_end().map(|()| None), error);
        assert_eq!(client.handle_timeout(Instant::START).map(|()| None), error);
        assert_eq!(client.take_rest(), b"");
        Ok(())
    }

    #[test]
    fn a_body_is_kept_up_to_64_kib() -> Result<(), InvalidField> {
        for (len, truncated) in [(64 * 1024, false), (64 * 1024 + 1, true)] {
            let mut client = client()?;
            let head = format!("HTTP/1.1 500 No\r\nContent-Length: {len}\r\n\r\n");
            assert_eq!(client.handle_input(head.as_bytes()), Ok(None));
            let (_, body, cut) =
                refusal(client.handle_input(&alloc::vec![b'x'; 64 * 1024])).unwrap_or_default();
            assert_eq!((body.len(), cut), (64 * 1024, truncated), "{len} bytes announced");
        }
        Ok(())
    }

    #[test]
    fn a_body_that_does_not_end_in_time_is_flagged() -> Result<(), InvalidField> {
        let head = b"HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\nhello";
        let expected = Some((503, b"hello".to_vec(), true));
        let mut late = client()?;
        assert_eq!(late.handle_input(head), Ok(None));
        assert_eq!(late.poll_timeout(), Some(Instant::from_millis(10_000)));
        assert_eq!(late.handle_timeout(Instant::from_millis(9_999)), Ok(()));
        assert_eq!(
            refusal(late.handle_timeout(Instant::from_millis(10_000))),
            expected
        );
        assert_eq!(late.poll_timeout(), None);
        let mut ended = client()?;
        assert_eq!(ended.handle_input(head), Ok(None));
        assert_eq!(refusal(ended.handle_end()), expected);
        let mut short = client()?.body_limit(3);
        assert_eq!(
            refusal(short.handle_input(head)),
            Some((503, b"hel".to_vec(), true))
        );
        Ok(())
    }

    #[test]
    fn a_body_without_length_runs_to_the_end() -> Result<(), InvalidField> {
        let mut client = client()?;
        assert_eq!(
            client.handle_input(b"HTTP/1.0 404 Not Found\r\n\r\nhello"),
            Ok(None)
        );
        assert_eq!(
            refusal(client.handle_end()),
            Some((404, b"hello".to_vec(), false))
        );
        Ok(())
    }

    #[test]
    fn a_head_that_is_cut_short_or_late_is_an_error() -> Result<(), InvalidField> {
        for input in [
            &b""[..],
            b"HTTP/1.1 101 Switching",
            b"HTTP/1.1 100 Continue\r\n\r\n",
        ] {
            let mut ended = client()?;
            assert_eq!(ended.handle_input(input), Ok(None));
            assert_eq!(ended.handle_end(), Err(ResponseError::UnexpectedEnd));
            let mut late = client()?;
            assert_eq!(late.handle_input(input), Ok(None));
            assert_eq!(
                late.handle_timeout(Instant::from_millis(10_000)),
                Err(ResponseError::Timeout)
            );
        }
        Ok(())
    }

    #[test]
    fn interim_responses_are_skipped_within_the_limit() -> Result<(), InvalidField> {
        let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(4);
        let input = [&*interim, ACCEPTED].concat();
        let head_len = input.len() - 7;
        let mut fits = limited(HeadLimits::default().bytes(head_len))?;
        assert!(matches!(fits.handle_input(&input), Ok(Some(_))));
        let mut exceeds = limited(HeadLimits::default().bytes(head_len - 1))?;
        let error = ResponseError::HeadTooLong { limit: head_len - 1 };
        assert_eq!(exceeds.handle_input(&input), Err(error));
        Ok(())
    }

    #[test]
    fn heads_that_break_a_rule_are_refused() -> Result<(), InvalidField> {
        let malformed = ResponseError::Malformed;
        let table = [
            (&b"\x15\x03\x01"[..], malformed(Malformed::FirstByte(0x15))),
            (b"220 mail.example.com", malformed(Malformed::StartLine)),
            (b"HTTP/2.0 101 A\r\n\r\n", ResponseError::HttpVersion),
            (b"HTTP/1.1 99 A\r\n\r\n", malformed(Malformed::StartLine)),
            (b"HTTP/1.1 099 A\r\n\r\n", malformed(Malformed::StartLine)),
            (b"HTTP/1.1 1010\r\n\r\n", malformed(Malformed::StartLine)),
            (
                b"HTTP/1.1 101 A\nUpgrade: websocket\n\n",
                malformed(Malformed::BareLineFeed),
            ),
            (
                b"HTTP/1.1 101 A\r\nA: b\r\n c\r\n",
                malformed(Malformed::FoldedLine),
            ),
            (
                b"HTTP/1.1 101 A\r\nA : b\r\n",
                malformed(Malformed::FieldName(b' ')),
            ),
        ];
        for (input, error) in table {
            assert_eq!(
                client()?.handle_input(input),
                Err(error),
                "{}",
                input.escape_ascii()
            );
        }
        let strict = HeadLimits::default().line(20).fields(1);
        let long = limited(strict)?.handle_input(b"HTTP/1.1 101 A long reason");
        assert_eq!(long, Err(ResponseError::LineTooLong { limit: 20 }));
        let many = limited(strict)?.handle_input(b"HTTP/1.1 101 A\r\na:\r\nb");
        assert_eq!(many, Err(ResponseError::TooManyFields { limit: 1 }));
        Ok(())
    }

    #[test]
    fn texts_are_one_short_line() -> Result<(), InvalidField> {
        let head = format!("HTTP/1.1 403 {}\r\nContent-Length: 0\r\n\r\n", "no\t".repeat(500));
        let text = client()?
            .handle_input(head.as_bytes())
            .map_or_else(|error| error.to_string(), |_| "accepted".into());
        assert!(
            text.starts_with("server refused the upgrade with status 403 no\\tno"),
            "{text}"
        );
        assert!(text.len() < 200 && !text.contains('\t'), "{text}");
        Ok(())
    }
}
