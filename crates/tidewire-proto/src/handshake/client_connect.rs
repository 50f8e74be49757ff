use alloc::boxed::Box;
use core::mem;

use super::accepted::Accepted;
use super::client::ClientHandshake;
use super::client_request::ClientRequest;
use super::fields::Fields;
use super::response::Response;
use super::response_error::ResponseError;
use super::unshown::Unshown;

/// The client's side over HTTP/2, where an extended `CONNECT` takes the place of the upgrade (RFC 8441): what an HTTP
/// library is to send, and the judge of what it received.
///
/// It asks only where the server has sent `SETTINGS_ENABLE_CONNECT_PROTOCOL` with 1 (§3), which the library knows. The
/// `:protocol` is `websocket`, and the `:scheme` is `https` for `wss` and `http` for `ws` (§5).
///
/// ```
/// use tidewire_proto::handshake::{ClientConnect, ClientRequest, Fields, Response};
///
/// let request = ClientRequest::new("example.com", "/chat")?.subprotocol("chat")?;
/// let mut handshake = ClientConnect::new(request);
/// assert_eq!((handshake.authority(), handshake.path()), ("example.com", "/chat"));
/// assert!(handshake.fields().first("sec-websocket-key").is_none());
///
/// let mut fields = Fields::new();
/// fields.push("sec-websocket-protocol", "chat")?;
/// let accepted = handshake.handle_response(Response::received(200, fields)?)?;
/// assert_eq!(accepted.expect("the status is one of success").subprotocol(), Some("chat"));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ClientConnect {
    request: ClientRequest,
    state: State,
}

#[derive(Debug)]
enum State {
    Asked,
    /// The response is a refusal, whose body arrives.
    Refused(Box<Response>, Unshown),
    Done,
}

impl ClientConnect {
    /// The handshake that begins with this request.
    pub fn new(request: ClientRequest) -> Self {
        Self {
            request,
            state: State::Asked,
        }
    }

    /// The `:authority`. §5: "The Host information is conveyed as part of the :authority pseudo-header field".
    pub fn authority(&self) -> &str {
        self.request.host()
    }

    /// The `:path`.
    pub fn path(&self) -> &str {
        self.request.target()
    }

    /// All other fields of the request: none of those that HTTP/2 does not have, nor a key.
    pub fn fields(&self) -> Fields {
        // §5: "Implementations using this extended CONNECT to bootstrap WebSockets do not do the processing of the
        // Sec-WebSocket-Key and Sec-WebSocket-Accept header fields of [RFC6455]".
        self.request.fields_over_http2()
    }

    /// Takes the head of the response; gives the server's consent, or `None` where the body of a refusal is to
    /// [follow](Self::handle_body).
    ///
    /// # Errors
    ///
    /// The first rule of §4.1 that the response breaks, of those that HTTP/2 leaves.
    pub fn handle_response(&mut self, response: Response) -> Result<Option<Accepted>, ResponseError> {
        // RFC 9110 §9.3.6: "Any 2xx (Successful) response indicates that the sender (and all inbound proxies) will
        // switch to tunnel mode".
        if (200..=299).contains(&response.status()) {
            self.state = State::Done;
            return self.request.judge(response).map(Some);
        }
        self.state = State::Refused(Box::new(response), Unshown::new());
        Ok(None)
    }

    /// Takes a part of the body of a refusal, which is kept up to [64 KiB](ClientHandshake::DEFAULT_BODY_LIMIT).
    ///
    /// # Errors
    ///
    /// [`ResponseError::Refused`] as soon as there is more.
    pub fn handle_body(&mut self, part: &[u8]) -> Result<(), ResponseError> {
        let State::Refused(_, body) = &mut self.state else {
            return Ok(());
        };
        let room = ClientHandshake::DEFAULT_BODY_LIMIT - body.0.len();
        body.0.extend_from_slice(part.get(..room).unwrap_or(part));
        if part.len() > room {
            return Err(self.refuse(Ended::Early, ResponseError::UnexpectedEnd));
        }
        Ok(())
    }

    /// Takes the end of the stream; gives [`ResponseError::Refused`] with its whole body, or
    /// [`ResponseError::UnexpectedEnd`] where there is no response.
    pub fn handle_end(&mut self) -> ResponseError {
        self.refuse(Ended::Whole, ResponseError::UnexpectedEnd)
    }

    /// Gives the response up, since its time is over or its stream broke: [`ResponseError::Refused`] with as much of the
    /// body as came, flagged as truncated, or [`ResponseError::Timeout`].
    pub fn handle_timeout(&mut self) -> ResponseError {
        self.refuse(Ended::Early, ResponseError::Timeout)
    }

    fn refuse(&mut self, ended: Ended, otherwise: ResponseError) -> ResponseError {
        match mem::replace(&mut self.state, State::Done) {
            State::Refused(mut response, body) => {
                response.body = body.0;
                response.truncated = ended == Ended::Early;
                ResponseError::Refused(response)
            }
            State::Asked | State::Done => otherwise,
        }
    }
}

/// Whether a body ended of itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Whole,
    Early,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::deflate::{Context, Contexts};
    use crate::handshake::InvalidField;

    fn asked() -> Result<ClientConnect, InvalidField> {
        let unlimited = Contexts {
            server: Context::UNLIMITED,
            client: Context::UNLIMITED,
        };
        let request = ClientRequest::new("server.example.com", "/chat?a=b")?
            .subprotocol("chat")?
            .subprotocol("superchat")?
            .deflate(unlimited)
            .cookie("session", "1")?
            .field("Origin", "http://www.example.com")?;
        Ok(ClientConnect::new(request))
    }

    fn response(status: u16, fields: &[(&str, &str)]) -> Result<Response, InvalidField> {
        let mut received = Fields::new();
        for (name, value) in fields {
            received.push(name, value)?;
        }
        Response::received(status, received)
    }

    /// Status, body and truncation of a refusal.
    fn refusal(error: ResponseError) -> Option<(u16, Vec<u8>, bool)> {
        match error {
            ResponseError::Refused(response) => Some((
                response.status(),
                response.content().to_vec(),
                response.is_truncated(),
            )),
            _ => None,
        }
    }

    #[test]
    fn the_request_of_section_5_1_is_made() -> Result<(), InvalidField> {
        let handshake = asked()?;
        assert_eq!(
            (handshake.authority(), handshake.path()),
            ("server.example.com", "/chat?a=b")
        );
        let expected = [
            ("Sec-WebSocket-Version", &b"13"[..]),
            ("Sec-WebSocket-Protocol", b"chat, superchat"),
            (
                "Sec-WebSocket-Extensions",
                b"permessage-deflate; client_max_window_bits",
            ),
            ("Cookie", b"session=1"),
            ("Origin", b"http://www.example.com"),
        ];
        assert!(handshake.fields().iter().eq(expected), "{:?}", handshake.fields());
        Ok(())
    }

    #[test]
    fn any_status_of_success_is_consent_and_choices_are_judged() -> Result<(), InvalidField> {
        for status in [200, 201, 299] {
            let fields = [
                ("sec-websocket-protocol", "superchat"),
                ("sec-websocket-accept", "nothing"),
            ];
            let accepted = asked()?.handle_response(response(status, &fields)?);
            let chosen =
                accepted.map(|accepted| accepted.and_then(|accepted| accepted.subprotocol().map(Vec::from)));
            assert_eq!(chosen, Ok(Some(b"superchat".to_vec())), "{status}");
        }
        for (field, value, rule) in [
            (
                "sec-websocket-protocol",
                "other",
                "server chose subprotocol other, which was not offered",
            ),
            (
                "sec-websocket-extensions",
                "x",
                "server accepted extension x, which was not offered",
            ),
            (
                "sec-websocket-extensions",
                "permessage-deflate; y",
                "answer to permessage-deflate is wrong: permessage-deflate has no parameter y",
            ),
        ] {
            let judged = asked()?.handle_response(response(200, &[(field, value)])?);
            assert_eq!(judged.map_err(|error| error.to_string()), Err(rule.into()));
        }
        Ok(())
    }

    #[test]
    fn a_refusal_comes_with_its_body_up_to_64_kib() -> Result<(), InvalidField> {
        const LIMIT: usize = ClientHandshake::DEFAULT_BODY_LIMIT;
        let mut whole = asked()?;
        assert_eq!(whole.handle_response(response(404, &[])?), Ok(None));
        for part in [&b"not "[..], b"", b"here"] {
            assert_eq!(whole.handle_body(part), Ok(()));
        }
        assert_eq!(
            refusal(whole.handle_end()),
            Some((404, b"not here".to_vec(), false))
        );
        let mut late = asked()?;
        assert_eq!(late.handle_response(response(503, &[])?), Ok(None));
        assert_eq!(late.handle_body(b"not"), Ok(()));
        assert_eq!(refusal(late.handle_timeout()), Some((503, b"not".to_vec(), true)));
        let mut endless = asked()?;
        assert_eq!(endless.handle_response(response(500, &[])?), Ok(None));
        assert_eq!(endless.handle_body(&vec![b'x'; LIMIT - 1]), Ok(()));
        let refused = endless.handle_body(b"xyz").map_err(refusal);
        let body = [&vec![b'x'; LIMIT][..]].concat();
        assert_eq!(refused, Err(Some((500, body, true))));
        Ok(())
    }

    #[test]
    fn no_response_is_an_end_or_late() -> Result<(), InvalidField> {
        assert_eq!(asked()?.handle_end(), ResponseError::UnexpectedEnd);
        assert_eq!(asked()?.handle_timeout(), ResponseError::Timeout);
        assert_eq!(asked()?.handle_body(b"unasked"), Ok(()));
        for status in [101, 199, 600] {
            assert!(response(status, &[]).is_err(), "{status}");
        }
        Ok(())
    }
}
