use alloc::string::String;

use super::accept_key::accept_key;
use super::client_request::ClientRequest;
use super::error::excerpt;
use super::fields::Fields;
use super::offer::{Offers, received_extensions};
use super::request::HttpVersion;
use super::response::Response;
use super::response_error::ResponseError;

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

    /// The extensions that the server accepted, each with its parameters; their names are among those
    /// offered.
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.extensions.iter()
    }
}

/// What a response with status 101 must answer.
#[derive(Debug)]
pub(super) struct Expected {
    accept: String,
    subprotocols: Offers,
    extensions: Offers,
}

impl Expected {
    /// What answers a request that was sent with this key.
    pub(super) fn new(key: &str, request: ClientRequest) -> Self {
        Self {
            accept: accept_key(key.as_bytes()),
            subprotocols: request.subprotocols,
            extensions: request.extensions,
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

fn exactly_one<'f>(fields: &'f Fields, field: &'static str) -> Result<&'f [u8], ResponseError> {
    fields
        .exactly_one(field)
        .map_err(|count| ResponseError::NotExactlyOne { field, count })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
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
}
