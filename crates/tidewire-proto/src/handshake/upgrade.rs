use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::accept_key::{AcceptKey, is_key};
use super::acceptance::Acceptance;
use super::error::{AcceptanceError, excerpt};
use super::extended_connect;
use super::fields::{Fields, write_field};
use super::offer::{Offers, element, extension_name};
use super::request::{HttpVersion, Request};
use super::request_error::RequestError;
use super::wanted::Wanted;
use crate::deflate::{Contexts, Parameters};
use crate::extension::{Extension, Parameters as ExtensionParameters, Transform};

/// A request that may become a connection: every check of §4.2.1 has passed.
///
/// ```
/// use tidewire_proto::handshake::{Acceptance, Fields, Request, Upgrade};
///
/// let mut fields = Fields::new();
/// fields.push("Host", "example.com")?;
/// fields.push("Upgrade", "websocket")?;
/// fields.push("Connection", "Upgrade")?;
/// fields.push("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")?;
/// fields.push("Sec-WebSocket-Version", "13")?;
/// fields.push("Sec-WebSocket-Protocol", "superchat, chat")?;
/// let request = Request::new("GET", "/chat", fields)?;
///
/// let upgrade = Upgrade::check(&request)?;
/// assert!(upgrade.subprotocols().eq(["superchat", "chat"]));
/// let mut out = Vec::new();
/// upgrade.accept(&Acceptance::new().subprotocol("chat")?, &mut out)?;
/// assert!(out.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The answer to the client's key, which HTTP/2 does without.
    accept: Option<AcceptKey>,
    subprotocols: Offers,
    extensions: Offers,
}

impl Upgrade {
    /// Judges a request.
    ///
    /// # Errors
    ///
    /// The first rule of §4.2.1 that the request breaks, or over HTTP/2 of RFC 8441; [`RequestError::response`] is the
    /// answer.
    pub fn check(request: &Request) -> Result<Self, RequestError> {
        let fields = Wanted::find(request.fields());
        let accept = match request.version() {
            HttpVersion::Http10 | HttpVersion::Http11 => Some(check_upgrade(request, &fields)?),
            HttpVersion::Http2 => {
                extended_connect::check(request, &fields)?;
                None
            }
        };
        let (subprotocols, extensions) = fields.offers(request)?;
        Ok(Self {
            accept,
            subprotocols,
            extensions,
        })
    }

    /// The subprotocols that the client offers, its favourite first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        self.subprotocols.iter()
    }

    /// The extensions that the client offers, each with its parameters; only the start of their syntax was
    /// checked.
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.extensions.iter()
    }

    /// Answers the first good offer of permessage-deflate, for [`Acceptance::deflate`], and tells what is then agreed
    /// on; `None` where there is none. Nothing is accepted yet.
    ///
    /// ```
    /// # use tidewire_proto::deflate::{Context, Contexts};
    /// # use tidewire_proto::handshake::{Acceptance, Upgrade};
    /// # fn accept(upgrade: &Upgrade) -> (Acceptance, Option<Contexts>) {
    /// let limits = Contexts { server: Context::UNLIMITED, client: Context::UNLIMITED };
    /// match upgrade.deflate(limits) {
    ///     Some((answer, agreed)) => (Acceptance::new().deflate(answer), Some(agreed)),
    ///     None => (Acceptance::new(), None),
    /// }
    /// # }
    /// ```
    pub fn deflate(&self, limits: Contexts) -> Option<(Parameters, Contexts)> {
        limits.accept(self.extensions())
    }

    /// Answers the first offer of an extension that it accepts, for [`Acceptance::extension`], and gives what is then done
    /// on the connection; `None` where there is none. Nothing is accepted yet.
    ///
    /// Offers that break the grammar are passed over. With permessage-deflate, the extension goes into the acceptance
    /// first, and both only where it does not claim [RSV1](crate::extension::ReservedBit::Rsv1).
    pub fn extension(&self, extension: &dyn Extension) -> Option<(String, Box<dyn Transform>)> {
        let mut offers = self
            .extensions()
            .filter(|offer| extension_name(offer) == extension.name());
        offers.find_map(|offer| {
            let (answer, transform) = extension.accept(&ExtensionParameters::parse(offer)?)?;
            Some((element(extension, &answer), transform))
        })
    }

    /// Appends the 101 response to the output; frames may follow.
    ///
    /// # Errors
    ///
    /// When the client did not offer the subprotocol or an extension, and when the request came over HTTP/2, whose heads
    /// are no text. Nothing was written.
    pub fn accept(&self, acceptance: &Acceptance, out: &mut Vec<u8>) -> Result<(), AcceptanceError> {
        if self.accept.is_none() {
            return Err(AcceptanceError::HttpVersion);
        }
        acceptance.check(&self.subprotocols, &self.extensions)?;
        out.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
        self.answer(acceptance, |name, value| write_field(out, name, value));
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// The response that accepts, for an HTTP library to send: its status, 101 or over HTTP/2 200, and its fields.
    ///
    /// # Errors
    ///
    /// When the client did not offer the subprotocol or an extension.
    pub fn accepted(&self, acceptance: &Acceptance) -> Result<(u16, Fields), AcceptanceError> {
        acceptance.check(&self.subprotocols, &self.extensions)?;
        let mut fields = Fields::new();
        self.answer(acceptance, |name, value| fields.append(name, value));
        // RFC 8441 §4 makes it a CONNECT, whose answer is, by RFC 9110 §9.3.6, "Any 2xx (Successful) response".
        let status = if self.accept.is_some() { 101 } else { 200 };
        Ok((status, fields))
    }

    /// Tells the fields of the response.
    fn answer(&self, acceptance: &Acceptance, mut field: impl FnMut(&str, &[u8])) {
        if let Some(accept) = &self.accept {
            field("Upgrade", b"websocket");
            field("Connection", b"Upgrade");
            field("Sec-WebSocket-Accept", accept.as_bytes());
        }
        acceptance.answer(field);
    }
}

/// Judges an upgrade of HTTP/1.1, all but the offers; gives the answer to its key.
fn check_upgrade(request: &Request, fields: &Wanted<'_>) -> Result<AcceptKey, RequestError> {
    if request.version() == HttpVersion::Http11 {
        fields.check_host()?;
    }
    // (3), (4): "containing the value "websocket"", "a |Connection| header field that includes the token
    // "Upgrade"", both "treated as an ASCII case-insensitive value". They go before (1): who asks for
    // something else altogether, by whatever method, is to learn what is spoken here.
    if !fields.upgrades_to_websocket || !fields.connection_upgrades {
        return Err(RequestError::NotAnUpgrade);
    }
    // §4.2.1 (1): "An HTTP/1.1 or higher GET request".
    if request.version() != HttpVersion::Http11 {
        return Err(RequestError::HttpVersion);
    }
    if request.method() != "GET" {
        return Err(RequestError::Method {
            method: excerpt(request.method().as_bytes()),
        });
    }
    fields.check_body()?;
    if !is_resource_name(request.target()) {
        return Err(RequestError::Target);
    }
    // (6) goes before (5): another version may have another key, and its client is to learn of ours.
    fields.check_version()?;
    let key = fields.key.value("Sec-WebSocket-Key")?;
    if !is_key(key) {
        return Err(RequestError::Key);
    }
    Ok(AcceptKey::of(key))
}

/// §4.2.1 (1) takes a path or an absolute URL; §3: "Fragment identifiers are meaningless in the context of
/// WebSocket URIs and MUST NOT be used on these URIs."
pub(super) fn is_resource_name(target: &str) -> bool {
    let scheme = target.split_once("://").map(|(scheme, _)| scheme);
    let absolute = ["http", "https", "ws", "wss"]
        .iter()
        .any(|known| scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(known)));
    (target.starts_with('/') || absolute)
        && target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::format;
    use alloc::string::{String, ToString as _};
    use alloc::vec;
    use core::error::Error;

    use super::*;
    use crate::Instant;
    use crate::deflate::{Context, Takeover, WindowBits};
    use crate::handshake::{ClientHandshake, ClientRequest, HeadLimits, InvalidField, ServerHandshake};

    const FIELDS: [(&str, &str); 5] = [
        ("Host", "server.example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ];

    fn receive(head: &str) -> Result<Request, RequestError> {
        let mut server = ServerHandshake::new(Instant::START, None, HeadLimits::default());
        server.handle_input(head.as_bytes())?.ok_or(RequestError::Timeout)
    }

    /// The plain request with these fields in place of those of the same name, and without those that are
    /// `-`.
    fn with(line: &str, changes: &[(&str, &str)]) -> Result<Upgrade, RequestError> {
        let mut head = format!("{line}\r\n");
        let kept = FIELDS
            .iter()
            .filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        for (name, value) in kept.chain(changes).filter(|(_, value)| *value != "-") {
            head.extend([name, ": ", value, "\r\n"]);
        }
        Upgrade::check(&receive(&(head + "\r\n"))?)
    }

    /// Request line, changed fields, status.
    type Refused<'t> = (&'t str, &'t [(&'t str, &'t str)], u16);

    const GET: &str = "GET /chat HTTP/1.1";

    #[test]
    fn the_example_of_section_1_3_is_accepted() -> Result<(), RequestError> {
        let changes = [
            ("Origin", "http://example.com"),
            ("Sec-WebSocket-Protocol", "chat, superchat"),
        ];
        let upgrade = with(GET, &changes)?;
        assert!(upgrade.subprotocols().eq(["chat", "superchat"]));
        let mut out = b"before ".to_vec();
        let acceptance = Acceptance::new()
            .subprotocol("chat")
            .and_then(|chat| chat.field("Set-Cookie", "a=b"));
        assert_eq!(
            acceptance.map(|acceptance| upgrade.accept(&acceptance, &mut out)),
            Ok(Ok(()))
        );
        let expected =
            b"before HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\
            Set-Cookie: a=b\r\n\r\n";
        assert_eq!(
            out.escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
        Ok(())
    }

    #[test]
    fn a_request_has_as_many_fields_as_the_limit_lets_it() {
        for count in [23, 24, 25, 26, 95] {
            let others = vec![("X-Other", "1"); count - 5];
            assert_eq!(with(GET, &others).map(|_| ()), Ok(()), "{count} fields");
        }
    }

    #[test]
    fn what_the_rfc_lets_vary_is_accepted() {
        let table: &[(&str, &[(&str, &str)])] = &[
            (GET, &[]),
            (GET, &[("Upgrade", "WebSocket")]),
            (GET, &[("Upgrade", "h2c, WEBSOCKET")]),
            (GET, &[("Connection", "keep-alive, upgrade")]),
            (GET, &[("Connection", "keep-alive"), ("Connection", "UPGRADE")]),
            (GET, &[("Host", "[::1]:8080")]),
            (
                GET,
                &[
                    ("Sec-WebSocket-Protocol", ",a,,b, "),
                    ("Sec-WebSocket-Protocol", "A"),
                ],
            ),
            (GET, &[("Sec-WebSocket-Protocol", "")]),
            (
                GET,
                &[("Sec-WebSocket-Extensions", "permessage-deflate; x=\"10\", y")],
            ),
            ("GET /?a=%23 HTTP/1.1", &[]),
            ("GET http://server.example.com/chat HTTP/1.1", &[]),
        ];
        for (line, changes) in table {
            assert_eq!(with(line, changes).map(|_| ()), Ok(()), "{line} {changes:?}");
        }
    }

    #[test]
    fn every_broken_rule_has_its_status() {
        let table: &[Refused<'_>] = &[
            ("POST /chat HTTP/1.1", &[], 405),
            ("get /chat HTTP/1.1", &[], 405),
            ("GET /chat HTTP/1.0", &[], 505),
            ("GET /chat HTTP/2.0", &[], 505),
            ("GET * HTTP/1.1", &[], 400),
            ("GET chat HTTP/1.1", &[], 400),
            ("GET /chat#a HTTP/1.1", &[], 400),
            ("GET ftp://a/ HTTP/1.1", &[], 400),
            (GET, &[("Host", "-")], 400),
            (GET, &[("Host", "")], 400),
            (GET, &[("Host", "a"), ("Host", "a")], 400),
            (GET, &[("Host", "a, b")], 400),
            (GET, &[("Host", "user@a")], 400),
            (GET, &[("Host", "a/b")], 400),
            (GET, &[("Upgrade", "-")], 426),
            (GET, &[("Upgrade", "websockets")], 426),
            (GET, &[("Upgrade", "h2c")], 426),
            (GET, &[("Connection", "-")], 426),
            (GET, &[("Connection", "keep-alive")], 426),
            (GET, &[("Connection", "not-upgrade")], 426),
            (GET, &[("Sec-WebSocket-Version", "-")], 400),
            (
                GET,
                &[("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Version", "13")],
                400,
            ),
            (GET, &[("Sec-WebSocket-Version", "8")], 426),
            (GET, &[("Sec-WebSocket-Version", "013")], 426),
            (GET, &[("Sec-WebSocket-Version", "13, 8")], 426),
            (GET, &[("Sec-WebSocket-Version", "")], 426),
            (GET, &[("Sec-WebSocket-Key", "-")], 400),
            (GET, &[("Sec-WebSocket-Key", "")], 400),
            (GET, &[("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ")], 400),
            (GET, &[("Sec-WebSocket-Key", "c2hvcnQ=")], 400),
            (
                GET,
                &[
                    ("Sec-WebSocket-Key", FIELDS[3].1),
                    ("Sec-WebSocket-Key", FIELDS[3].1),
                ],
                400,
            ),
            (GET, &[("Sec-WebSocket-Protocol", "a b")], 400),
            (GET, &[("Sec-WebSocket-Protocol", "a, \"b\"")], 400),
            (GET, &[("Sec-WebSocket-Protocol", "ä")], 400),
            (GET, &[("Sec-WebSocket-Protocol", "a, b, a")], 400),
            (
                GET,
                &[("Sec-WebSocket-Protocol", "a"), ("Sec-WebSocket-Protocol", "a")],
                400,
            ),
            (GET, &[("Sec-WebSocket-Extensions", "ä")], 400),
            (GET, &[("Sec-WebSocket-Extensions", "a, ; b")], 400),
            (GET, &[("Transfer-Encoding", "chunked")], 400),
        ];
        for (line, changes, status) in table {
            let result = with(line, changes).map(|_| ()).map_err(|error| error.status());
            assert_eq!(result, Err(*status), "{line} {changes:?}");
        }
    }

    #[test]
    fn a_version_other_than_13_is_answered_with_426() {
        let refused = with(GET, &[("Sec-WebSocket-Version", "8")]);
        let mut out = Vec::new();
        if let Err(error) = refused {
            error.response().write(&mut out);
        }
        let expected = b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Connection: close, Upgrade\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 30\r\n\r\n\
            WebSocket version 8 is not 13\n";
        assert_eq!(
            out.escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
    }

    #[test]
    fn as_many_offers_as_a_line_holds_are_taken() {
        let offers = (0..2000).map(|number| format!("{number:x}")).collect::<Vec<_>>();
        let upgrade = with(GET, &[("Sec-WebSocket-Protocol", &offers.join(","))]);
        assert_eq!(upgrade.map(|upgrade| upgrade.subprotocols().count()), Ok(2000));
    }

    #[test]
    fn what_was_not_offered_is_not_accepted_and_nothing_is_written() -> Result<(), RequestError> {
        let changes = [
            ("Sec-WebSocket-Protocol", "chat"),
            ("Sec-WebSocket-Extensions", "one; a=1, two"),
        ];
        let upgrade = with(GET, &changes)?;
        let mut out = Vec::new();
        let mut accept = |acceptance: Result<Acceptance, InvalidField>| {
            let accepted = acceptance.map(|acceptance| upgrade.accept(&acceptance, &mut out));
            (accepted, core::mem::take(&mut out).len())
        };
        for subprotocol in ["Chat", "cha", "superchat"] {
            let refused = AcceptanceError::SubprotocolNotOffered {
                subprotocol: subprotocol.into(),
            };
            assert_eq!(
                accept(Acceptance::new().subprotocol(subprotocol)),
                (Ok(Err(refused)), 0)
            );
        }
        let refused = AcceptanceError::ExtensionNotOffered {
            extension: "three".into(),
        };
        assert_eq!(
            accept(Acceptance::new().extension("three")),
            (Ok(Err(refused)), 0)
        );
        let both = Acceptance::new()
            .extension("two")
            .and_then(|two| two.extension("one; b"));
        assert_eq!(accept(both).0, Ok(Ok(())));
        Ok(())
    }

    #[test]
    fn the_first_good_offer_of_permessage_deflate_is_answered() -> Result<(), RequestError> {
        let limits = Contexts {
            server: Context::UNLIMITED,
            client: Context {
                takeover: Takeover::Forbidden,
                ..Context::UNLIMITED
            },
        };
        // Offers, the field of the response.
        let table = [
            ("", None),
            ("x, Permessage-Deflate", None),
            (
                "permessage-deflate; y, permessage-deflate; server_max_window_bits=\"08\"",
                None,
            ),
            (
                "permessage-deflate",
                Some("permessage-deflate; client_no_context_takeover"),
            ),
            (
                "x, permessage-deflate; y, permessage-deflate;server_max_window_bits=\"9\", permessage-deflate",
                Some("permessage-deflate; client_no_context_takeover; server_max_window_bits=9"),
            ),
        ];
        for (offers, answered) in table {
            let upgrade = with(GET, &[("Sec-WebSocket-Extensions", offers)])?;
            let mut acceptance = Acceptance::new();
            if let Some((answer, _)) = upgrade.deflate(limits) {
                acceptance = acceptance.deflate(answer);
            }
            let mut out = Vec::new();
            assert_eq!(upgrade.accept(&acceptance, &mut out), Ok(()), "{offers:?}");
            let head = out.escape_ascii().to_string();
            let field = answered.map_or_else(String::new, |answered| {
                format!("Sec-WebSocket-Extensions: {answered}\\r\\n")
            });
            assert!(
                head.ends_with(&format!("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n{field}\\r\\n")),
                "{offers:?} {head}"
            );
        }
        Ok(())
    }

    #[test]
    fn an_answer_to_what_was_not_offered_is_not_accepted() -> Result<(), RequestError> {
        let upgrade = with(GET, &[("Sec-WebSocket-Extensions", "x")])?;
        let acceptance = Acceptance::new().deflate(Parameters::default());
        let refused = AcceptanceError::ExtensionNotOffered {
            extension: "permessage-deflate".into(),
        };
        assert_eq!(upgrade.accept(&acceptance, &mut Vec::new()), Err(refused));
        Ok(())
    }

    #[test]
    fn both_sides_of_a_handshake_come_to_the_same_contexts() -> Result<(), Box<dyn Error>> {
        let bits = |bits| WindowBits::new(bits).unwrap_or(WindowBits::MAX);
        let small = Context {
            window_bits: bits(9),
            ..Context::UNLIMITED
        };
        let alone = Context {
            takeover: Takeover::Forbidden,
            window_bits: bits(12),
        };
        let request = ClientRequest::new("example.com", "/")?
            .deflate(Contexts {
                server: small,
                client: alone,
            })
            .deflate(Contexts {
                server: Context::UNLIMITED,
                client: alone,
            });
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        let limits = HeadLimits::default();
        let nonce = *b"the sample nonce";
        let mut client = ClientHandshake::new(Instant::START, None, limits, request, nonce, &mut to_server);
        let mut server = ServerHandshake::new(Instant::START, None, limits);
        let request = server
            .handle_input(&to_server)?
            .ok_or("the whole request was sent")?;
        let upgrade = Upgrade::check(&request)?;
        assert!(upgrade.extensions().eq([
            "permessage-deflate; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=12",
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=12",
        ]));
        let ours = Contexts {
            server: alone,
            client: small,
        };
        let (answer, agreed) = upgrade.deflate(ours).ok_or("the first offer is good")?;
        upgrade.accept(&Acceptance::new().deflate(answer), &mut to_client)?;
        let accepted = client
            .handle_input(&to_client)?
            .ok_or("the whole response was sent")?;
        let expected = Contexts {
            server: Context {
                takeover: Takeover::Forbidden,
                window_bits: bits(9),
            },
            client: Context {
                takeover: Takeover::Forbidden,
                window_bits: bits(9),
            },
        };
        assert_eq!((agreed, accepted.deflate()), (expected, Some(expected)));
        assert!(
            accepted
                .extensions()
                .eq(["permessage-deflate; server_no_context_takeover; \
            client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9"])
        );
        Ok(())
    }
}
