use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::accept_key::{accept_key, encode_nonce};
use super::body::{Body, Progress};
use super::client_request::ClientRequest;
use super::error::excerpt;
use super::fields::Fields;
use super::head::{Head, HeadLimits, StartLine};
use super::offer::{Offers, received_extensions};
use super::request::HttpVersion;
use super::response::Response;
use super::response_error::ResponseError;
use super::server::Rest;
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
    state: State,
    deadline: Option<Instant>,
    expected: Expected,
    body_limit: usize,
    rest: Rest,
}

#[derive(Debug)]
enum State {
    Head(Head),
    Body(Box<Response>, Body),
    Accepted,
    Failed(ResponseError),
}

/// What the response must answer.
#[derive(Debug)]
struct Expected {
    accept: String,
    subprotocols: Offers,
    extensions: Offers,
}

/// A server's consent: every check of §4.1 has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    response: Response,
    subprotocol: Option<String>,
    extensions: Offers,
}

impl Accepted {
    /// The response with all its header fields.
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// The subprotocol that the server chose, which is one of those offered.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// The extensions that the server accepted, each with its parameters; their names are among those offered.
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.extensions.iter()
    }
}

impl ClientHandshake {
    /// How much of the body of a refusal is kept where nothing else is set: 64 KiB.
    pub const DEFAULT_BODY_LIMIT: usize = 64 * 1024;

    /// Starts the handshake `now` and appends the request to the output.
    ///
    /// The nonce must be sixteen bytes from a cryptographic random number generator, fresh for each connection. The
    /// whole response must be there when the timeout is over; `None` waits forever.
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
            state: State::Head(Head::new(StartLine::Status, limits)),
            deadline: timeout.and_then(|timeout| (now + timeout).reachable()),
            expected: Expected {
                accept: accept_key(key.as_bytes()),
                subprotocols: request.subprotocols,
                extensions: request.extensions,
            },
            body_limit: Self::DEFAULT_BODY_LIMIT,
            rest: Rest::default(),
        }
    }

    /// Sets how much of the body of a refusal is kept, in bytes.
    ///
    /// The refusal is complete as soon as its body is known to be longer, and flagged as truncated.
    pub fn body_limit(mut self, limit: usize) -> Self {
        self.body_limit = limit;
        self
    }

    /// Takes input, all of it, and gives the server's consent once it is there.
    ///
    /// What follows it, in this call and later ones, is kept for [`take_rest`](Self::take_rest).
    ///
    /// # Errors
    ///
    /// [`ResponseError::Refused`] once a response with another status is there with its body; otherwise the first
    /// limit or rule of §4.1 that the response breaks.
    pub fn handle_input(&mut self, input: &[u8]) -> Result<Option<Accepted>, ResponseError> {
        let mut input = input;
        loop {
            match &mut self.state {
                State::Failed(error) => return Err(error.clone()),
                State::Accepted => {
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
                            101 => return self.accept(response, rest).map(Some),
                            // RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses received prior
                            // to a final response, even if the client does not expect one."
                            100..=199 => self.state = State::Head(head.next()),
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
    /// [`ResponseError::Refused`] when the server was sending one, flagged as truncated if more was announced;
    /// [`ResponseError::UnexpectedEnd`] when the head is not there. After the server's consent the end belongs to the
    /// connection, and nothing happens here.
    pub fn handle_end(&mut self) -> Result<(), ResponseError> {
        match &self.state {
            State::Failed(error) => Err(error.clone()),
            State::Accepted => Ok(()),
            State::Head(_) => Err(self.fail(ResponseError::UnexpectedEnd)),
            State::Body(_, body) => {
                let progress = body.handle_end();
                self.refuse(progress)
            }
        }
    }

    /// Takes what was received behind the response: the server's first frames.
    pub fn take_rest(&mut self) -> Vec<u8> {
        mem::take(&mut self.rest.0)
    }

    /// The moment by which the response must be there; `None` once it is, or when there is no timeout.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Head(_) | State::Body(..) => self.deadline,
            State::Accepted | State::Failed(_) => None,
        }
    }

    /// Fails the handshake when its time is over and the response is not there.
    ///
    /// # Errors
    ///
    /// When that is so: [`ResponseError::Refused`] with as much of the body as came, flagged as truncated, or
    /// [`ResponseError::Timeout`]. Otherwise the error that the handshake ended with.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), ResponseError> {
        let late = self.deadline.is_some_and(|deadline| now >= deadline);
        match &self.state {
            State::Failed(error) => Err(error.clone()),
            State::Head(_) if late => Err(self.fail(ResponseError::Timeout)),
            State::Body(..) if late => self.refuse(Progress::Truncated),
            State::Head(_) | State::Body(..) | State::Accepted => Ok(()),
        }
    }

    fn accept(&mut self, response: Response, rest: &[u8]) -> Result<Accepted, ResponseError> {
        match self.expected.check(response) {
            Ok(accepted) => {
                self.rest.0.extend_from_slice(rest);
                self.state = State::Accepted;
                Ok(accepted)
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Ends the handshake with the refusal, unless its body goes on.
    fn refuse(&mut self, progress: Progress) -> Result<(), ResponseError> {
        let truncated = match progress {
            Progress::More => return Ok(()),
            Progress::Complete => false,
            Progress::Truncated => true,
        };
        match mem::replace(&mut self.state, State::Accepted) {
            State::Body(mut response, body) => {
                response.body = body.into_kept();
                response.truncated = truncated;
                Err(self.fail(ResponseError::Refused(response)))
            }
            other => {
                self.state = other;
                Ok(())
            }
        }
    }

    fn fail(&mut self, error: ResponseError) -> ResponseError {
        self.state = State::Failed(error.clone());
        error
    }
}

impl Expected {
    /// The checks of §4.1 on a response with status 101, in its order.
    fn check(&self, response: Response) -> Result<Accepted, ResponseError> {
        let fields = response.fields();
        if response.version() != HttpVersion::Http11 {
            return Err(ResponseError::HttpVersion);
        }
        // (2): "lacks an |Upgrade| header field or [...] contains a value that is not an ASCII case-insensitive match
        // for the value "websocket"".
        let upgrade = exactly_one(fields, "Upgrade")?;
        if !upgrade.eq_ignore_ascii_case(b"websocket") {
            return Err(ResponseError::Upgrade {
                value: excerpt(upgrade),
            });
        }
        // (3): "doesn't contain a token that is an ASCII case-insensitive match for the value "Upgrade"".
        if !fields.has_token("connection", "upgrade") {
            return Err(ResponseError::Connection);
        }
        // (4): "but ignoring any leading and trailing whitespace", which fields come without.
        let accept = exactly_one(fields, "Sec-WebSocket-Accept")?;
        if accept != self.accept.as_bytes() {
            return Err(ResponseError::Accept {
                value: excerpt(accept),
            });
        }
        // (5): "indicates the use of an extension that was not present in the client's handshake".
        let extensions =
            received_extensions(fields.all("sec-websocket-extensions")).ok_or(ResponseError::Extensions)?;
        if let Some(extension) = extensions.iter().find(|have| !self.extensions.has_name_of(have)) {
            return Err(ResponseError::ExtensionNotOffered {
                extension: excerpt(extension.as_bytes()),
            });
        }
        let subprotocol = self.chosen_subprotocol(fields)?;
        Ok(Accepted {
            response,
            subprotocol,
            extensions,
        })
    }

    fn chosen_subprotocol(&self, fields: &Fields) -> Result<Option<String>, ResponseError> {
        const FIELD: &str = "Sec-WebSocket-Protocol";
        // §11.3.4: "MUST NOT appear more than once in an HTTP response."
        let value = match fields.exactly_one(FIELD) {
            Ok(value) => value,
            Err(0) => return Ok(None),
            Err(count) => return Err(ResponseError::NotExactlyOne { field: FIELD, count }),
        };
        // (6): "indicates the use of a subprotocol that was not present in the client's handshake".
        match str::from_utf8(value)
            .ok()
            .filter(|chosen| self.subprotocols.has(chosen))
        {
            Some(chosen) => Ok(Some(chosen.into())),
            None => Err(ResponseError::SubprotocolNotOffered {
                subprotocol: excerpt(value),
            }),
        }
    }
}

fn receive<'i>(head: &mut Head, input: &'i [u8]) -> Result<Option<(Response, &'i [u8])>, ResponseError> {
    match head.handle_input(input)? {
        Some(rest) => Ok(Some((Response::parse(head)?, rest))),
        None => Ok(None),
    }
}

fn exactly_one<'f>(fields: &'f Fields, field: &'static str) -> Result<&'f [u8], ResponseError> {
    fields
        .exactly_one(field)
        .map_err(|count| ResponseError::NotExactlyOne { field, count })
}
