//! What takes the place of the upgrade over HTTP/2: the extended `CONNECT` of RFC 8441.

use super::error::excerpt;
use super::request::Request;
use super::request_error::RequestError;
use super::upgrade::is_resource_name;
use super::wanted::Wanted;

/// Judges a request over HTTP/2, all but the offers.
pub(super) fn check(request: &Request, fields: &Wanted<'_>) -> Result<(), RequestError> {
    // §5: "Implementations using this extended CONNECT to bootstrap WebSockets do not do the processing of the
    // Sec-WebSocket-Key and Sec-WebSocket-Accept header fields of [RFC6455]", so a key is not looked at.
    if request.method() != "CONNECT" {
        return Err(RequestError::NotConnect {
            method: excerpt(request.method().as_bytes()),
        });
    }
    // §5: "it MUST have a value of "websocket"".
    let protocol = request.connect_protocol();
    if protocol != Some("websocket") {
        return Err(RequestError::Protocol {
            protocol: protocol.map(|protocol| excerpt(protocol.as_bytes())),
        });
    }
    // §5: "The Host information is conveyed as part of the :authority pseudo-header field, which is required on every
    // HTTP/2 transaction."
    fields.check_host()?;
    // §5: "[RFC6455] requires the use of Connection and Upgrade header fields that are not part of HTTP/2. They MUST NOT
    // be included in the CONNECT request defined here."
    for (field, seen) in [("Connection", &fields.connection), ("Upgrade", &fields.upgrade)] {
        if seen.count > 0 {
            return Err(RequestError::ConnectionField { field });
        }
    }
    fields.check_body()?;
    if !is_resource_name(request.target()) {
        return Err(RequestError::Target);
    }
    fields.check_version()
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString as _};
    use alloc::vec::Vec;

    use crate::handshake::{
        Acceptance, AcceptanceError, Fields, HttpVersion, InvalidField, Request, RequestError, Upgrade,
    };

    type Changes<'t> = &'t [(&'t str, &'t str)];

    /// The request with these fields in place of those of the same name, and without those that are `-`.
    fn with(method: &str, target: &str, changes: Changes<'_>) -> Result<Request, InvalidField> {
        const FIELDS: [(&str, &str); 2] = [("Host", "server.example.com"), ("sec-websocket-version", "13")];
        let mut fields = Fields::new();
        let kept = FIELDS
            .iter()
            .filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        for (name, value) in kept.chain(changes).filter(|(_, value)| *value != "-") {
            fields.push(name, value)?;
        }
        Ok(Request::new(method, target, fields)?.over(HttpVersion::Http2))
    }

    fn connect(changes: Changes<'_>) -> Result<Request, InvalidField> {
        with("CONNECT", "/chat?a=b", changes)?.protocol("websocket")
    }

    #[test]
    fn the_example_of_section_5_1_is_accepted() -> Result<(), InvalidField> {
        let request = connect(&[
            ("sec-websocket-protocol", "chat, superchat"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("origin", "http://www.example.com"),
        ])?;
        assert_eq!((request.method(), request.path()), ("CONNECT", "/chat"));
        assert_eq!(
            (request.query(), request.connect_protocol()),
            (Some("a=b"), Some("websocket"))
        );
        let upgrade = Upgrade::check(&request).map_err(|error| error.to_string());
        assert!(
            upgrade
                .as_ref()
                .is_ok_and(|upgrade| upgrade.subprotocols().eq(["chat", "superchat"]))
        );
        let acceptance = Acceptance::new().subprotocol("chat")?.field("server", "tide")?;
        let (status, fields) = match upgrade.map(|upgrade| upgrade.accepted(&acceptance)) {
            Ok(Ok(accepted)) => accepted,
            refused => panic!("{refused:?}"),
        };
        assert_eq!(status, 200);
        let expected = [("Sec-WebSocket-Protocol", &b"chat"[..]), ("server", b"tide")];
        assert!(fields.iter().eq(expected), "{fields:?}");
        Ok(())
    }

    #[test]
    fn every_broken_rule_has_its_status() -> Result<(), InvalidField> {
        let table: &[(Changes<'_>, u16)] = &[
            (&[("Host", "-")], 400),
            (&[("Host", "a/b")], 400),
            (&[("Host", "a"), ("Host", "b")], 400),
            (&[("Upgrade", "websocket")], 400),
            (&[("connection", "Upgrade")], 400),
            (&[("content-length", "5")], 400),
            (&[("sec-websocket-version", "-")], 400),
            (&[("sec-websocket-version", "8")], 426),
            (&[("sec-websocket-protocol", "a, a")], 400),
            (&[("sec-websocket-extensions", "; b")], 400),
        ];
        for (changes, status) in table {
            let refused = Upgrade::check(&connect(changes)?).map_err(|error| error.status());
            assert_eq!(refused.err(), Some(*status), "{changes:?}");
        }
        let other_requests = [
            (with("GET", "/", &[])?, 405),
            (with("connect", "/", &[])?.protocol("websocket")?, 405),
            (with("CONNECT", "example.com:80", &[])?, 501),
            (with("CONNECT", "/", &[])?.protocol("connect-udp")?, 501),
            (with("CONNECT", "/", &[])?.protocol("WebSocket")?, 501),
            (with("CONNECT", "*", &[])?.protocol("websocket")?, 400),
        ];
        for (request, status) in other_requests {
            let refused = Upgrade::check(&request).map_err(|error| error.status());
            assert_eq!(refused.err(), Some(status), "{request:?}");
        }
        Ok(())
    }

    #[test]
    fn a_key_is_neither_wanted_nor_answered() -> Result<(), InvalidField> {
        for key in ["-", "dGhlIHNhbXBsZSBub25jZQ==", "none"] {
            let upgrade = Upgrade::check(&connect(&[("sec-websocket-key", key)])?);
            let accepted = upgrade.map(|upgrade| upgrade.accepted(&Acceptance::new()));
            assert_eq!(accepted, Ok(Ok((200, Fields::new()))), "{key}");
        }
        Ok(())
    }

    #[test]
    fn an_upgrade_is_nothing_else_than_before_for_an_http_library() -> Result<(), InvalidField> {
        let mut fields = Fields::new();
        fields.push("Host", "a")?;
        fields.push("Upgrade", "websocket")?;
        fields.push("Connection", "Upgrade")?;
        fields.push("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")?;
        fields.push("Sec-WebSocket-Version", "13")?;
        let request = Request::new("GET", "/", fields.clone())?;
        let upgrade = Upgrade::check(&request);
        let accepted = upgrade.map(|upgrade| (upgrade.accepted(&Acceptance::new()), upgrade));
        let Ok((Ok((101, sent)), upgrade)) = accepted else {
            panic!("{accepted:?}")
        };
        let mut written = Vec::new();
        assert_eq!(upgrade.accept(&Acceptance::new(), &mut written), Ok(()));
        let mut expected = Vec::from(b"HTTP/1.1 101 Switching Protocols\r\n");
        sent.write(&mut expected);
        expected.extend_from_slice(b"\r\n");
        assert_eq!(String::from_utf8(written), String::from_utf8(expected));
        fields.push("Content-Length", "5")?;
        let with_body = Upgrade::check(&Request::new("GET", "/", fields)?);
        assert_eq!(with_body, Err(RequestError::UnexpectedBody));
        Ok(())
    }

    #[test]
    fn a_head_of_http_2_is_not_written_as_text() -> Result<(), InvalidField> {
        let upgrade = Upgrade::check(&connect(&[])?);
        let mut out = Vec::new();
        let accepted = upgrade.map(|upgrade| upgrade.accept(&Acceptance::new(), &mut out));
        assert_eq!(accepted, Ok(Err(AcceptanceError::HttpVersion)));
        assert!(out.is_empty());
        Ok(())
    }
}
