use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::head::{Head, HeadLimits, StartLine};
use super::request::Request;
use super::request_error::RequestError;
use crate::Instant;

/// The server's side until the request is there.
///
/// Input goes in as it arrives, in pieces of any size; the request comes out once. It is then for the caller to judge
/// it with [`Upgrade::check`](super::Upgrade::check), and to answer. Errors are sticky, and each has the response to
/// send.
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
    rest: Rest,
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
            rest: Rest::default(),
        }
    }

    /// Takes input, all of it, and gives the request once its head is complete.
    ///
    /// What follows the head, in this call and later ones, is kept for [`take_rest`](Self::take_rest); a driver stops
    /// reading until the request is answered.
    ///
    /// # Errors
    ///
    /// When the head breaks a limit or the syntax, at the first byte that shows it, or announces a body for a `GET`.
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

    /// Takes what was received behind the head: the first frames of a client that does not wait for the answer.
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

    /// The moment at which the time for the whole handshake is over, which goes on while the answer is decided on and
    /// sent.
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

/// Bytes behind a head, which `Debug` counts and does not show: they are payload.
#[derive(Default)]
pub(super) struct Rest(pub(super) Vec<u8>);

impl core::fmt::Debug for Rest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

fn receive<'i>(head: &mut Head, input: &'i [u8]) -> Result<Option<(Request, &'i [u8])>, RequestError> {
    let Some(rest) = head.handle_input(input)? else {
        return Ok(None);
    };
    let request = Request::parse(head)?;
    // What follows the head is read as frames, so a body there would be taken for frames of somebody else's choice.
    let fields = request.fields();
    let has_body =
        fields.all("content-length").any(|len| len != b"0") || fields.first("transfer-encoding").is_some();
    if request.method() == "GET" && has_body {
        return Err(RequestError::UnexpectedBody);
    }
    Ok(Some((request, rest)))
}
