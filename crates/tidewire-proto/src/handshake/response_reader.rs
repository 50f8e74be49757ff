use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;
use core::ops::RangeInclusive;

use super::body::{Body, Progress};
use super::head::{Head, StartLine};
use super::head_limits::HeadLimits;
use super::response::Response;
use super::response_error::ResponseError;
use super::unshown::Unshown;

/// Reads the response to a request that is to open something: a consent, behind which the stream is another
/// protocol's, or a refusal with its body.
///
/// Interim responses before it are skipped, and count to its [limits](HeadLimits). Errors are sticky: after one, nothing
/// that follows is read as another response.
///
/// ```
/// use tidewire_proto::handshake::{HeadLimits, ResponseError, ResponseReader};
///
/// let mut reader = ResponseReader::of_tunnel(HeadLimits::default());
/// assert_eq!(reader.handle_input(b"HTTP/1.1 200 Connection est")?, None);
/// let consent = reader.handle_input(b"ablished\r\n\r\nhello")?.expect("the head is complete");
/// assert_eq!((consent.status(), &*reader.take_rest()), (200, &b"hello"[..]));
/// # Ok::<(), ResponseError>(())
/// ```
#[derive(Debug)]
pub struct ResponseReader {
    state: State,
    /// The statuses that open what was asked for.
    opening: RangeInclusive<u16>,
    body_limit: usize,
    rest: Unshown,
}

#[derive(Debug)]
enum State {
    Head(Head),
    Body(Box<Response>, Body),
    Open,
    Failed(ResponseError),
}

impl ResponseReader {
    /// How much of the body of a refusal is kept where nothing else is set: 64 KiB.
    pub const DEFAULT_BODY_LIMIT: usize = 64 * 1024;

    /// Awaits the answer to an upgrade, which 101 opens.
    pub(super) fn of_upgrade(limits: HeadLimits) -> Self {
        Self::new(101..=101, limits)
    }

    /// Awaits the answer to [`CONNECT`](super::TunnelRequest), which any 2xx opens; such a response has no body, whatever
    /// its fields say (RFC 9110 §9.3.6).
    pub fn of_tunnel(limits: HeadLimits) -> Self {
        Self::new(200..=299, limits)
    }

    const fn new(opening: RangeInclusive<u16>, limits: HeadLimits) -> Self {
        Self {
            state: State::Head(Head::new(StartLine::Status, limits)),
            opening,
            body_limit: Self::DEFAULT_BODY_LIMIT,
            rest: Unshown::new(),
        }
    }

    /// Sets how much of the body of a refusal is kept, in bytes.
    ///
    /// The refusal is complete as soon as its body is known to be longer, and flagged as truncated.
    pub fn body_limit(mut self, limit: usize) -> Self {
        self.body_limit = limit;
        self
    }

    /// Takes input, all of it, and gives the consent once its head is there.
    ///
    /// What follows it, in this call and later ones, is kept for [`take_rest`](Self::take_rest).
    ///
    /// # Errors
    ///
    /// [`ResponseError::Refused`] once a response with another status is there with its body; otherwise the first limit
    /// or rule of HTTP/1.1 that the response breaks.
    pub fn handle_input(&mut self, input: &[u8]) -> Result<Option<Response>, ResponseError> {
        let mut input = input;
        loop {
            match &mut self.state {
                State::Failed(error) => return Err(error.clone()),
                State::Open => {
                    self.rest.0.extend_from_slice(input);
                    return Ok(None);
                }
                State::Body(_, body) => {
                    let progress = body.handle_input(input);
                    return self.refuse(progress).map(|()| None);
                }
                State::Head(head) => match receive(head, input) {
                    Ok(None) => return Ok(None),
                    Ok(Some((response, rest))) => {
                        input = rest;
                        match response.status() {
                            status if self.opening.contains(&status) => {
                                self.rest.0.extend_from_slice(rest);
                                self.state = State::Open;
                                return Ok(Some(response));
                            }
                            // RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses
                            // received prior to a final response, even if the client does not expect one."
                            // 101 is none of these: what follows it is another protocol.
                            100 | 102..=199 => self.state = State::Head(head.next()),
                            _ => {
                                let body = Body::new(&response, self.body_limit);
                                self.state = State::Body(Box::new(response), body);
                            }
                        }
                    }
                    Err(error) => return Err(self.fail(error)),
                },
            }
        }
    }

    /// Takes the end of the stream: it completes a refusal whose body has no other end.
    ///
    /// # Errors
    ///
    /// [`ResponseError::Refused`] when one was being sent, flagged as truncated if more was announced;
    /// [`ResponseError::UnexpectedEnd`] when the head is not there. After a consent the end belongs to what was opened,
    /// and nothing happens here.
    pub fn handle_end(&mut self) -> Result<(), ResponseError> {
        match &self.state {
            State::Failed(error) => Err(error.clone()),
            State::Open => Ok(()),
            State::Head(_) => Err(self.fail(ResponseError::UnexpectedEnd)),
            State::Body(_, body) => {
                let progress = body.handle_end();
                self.refuse(progress)
            }
        }
    }

    /// Gives the response up, whose time is over.
    ///
    /// # Errors
    ///
    /// Unless there was a consent: [`ResponseError::Refused`] with as much of the body as came, flagged as truncated, or
    /// [`ResponseError::Timeout`], or the error that there was before.
    pub fn give_up(&mut self) -> Result<(), ResponseError> {
        match &self.state {
            State::Failed(error) => Err(error.clone()),
            State::Head(_) => Err(self.fail(ResponseError::Timeout)),
            State::Body(..) => self.refuse(Progress::Truncated),
            State::Open => Ok(()),
        }
    }

    /// Takes what was received behind the consent.
    pub fn take_rest(&mut self) -> Vec<u8> {
        mem::take(&mut self.rest.0)
    }

    /// Whether the response is awaited.
    pub(super) fn is_waiting(&self) -> bool {
        match self.state {
            State::Head(_) | State::Body(..) => true,
            State::Open | State::Failed(_) => false,
        }
    }

    /// Why there will be no consent.
    pub(super) fn failure(&self) -> Option<&ResponseError> {
        match &self.state {
            State::Failed(error) => Some(error),
            State::Head(_) | State::Body(..) | State::Open => None,
        }
    }

    /// Ends it with this error.
    pub(super) fn fail(&mut self, error: ResponseError) -> ResponseError {
        self.rest = Unshown::new();
        self.state = State::Failed(error.clone());
        error
    }

    /// Ends it with the refusal, unless its body goes on.
    fn refuse(&mut self, progress: Progress) -> Result<(), ResponseError> {
        let truncated = match progress {
            Progress::More => return Ok(()),
            Progress::Complete => false,
            Progress::Truncated => true,
        };
        match mem::replace(&mut self.state, State::Open) {
            State::Body(mut response, body) => {
                response.body = body.into_kept();
                response.truncated = truncated;
                Err(self.fail(ResponseError::Refused(response)))
            }
            other @ (State::Head(_) | State::Open | State::Failed(_)) => {
                self.state = other;
                Ok(())
            }
        }
    }
}

fn receive<'i>(head: &mut Head, input: &'i [u8]) -> Result<Option<(Response, &'i [u8])>, ResponseError> {
    match head.handle_input(input)? {
        Some(rest) => Ok(Some((Response::parse(head)?, rest))),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What input comes to, and what is behind it.
    fn read(input: &[u8], size: usize) -> (Result<Option<u16>, ResponseError>, Vec<u8>) {
        let mut reader = ResponseReader::of_tunnel(HeadLimits::default());
        let mut status = None;
        for piece in input.chunks(size) {
            match reader.handle_input(piece) {
                Ok(response) => status = status.or(response.map(|response| response.status())),
                Err(error) => return (Err(error), reader.take_rest()),
            }
        }
        let ended = reader.handle_end().map(|()| status);
        (ended, reader.take_rest())
    }

    #[test]
    fn any_status_of_success_opens_a_tunnel_and_announces_no_body() {
        for input in [
            &b"HTTP/1.1 200 OK\r\n\r\nrest"[..],
            b"HTTP/1.0 299 Connection established\r\nContent-Length: 2\r\n\r\nrest",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 A\r\nTransfer-Encoding: chunked\r\n\r\nrest",
        ] {
            for size in 1..=input.len() {
                let (status, rest) = read(input, size);
                assert!(
                    matches!(status, Ok(Some(200..=299))),
                    "{status:?} in pieces of {size}"
                );
                assert_eq!(rest, b"rest", "in pieces of {size}");
            }
        }
    }

    #[test]
    fn every_other_status_refuses_a_tunnel() {
        for (input, expected, body) in [
            (&b"HTTP/1.1 101 Switching Protocols\r\n\r\nx"[..], 101, &b""[..]),
            (b"HTTP/1.1 302 Found\r\nContent-Length: 1\r\n\r\nx", 302, b"x"),
            (
                b"HTTP/1.1 407 Who\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
                407,
                b"x",
            ),
        ] {
            for size in 1..=input.len() {
                let (refused, rest) = read(input, size);
                let Err(ResponseError::Refused(response)) = refused else {
                    panic!("{refused:?} in pieces of {size}");
                };
                assert_eq!((response.status(), response.content()), (expected, body));
                assert_eq!(rest, b"");
            }
        }
    }

    #[test]
    fn a_response_that_is_given_up_says_how_far_it_came() -> Result<(), ResponseError> {
        let limits = HeadLimits::default();
        let mut none = ResponseReader::of_tunnel(limits);
        none.handle_input(b"HTTP/1.1 200 ")?;
        assert_eq!(none.give_up(), Err(ResponseError::Timeout));
        assert_eq!(none.handle_input(b"OK\r\n\r\n"), Err(ResponseError::Timeout));
        let mut some = ResponseReader::of_tunnel(limits);
        some.handle_input(b"HTTP/1.1 503 No\r\n\r\nsorry")?;
        let Err(ResponseError::Refused(response)) = some.give_up() else {
            panic!("the refusal was there");
        };
        assert!(response.is_truncated());
        assert_eq!(response.content(), b"sorry");
        let mut open = ResponseReader::of_tunnel(limits);
        open.handle_input(b"HTTP/1.1 200 OK\r\n\r\n")?;
        assert_eq!(open.give_up(), Ok(()));
        Ok(())
    }
}
