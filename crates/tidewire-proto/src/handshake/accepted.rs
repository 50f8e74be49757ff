use alloc::boxed::Box;
use alloc::string::String;

use super::accept_key::accept_key;
use super::client_request::ClientRequest;
use super::error::excerpt;
use super::fields::Fields;
use super::offer::{Offers, extension_name, received_extensions};
use super::request::HttpVersion;
use super::response::Response;
use super::response_error::ResponseError;
use crate::deflate::{self, Contexts, ParameterError, Parameters};
use crate::extension::{Extension, Parameters as ExtensionParameters, ReservedBit, Transform};

/// A server's consent: every check of §4.1 has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    response: Response,
    subprotocol: Option<String>,
    extensions: Offers,
    deflate: Option<Contexts>,
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

    /// The extensions that the server accepted, each with its parameters; their names are among those
    /// offered.
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.extensions.iter()
    }

    /// What was agreed on for permessage-deflate, where it was offered through
    /// [`ClientRequest::deflate`] and accepted.
    pub fn deflate(&self) -> Option<Contexts> {
        self.deflate
    }

    /// Judges the answer to the [offer](ClientRequest::offer) of an extension; gives what is then done on the connection,
    /// or `None` where the server declined.
    ///
    /// # Errors
    ///
    /// [`ResponseError::Extension`] where the extension refuses the answer, or that breaks the grammar, is there twice,
    /// stands behind permessage-deflate or claims the same bit. The client is to fail the connection.
    pub fn extension(&self, extension: &dyn Extension) -> Result<Option<Box<dyn Transform>>, ResponseError> {
        let wrong = |reason| ResponseError::Extension {
            extension: extension.name().into(),
            reason,
        };
        let mut answers = self
            .extensions()
            .filter(|answer| extension_name(answer) == extension.name());
        let Some(answer) = answers.next() else {
            return Ok(None);
        };
        if answers.next().is_some() {
            return Err(wrong("it is accepted twice"));
        }
        if self.deflate.is_some() {
            // RFC 7692 §5: "A client that received a response accepting a PMCE extension negotiation offer together with
            // such an extension MUST _Fail the WebSocket Connection_."
            if extension.bit() == ReservedBit::Rsv1 {
                return Err(wrong("it claims RSV1, as permessage-deflate does"));
            }
            // §9.1: "the order of operations on the data should be assumed to be the same as the order in which the
            // extensions are listed in the server's response".
            let mut names = self.extensions().map(extension_name);
            if names.find(|name| [extension.name(), deflate::NAME].contains(name)) == Some(deflate::NAME) {
                return Err(wrong("it is behind permessage-deflate"));
            }
        }
        let parameters = ExtensionParameters::parse(answer).ok_or_else(|| wrong("it breaks the grammar"))?;
        extension.open(&parameters).map(Some).map_err(wrong)
    }
}

/// What a response with status 101 must answer.
#[derive(Debug)]
pub(super) struct Expected {
    accept: String,
    request: ClientRequest,
}

impl Expected {
    /// What answers a request that was sent with this key.
    pub(super) fn new(key: &str, request: ClientRequest) -> Self {
        Self {
            accept: accept_key(key.as_bytes()),
            request,
        }
    }

    /// The checks of §4.1 on a response with status 101, in its order.
    pub(super) fn check(&self, response: Response) -> Result<Accepted, ResponseError> {
        let fields = response.fields();
        if response.version() != HttpVersion::Http11 {
            return Err(ResponseError::HttpVersion);
        }
        // (2): "lacks an |Upgrade| header field or [...] contains a value that is not an ASCII
        // case-insensitive match for the value "websocket"".
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
        self.request.judge(response)
    }
}

impl ClientRequest {
    /// The checks of §4.1 that hold over every version of HTTP: those on what the server chose of what was offered.
    pub(super) fn judge(&self, response: Response) -> Result<Accepted, ResponseError> {
        let fields = response.fields();
        // (5): "indicates the use of an extension that was not present in the client's handshake".
        let extensions =
            received_extensions(fields.all("sec-websocket-extensions")).ok_or(ResponseError::Extensions)?;
        if let Some(extension) = extensions.iter().find(|have| !self.extensions.has_name_of(have)) {
            return Err(ResponseError::ExtensionNotOffered {
                extension: excerpt(extension.as_bytes()),
            });
        }
        let deflate = self.agreed_deflate(&extensions).map_err(ResponseError::Deflate)?;
        let subprotocol = self.chosen_subprotocol(fields)?;
        Ok(Accepted {
            response,
            subprotocol,
            extensions,
            deflate,
        })
    }

    fn agreed_deflate(&self, extensions: &Offers) -> Result<Option<Contexts>, ParameterError> {
        let mut answers = extensions
            .iter()
            .filter(|extension| extension_name(extension) == deflate::NAME);
        let Some(answer) = answers.next().filter(|_| !self.deflate.is_empty()) else {
            return Ok(None);
        };
        // RFC 7692 §5: "A client that received a response accepting a PMCE extension negotiation offer together with
        // such an extension MUST _Fail the WebSocket Connection_", one that needs RSV1, too.
        match answers.count() {
            0 => Parameters::judge_first(&self.deflate, Parameters::parse(answer)?).transpose(),
            more => Err(ParameterError::AcceptedAgain { count: more + 1 }),
        }
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

fn exactly_one<'f>(fields: &'f Fields, field: &'static str) -> Result<&'f [u8], ResponseError> {
    fields
        .exactly_one(field)
        .map_err(|count| ResponseError::NotExactlyOne { field, count })
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;
    use alloc::vec::Vec;

    use super::*;
    use crate::deflate::{Context, WindowBits};
    use crate::handshake::HeadLimits;
    use crate::handshake::InvalidField;
    use crate::handshake::head::{Head, StartLine};

    const FIELDS: [(&str, &str); 3] = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];

    /// The plain response with these fields in place of those of the same name, and without those that are
    /// `-`.
    fn check(changes: &[(&str, &str)]) -> Result<Result<Accepted, ResponseError>, InvalidField> {
        let request = ClientRequest::new("example.com", "/")?
            .subprotocol("chat")?
            .subprotocol("superchat")?
            .extension("one; a=1")?
            .extension("two")?;
        answer(request, changes)
    }

    /// What comes of this request with that response.
    fn answer(
        request: ClientRequest,
        changes: &[(&str, &str)],
    ) -> Result<Result<Accepted, ResponseError>, InvalidField> {
        let mut response = Response::with_status(101);
        let kept = FIELDS
            .iter()
            .filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        for (name, value) in kept.chain(changes).filter(|(_, value)| *value != "-") {
            response.fields.push(name, value)?;
        }
        Ok(Expected::new("dGhlIHNhbXBsZSBub25jZQ==", request).check(response))
    }

    #[test]
    fn what_the_rfc_lets_vary_is_accepted() -> Result<(), InvalidField> {
        let table: &[&[(&str, &str)]] = &[
            &[],
            &[("Upgrade", "WebSocket")],
            &[("Connection", "keep-alive"), ("Connection", "UPGRADE, close")],
            &[("Sec-WebSocket-Accept", " \ts3pPLMBiTxaQ9kYGzzhZRbK+xOo= ")],
            &[("Sec-WebSocket-Extensions", "")],
            &[
                ("Sec-WebSocket-Extensions", "two"),
                ("Sec-WebSocket-Extensions", "one; b; c=\"d\""),
            ],
        ];
        for changes in table {
            assert_eq!(check(changes)?.map(|_| ()), Ok(()), "{changes:?}");
        }
        Ok(())
    }

    #[test]
    fn every_broken_rule_is_named() -> Result<(), InvalidField> {
        const ACCEPT: &str = "Sec-WebSocket-Accept";
        const CHOICE: &str = "Sec-WebSocket-Protocol";
        let twice = |field, count| ResponseError::NotExactlyOne { field, count };
        let upgrade = |value: &str| ResponseError::Upgrade { value: value.into() };
        let accept = |value: &str| ResponseError::Accept { value: value.into() };
        let subprotocol = |value: &str| ResponseError::SubprotocolNotOffered {
            subprotocol: value.into(),
        };
        let extension = |value: &str| ResponseError::ExtensionNotOffered {
            extension: value.into(),
        };
        let table: Vec<(&[(&str, &str)], ResponseError)> = alloc::vec![
            (&[("Upgrade", "-")], twice("Upgrade", 0)),
            (
                &[("Upgrade", "websocket"), ("Upgrade", "websocket")],
                twice("Upgrade", 2)
            ),
            (&[("Upgrade", "websocket, h2c")], upgrade("websocket, h2c")),
            (&[("Upgrade", "")], upgrade("")),
            (&[("Connection", "-")], ResponseError::Connection),
            (&[("Connection", "close")], ResponseError::Connection),
            (&[(ACCEPT, "-")], twice(ACCEPT, 0)),
            (&[(ACCEPT, FIELDS[2].1), (ACCEPT, FIELDS[2].1)], twice(ACCEPT, 2)),
            (&[(ACCEPT, "")], accept("")),
            (
                &[(ACCEPT, "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=")],
                accept("S3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            ),
            (
                &[(ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo")],
                accept("s3pPLMBiTxaQ9kYGzzhZRbK+xOo")
            ),
            (
                &[(ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=x")],
                accept("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=x")
            ),
            (&[(CHOICE, "Chat")], subprotocol("Chat")),
            (&[(CHOICE, "")], subprotocol("")),
            (&[(CHOICE, "chat, superchat")], subprotocol("chat, superchat")),
            (&[(CHOICE, "chat"), (CHOICE, "superchat")], twice(CHOICE, 2)),
            (&[("Sec-WebSocket-Extensions", "three")], extension("three")),
            (
                &[("Sec-WebSocket-Extensions", "two, onet; a")],
                extension("onet; a")
            ),
            (&[("Sec-WebSocket-Extensions", "ü")], ResponseError::Extensions),
        ];
        for (changes, error) in table {
            assert_eq!(check(changes)?.map(|_| ()), Err(error), "{changes:?}");
        }
        Ok(())
    }

    #[test]
    fn an_answer_in_http_1_0_is_no_upgrade() -> Result<(), InvalidField> {
        let mut head = Head::new(StartLine::Status, HeadLimits::default());
        assert!(
            head.handle_input(b"HTTP/1.0 101 Switching Protocols\r\n\r\n")
                .is_ok()
        );
        let expected = Expected::new("key", ClientRequest::new("a", "/")?);
        let checked = Response::parse(&head).and_then(|response| expected.check(response));
        assert_eq!(checked, Err(ResponseError::HttpVersion));
        Ok(())
    }

    #[test]
    fn choices_are_handed_out() -> Result<(), InvalidField> {
        let changes = [
            ("Sec-WebSocket-Protocol", "superchat"),
            ("Sec-WebSocket-Extensions", "two , one;b"),
        ];
        let accepted = check(&changes)?;
        assert_eq!(
            accepted.as_ref().map(Accepted::subprotocol),
            Ok(Some("superchat"))
        );
        assert_eq!(
            accepted.map(|accepted| accepted.extensions().eq(["two", "one;b"])),
            Ok(true)
        );
        Ok(())
    }

    /// A context with takeover and a window of that many bits.
    fn window(bits: u8) -> Context {
        let window_bits = WindowBits::new(bits).unwrap_or(WindowBits::MAX);
        Context {
            window_bits,
            ..Context::UNLIMITED
        }
    }

    fn windows(server: u8, client: u8) -> Contexts {
        Contexts {
            server: window(server),
            client: window(client),
        }
    }

    #[test]
    fn an_answer_to_permessage_deflate_is_judged_by_the_first_offer_that_it_meets() -> Result<(), InvalidField>
    {
        const WRONG: &str = "answer to permessage-deflate is wrong: ";
        let favourite = ClientRequest::new("example.com", "/")?
            .extension("x")?
            .deflate(windows(10, 12));
        let fallback = favourite.clone().deflate(windows(15, 11));
        let client = "parameter client_max_window_bits";
        // Request, answer, what is agreed on or the rule that is broken.
        let table = [
            (&favourite, "", Ok(None)),
            (&favourite, "x", Ok(None)),
            (
                &favourite,
                "x, permessage-deflate; server_max_window_bits=9",
                Ok(Some(windows(9, 12))),
            ),
            (
                &favourite,
                "permessage-deflate",
                Err("parameter server_max_window_bits was offered but not accepted".into()),
            ),
            (
                &favourite,
                "permessage-deflate; server_max_window_bits=11",
                Err("parameter server_max_window_bits of 11 exceeds the 10 that was offered".into()),
            ),
            (
                &favourite,
                "permessage-deflate; server_max_window_bits=10; y",
                Err("permessage-deflate has no parameter y".into()),
            ),
            (
                &favourite,
                "permessage-deflate; server_max_window_bits=10, x, permessage-deflate; server_max_window_bits=10",
                Err("permessage-deflate is accepted 2 times: at most one is allowed".into()),
            ),
            (
                &fallback,
                "permessage-deflate; server_max_window_bits=10; client_max_window_bits=12",
                Ok(Some(windows(10, 12))),
            ),
            (&fallback, "permessage-deflate", Ok(Some(windows(15, 11)))),
            (
                &fallback,
                "permessage-deflate; client_max_window_bits=12",
                Ok(Some(windows(15, 11))),
            ),
            (
                &fallback,
                "permessage-deflate; client_max_window_bits",
                Err(format!("{client} has no value: 8 to 15 is required")),
            ),
        ];
        for (request, extensions, expected) in table {
            let result = answer(request.clone(), &[("Sec-WebSocket-Extensions", extensions)])?;
            let result = result
                .map(|accepted| accepted.deflate())
                .map_err(|error| error.to_string());
            let expected = expected.map_err(|rule: String| format!("{WRONG}{rule}"));
            assert_eq!(result, expected, "{extensions:?}");
        }
        Ok(())
    }

    #[test]
    fn permessage_deflate_that_was_offered_by_hand_is_not_judged() -> Result<(), InvalidField> {
        let request = ClientRequest::new("example.com", "/")?
            .extension("permessage-deflate; server_max_window_bits=10")?;
        for extensions in ["permessage-deflate", "permessage-deflate; y, permessage-deflate"] {
            let result = answer(request.clone(), &[("Sec-WebSocket-Extensions", extensions)])?;
            let agreed = result.map(|accepted| accepted.deflate());
            assert_eq!(agreed, Ok(None), "{extensions:?}");
        }
        Ok(())
    }
}
