use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::fields::announces_body;
use super::head::{Head, StartLine};
use super::head_limits::HeadLimits;
use super::request::Request;
use super::request_error::RequestError;
use super::unshown::Unshown;
use crate::Instant;

/// The server's side until the request is there.
///
/// Input goes in as it arrives, in pieces of any size; the request comes out once. It is then for the caller
/// to judge it with [`Upgrade::check`](super::Upgrade::check), and to answer. Errors are sticky, and each has
/// the response to send.
///
/// ```
/// use core::time::Duration;
/// use tidewire_proto::Instant;
/// use tidewire_proto::handshake::{HeadLimits, RequestError, ServerHandshake};
///
/// let timeout = Duration::from_secs(10);
/// let mut handshake = ServerHandshake::new(Instant::START, Some(timeout), HeadLimits::default());
/// assert_eq!(handshake.poll_timeout(), Some(Instant::START + timeout));
/// assert_eq!(handshake.handle_input(b"GET /chat HTTP/1.1\r\nHost: exa")?, None);
/// let request = handshake.handle_input(b"mple.com\r\n\r\n\x81\x80")?.expect("the head is complete");
/// assert_eq!(request.target(), "/chat");
/// assert_eq!(handshake.take_rest(), b"\x81\x80");
/// # Ok::<(), RequestError>(())
/// ```
#[derive(Debug)]
pub struct ServerHandshake {
    state: State,
    deadline: Option<Instant>,
    rest: Unshown,
}

#[derive(Debug)]
enum State {
    Head(Head),
    Received,
    Failed(RequestError),
}

impl ServerHandshake {
    /// Creates the handshake of a connection that is accepted `now`.
    ///
    /// The whole head must be there when the timeout is over; `None` waits forever.
    pub fn new(now: Instant, timeout: Option<Duration>, limits: HeadLimits) -> Self {
        Self {
            state: State::Head(Head::new(StartLine::Request, limits)),
            deadline: timeout.and_then(|timeout| (now + timeout).reachable()),
            rest: Unshown::new(),
        }
    }

    /// Takes input, all of it, and gives the request once its head is complete.
    ///
    /// What follows the head, in this call and later ones, is kept for [`take_rest`](Self::take_rest); a
    /// driver stops reading until the request is answered.
    ///
    /// # Errors
    ///
    /// When the head breaks a limit or the syntax, at the first byte that shows it, or announces a body for a
    /// `GET`.
    pub fn handle_input(&mut self, input: &[u8]) -> Result<Option<Request>, RequestError> {
        match &mut self.state {
            State::Failed(error) => Err(error.clone()),
            State::Received => {
                self.rest.0.extend_from_slice(input);
                Ok(None)
            }
            State::Head(head) => match receive(head, input) {
                Ok(None) => Ok(None),
                Ok(Some((request, rest))) => {
                    self.rest.0.extend_from_slice(rest);
                    self.state = State::Received;
                    Ok(Some(request))
                }
                Err(error) => Err(self.fail(error)),
            },
        }
    }

    /// Takes what was received behind the head: the first frames of a client that does not wait for the
    /// answer.
    pub fn take_rest(&mut self) -> Vec<u8> {
        mem::take(&mut self.rest.0)
    }

    /// The moment by which the head must be there; `None` once it is, or when there is no timeout.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Head(_) => self.deadline,
            State::Received | State::Failed(_) => None,
        }
    }

    /// The moment at which the time for the whole handshake is over, which goes on while the answer is
    /// decided on and sent.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Fails the handshake when its time is over and the head is not there.
    ///
    /// # Errors
    ///
    /// [`RequestError::Timeout`] when that is so, or the error that the handshake ended with.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), RequestError> {
        match &self.state {
            State::Failed(error) => Err(error.clone()),
            State::Head(_) if self.deadline.is_some_and(|deadline| now >= deadline) => {
                Err(self.fail(RequestError::Timeout))
            }
            State::Head(_) | State::Received => Ok(()),
        }
    }

    fn fail(&mut self, error: RequestError) -> RequestError {
        self.state = State::Failed(error.clone());
        error
    }
}

fn receive<'i>(head: &mut Head, input: &'i [u8]) -> Result<Option<(Request, &'i [u8])>, RequestError> {
    let Some(rest) = head.handle_input(input)? else {
        return Ok(None);
    };
    let request = Request::parse(head)?;
    let has_body = |(name, value): (&str, &[u8])| announces_body(name, value);
    if request.method() == "GET" && request.fields().iter().any(has_body) {
        return Err(RequestError::UnexpectedBody);
    }
    Ok(Some((request, rest)))
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
        Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n\x81\x85\0\0\0\0hello";

    fn server() -> ServerHandshake {
        ServerHandshake::new(Instant::START, None, HeadLimits::default())
    }

    #[test]
    fn every_split_point_gives_the_same_request_and_rest() -> Result<(), RequestError> {
        let mut whole = server();
        let expected = whole.handle_input(REQUEST)?;
        assert!(expected.is_some());
        let rest = whole.take_rest();
        assert_eq!(rest, b"\x81\x85\0\0\0\0hello");
        for at in 0..=REQUEST.len() {
            let (one, two) = REQUEST.split_at(at);
            let mut split = server();
            let received = (split.handle_input(one)?, split.handle_input(two)?);
            assert_eq!(received.0.or(received.1), expected, "split at {at}");
            assert_eq!(split.take_rest(), rest, "split at {at}");
        }
        Ok(())
    }

    #[test]
    fn the_request_comes_out_once_and_the_rest_grows() -> Result<(), RequestError> {
        let mut server = server();
        assert!(server.handle_input(REQUEST)?.is_some());
        assert_eq!(server.handle_input(REQUEST)?, None);
        assert_eq!(server.take_rest().len(), 11 + REQUEST.len());
        assert_eq!(server.take_rest(), b"");
        Ok(())
    }

    #[test]
    fn a_get_with_a_body_is_refused_with_400() {
        let table = [
            ("Content-Length: 0", Ok(true)),
            ("Content-Length: 0\r\nContent-Length: 0", Ok(true)),
            ("Content-Length: 1", Err(RequestError::UnexpectedBody)),
            ("Content-Length: 00", Err(RequestError::UnexpectedBody)),
            ("Content-Length: -0", Err(RequestError::UnexpectedBody)),
            ("Content-Length:", Err(RequestError::UnexpectedBody)),
            (
                "Content-Length: 0\r\ncontent-length: 5",
                Err(RequestError::UnexpectedBody),
            ),
            ("transfer-encoding: chunked", Err(RequestError::UnexpectedBody)),
            ("Transfer-Encoding: identity", Err(RequestError::UnexpectedBody)),
        ];
        for (fields, expected) in table {
            let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
            let result = server()
                .handle_input(head.as_bytes())
                .map(|request| request.is_some());
            assert_eq!(result, expected, "{fields:?}");
        }
        assert_eq!(RequestError::UnexpectedBody.status(), 400);
    }

    #[test]
    fn errors_are_sticky() {
        let mut server = server();
        let error = Err(RequestError::Malformed(crate::handshake::Malformed::FirstByte(
            0x16,
        )));
        assert_eq!(server.handle_input(b"\x16\x03\x01"), error);
        assert_eq!(server.handle_input(REQUEST), error);
        assert_eq!(server.handle_timeout(Instant::START).map(|()| None), error);
        assert_eq!(server.poll_timeout(), None);
        assert_eq!(server.take_rest(), b"");
    }

    #[test]
    fn a_head_that_is_late_is_answered_with_408() {
        let timeout = Duration::from_secs(10);
        let mut server = ServerHandshake::new(Instant::from_millis(5), Some(timeout), HeadLimits::default());
        let deadline = Instant::from_millis(10_005);
        assert_eq!(server.handle_input(b"GET"), Ok(None));
        assert_eq!(server.poll_timeout(), Some(deadline));
        assert_eq!(server.handle_timeout(Instant::from_millis(10_004)), Ok(()));
        assert_eq!(server.handle_timeout(deadline), Err(RequestError::Timeout));
        assert_eq!(
            server.handle_input(b" / HTTP/1.1\r\n\r\n"),
            Err(RequestError::Timeout)
        );
        assert_eq!(RequestError::Timeout.status(), 408);
    }

    #[test]
    fn a_complete_head_is_never_late() -> Result<(), RequestError> {
        let timeout = Duration::from_secs(10);
        let mut server = ServerHandshake::new(Instant::START, Some(timeout), HeadLimits::default());
        assert!(server.handle_input(REQUEST)?.is_some());
        assert_eq!(server.poll_timeout(), None);
        assert_eq!(server.deadline(), Some(Instant::START + timeout));
        server.handle_timeout(Instant::START + timeout)
    }

    #[test]
    fn debug_hides_what_was_received() {
        let mut server = server();
        assert_eq!(server.handle_input(b"GET / HTTP/1.1\r\nCookie: aaaa"), Ok(None));
        let shown = format!("{server:?}");
        assert!(shown.contains("28 bytes") && !shown.contains("97, 97"), "{shown}");
    }
}
