use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use super::error::InvalidField;
use super::fields::{Fields, write_field};
use super::offer::{Offers, check_extension, check_subprotocol, element};
use super::request::shown_target;
use super::syntax::check_token;
use crate::deflate::{Contexts, Parameters};
use crate::extension::Extension;

/// The request with which a client asks for a connection.
///
/// Everything is checked when it is added, so that nothing that somebody else chose can add a line of its
/// own. `Debug` leaves out the query and credentials.
///
/// ```
/// use tidewire_proto::handshake::{ClientRequest, InvalidField};
///
/// let request = ClientRequest::new("example.com:8080", "/chat?room=7")?
///     .subprotocol("chat")?
///     .field("Origin", "https://example.com")?;
/// assert!(ClientRequest::new("example.com\r\nX: y", "/").is_err());
/// # let _ = request;
/// # Ok::<(), InvalidField>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClientRequest {
    host: String,
    target: String,
    pub(super) subprotocols: Offers,
    pub(super) extensions: Offers,
    /// Those of the extensions that the answer is judged against.
    pub(super) deflate: Vec<Parameters>,
    /// The cookies as one field has them.
    cookies: String,
    fields: Fields,
}

impl ClientRequest {
    /// Creates a request for a target on a host.
    ///
    /// The host is the URL's authority without user info, with the port where it is not the scheme's own. The
    /// target is the URL's path and query.
    ///
    /// # Errors
    ///
    /// When the host is no such authority, or the target does not start with `/`, has a fragment, or is not
    /// visible ASCII.
    pub fn new(host: &str, target: &str) -> Result<Self, InvalidField> {
        check_authority(host.as_bytes()).map_err(|byte| InvalidField::Host { byte })?;
        check_origin_form(target.as_bytes()).map_err(|byte| InvalidField::Target { byte })?;
        Ok(Self {
            host: host.into(),
            target: target.into(),
            subprotocols: Offers::default(),
            extensions: Offers::default(),
            deflate: Vec::new(),
            cookies: String::new(),
            fields: Fields::new(),
        })
    }

    /// Offers one more subprotocol, after those offered before.
    ///
    /// # Errors
    ///
    /// When it is no token, or was offered before.
    pub fn subprotocol(mut self, subprotocol: &str) -> Result<Self, InvalidField> {
        check_subprotocol(subprotocol, &self.subprotocols)?;
        self.subprotocols.push(subprotocol);
        Ok(self)
    }

    /// Offers one more extension with its parameters, after those offered before.
    ///
    /// # Errors
    ///
    /// When it is not one name with parameters in visible text.
    pub fn extension(mut self, extension: &str) -> Result<Self, InvalidField> {
        check_extension(extension)?;
        self.extensions.push(extension);
        Ok(self)
    }

    /// Offers an extension of the application's, after those offered before;
    /// [`Accepted::extension`](super::Accepted::extension) judges the answer.
    ///
    /// # Errors
    ///
    /// When its name is no token.
    pub fn offer(self, extension: &dyn Extension) -> Result<Self, InvalidField> {
        check_token(extension.name()).map_err(|byte| InvalidField::Extension { byte })?;
        self.extension(&element(extension, &extension.offer()))
    }

    /// Offers permessage-deflate with these limits, after the extensions offered before.
    ///
    /// Called again it adds a fallback, for a server that does not know a parameter of the favourite. The answer must
    /// meet one of these offers, whatever was offered through [`extension`](Self::extension);
    /// [`Accepted::deflate`](super::Accepted::deflate) has the outcome.
    pub fn deflate(mut self, limits: Contexts) -> Self {
        let offer = limits.offer();
        self.extensions.push(&offer.to_string());
        self.deflate.push(offer);
        self
    }

    /// Says which page it comes from, as a browser does (RFC 6454 §6.2), such as `https://example.com`.
    ///
    /// # Errors
    ///
    /// When it is not visible ASCII.
    pub fn origin(self, origin: &str) -> Result<Self, InvalidField> {
        let wrong = origin.bytes().find(|byte| !byte.is_ascii_graphic());
        if wrong.is_some() || origin.is_empty() {
            return Err(InvalidField::Origin { byte: wrong });
        }
        self.field("Origin", origin)
    }

    /// Adds a cookie; all of them go into one field (RFC 6265 §5.4).
    ///
    /// # Errors
    ///
    /// When the name is no token, or the value is none of RFC 6265 §4.1.1, which may stand in quotes.
    pub fn cookie(mut self, name: &str, value: &str) -> Result<Self, InvalidField> {
        check_token(name).map_err(|byte| InvalidField::Cookie { byte })?;
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let allowed = |byte: &u8| byte.is_ascii_graphic() && !b"\",;\\".contains(byte);
        if let Some(byte) = quoted.unwrap_or(value).bytes().find(|byte| !allowed(byte)) {
            return Err(InvalidField::Cookie { byte: Some(byte) });
        }
        let separator = if self.cookies.is_empty() { "" } else { "; " };
        self.cookies.extend([separator, name, "=", value]);
        Ok(self)
    }

    /// Adds a header field.
    ///
    /// # Errors
    ///
    /// As for [`Fields::push`], and for `Host`, the fields of the handshake itself and those that frame a
    /// message.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, InvalidField> {
        self.fields.push_of_request(name, value.as_ref())?;
        Ok(self)
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// What stands beside the pseudo-header fields over HTTP/2.
    pub(super) fn fields_over_http2(&self) -> Fields {
        let mut fields = Fields::new();
        fields.append("Sec-WebSocket-Version", b"13");
        for (name, value) in self.offers().chain(self.fields.iter()) {
            fields.append(name, value);
        }
        fields
    }

    /// The fields that several settings share.
    fn offers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let ours = [
            ("Sec-WebSocket-Protocol", self.subprotocols.as_bytes()),
            ("Sec-WebSocket-Extensions", self.extensions.as_bytes()),
            ("Cookie", self.cookies.as_bytes()),
        ];
        ours.into_iter().filter(|(_, value)| !value.is_empty())
    }

    pub(super) fn write(&self, key: &str, out: &mut Vec<u8>) {
        for part in ["GET ", &self.target, " HTTP/1.1\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        // RFC 9110 §7.2: "A user agent that sends Host SHOULD send it as the first field in the header
        // section".
        write_field(out, "Host", self.host.as_bytes());
        write_field(out, "Upgrade", b"websocket");
        write_field(out, "Connection", b"Upgrade");
        write_field(out, "Sec-WebSocket-Key", key.as_bytes());
        write_field(out, "Sec-WebSocket-Version", b"13");
        for (name, value) in self.offers() {
            write_field(out, name, value);
        }
        self.fields.write(out);
        out.extend_from_slice(b"\r\n");
    }
}

impl fmt::Debug for ClientRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRequest")
            .field("host", &self.host)
            .field("target", &format_args!("{}", shown_target(&self.target)))
            .field("subprotocols", &self.subprotocols)
            .field("extensions", &self.extensions)
            .field("deflate", &self.deflate)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

/// Refuses what is no `uri-host [ ":" port ]` (RFC 9110 §7.2) with the first byte that is wrong, or `None`
/// when it is empty. User info is refused with its `@`.
pub(super) fn check_authority(host: &[u8]) -> Result<(), Option<u8>> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%:[]".contains(&byte);
    match host.iter().find(|&&byte| !allowed(byte)) {
        Some(&byte) => Err(Some(byte)),
        None if host.is_empty() => Err(None),
        None => Ok(()),
    }
}

/// Refuses what is no path with an optional query, in visible ASCII and without a fragment.
fn check_origin_form(target: &[u8]) -> Result<(), Option<u8>> {
    match target {
        [] => Err(None),
        [b'/', path @ ..] => match path
            .iter()
            .find(|&&byte| !byte.is_ascii_graphic() || byte == b'#')
        {
            Some(&byte) => Err(Some(byte)),
            None => Ok(()),
        },
        [first, ..] => Err(Some(*first)),
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn a_request_is_written_as_section_4_1_asks() -> Result<(), InvalidField> {
        let request = ClientRequest::new("server.example.com", "/chat?a=b")?
            .subprotocol("chat")?
            .subprotocol("superchat")?
            .extension("permessage-deflate; client_max_window_bits")?
            .extension("x")?
            .field("Origin", "http://example.com")?;
        let mut out = b"before ".to_vec();
        request.write("dGhlIHNhbXBsZSBub25jZQ==", &mut out);
        let expected = b"before GET /chat?a=b HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Protocol: chat, superchat\r\n\
            Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x\r\n\
            Origin: http://example.com\r\n\r\n";
        assert_eq!(
            out.escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
        Ok(())
    }

    #[test]
    fn cookies_stand_in_one_field_and_add_none() -> Result<(), InvalidField> {
        let request = ClientRequest::new("a", "/")?
            .cookie("session", "31d4d96e407aad42")?
            .cookie("theme", "\"dark\"")?
            .origin("https://example.com")?;
        let mut out = Vec::new();
        request.write("key", &mut out);
        let sent = String::from_utf8_lossy(&out).into_owned();
        assert!(
            sent.contains("\r\nCookie: session=31d4d96e407aad42; theme=\"dark\"\r\n"),
            "{sent}"
        );
        assert!(sent.contains("\r\nOrigin: https://example.com\r\n"), "{sent}");
        for (name, value, byte) in [
            ("", "a", None),
            ("a b", "c", Some(b' ')),
            ("a", "b; c=d", Some(b';')),
            ("a", "b c", Some(b' ')),
            ("a", "b\r\nX: y", Some(b'\r')),
            ("a", "b\0", Some(0)),
            ("a", "\"", Some(b'"')),
        ] {
            let refused = ClientRequest::new("a", "/")?.cookie(name, value);
            assert_eq!(refused, Err(InvalidField::Cookie { byte }), "{name}={value:?}");
        }
        for (origin, byte) in [
            ("", None),
            ("https://a b", Some(b' ')),
            ("https://a\n", Some(b'\n')),
        ] {
            let refused = ClientRequest::new("a", "/")?.origin(origin);
            assert_eq!(refused, Err(InvalidField::Origin { byte }), "{origin:?}");
        }
        Ok(())
    }

    #[test]
    fn a_host_is_an_authority_without_user_info() {
        for host in [
            "a",
            "a:80",
            "[::1]:8080",
            "127.0.0.1",
            "xn--bcher-kva.example",
            "a%20b",
        ] {
            assert!(ClientRequest::new(host, "/").is_ok(), "{host:?}");
        }
        let wrong: &[(&str, Option<u8>)] = &[
            ("", None),
            ("a b", Some(b' ')),
            ("user:hunter2@a", Some(b'@')),
            ("a/b", Some(b'/')),
            ("a?b", Some(b'?')),
            ("a#b", Some(b'#')),
            ("a\\b", Some(b'\\')),
            ("a\r\nX: y", Some(b'\r')),
            ("a\0", Some(0)),
            ("bücher", Some(0xc3)),
        ];
        for (host, byte) in wrong {
            let error = ClientRequest::new(host, "/");
            assert_eq!(error, Err(InvalidField::Host { byte: *byte }), "{host:?}");
        }
    }

    #[test]
    fn a_target_is_a_path_with_a_query() {
        for target in ["/", "//", "/a?b=c&d", "/%00", "/a?http://b"] {
            assert!(ClientRequest::new("a", target).is_ok(), "{target:?}");
        }
        let wrong: &[(&str, Option<u8>)] = &[
            ("", None),
            ("a", Some(b'a')),
            ("*", Some(b'*')),
            ("?a", Some(b'?')),
            ("http://a/", Some(b'h')),
            ("/a#b", Some(b'#')),
            ("/a b", Some(b' ')),
            ("/ HTTP/1.1\r\nX: y", Some(b' ')),
            ("/\r\nX:y", Some(b'\r')),
            ("/\n", Some(b'\n')),
            ("/\0", Some(0)),
            ("/ü", Some(0xc3)),
        ];
        for (target, byte) in wrong {
            let error = ClientRequest::new("a", target);
            assert_eq!(error, Err(InvalidField::Target { byte: *byte }), "{target:?}");
        }
    }

    #[test]
    fn what_would_inject_or_repeat_is_refused() -> Result<(), InvalidField> {
        let request = ClientRequest::new("a", "/")?.subprotocol("chat")?;
        for subprotocol in ["", "a b", "a,b", "a\r\nX: y", "ä", "\"a\"", "chat"] {
            assert!(
                request.clone().subprotocol(subprotocol).is_err(),
                "{subprotocol:?}"
            );
        }
        assert!(request.clone().subprotocol("Chat").is_ok());
        for extension in ["", " ", ";", "a,b", "a\r\nX: y", "a\0", "ä", "a b"] {
            assert!(request.clone().extension(extension).is_err(), "{extension:?}");
        }
        for name in [
            "host",
            "Upgrade",
            "connection",
            "Sec-WebSocket-Key",
            "Content-Length",
            "Transfer-Encoding",
        ] {
            let refused = request.clone().field(name, "x");
            assert_eq!(refused, Err(InvalidField::Reserved { name: name.into() }));
        }
        for name in ["Origin", "User-Agent", "Cookie", "Authorization"] {
            assert!(request.clone().field(name, "x").is_ok(), "{name}");
            assert!(request.clone().field(name, "x\r\nY: z").is_err(), "{name}");
        }
        Ok(())
    }

    #[test]
    fn neither_debug_nor_errors_show_secrets() -> Result<(), InvalidField> {
        let request = ClientRequest::new("a", "/?token=hunter2")?
            .field("Authorization", "Basic hunter2")?
            .field("Cookie", "hunter2")?;
        let errors = [
            ClientRequest::new("hunter2@a", "/"),
            ClientRequest::new("a", "/#hunter2"),
            request.clone().field("Authorization", "hunter2\r\n"),
            request.clone().field("Authorization: hunter2", ""),
            request.clone().subprotocol("hunter2 "),
        ];
        for error in errors {
            let shown = match error {
                Ok(built) => format!("{built:?}"),
                Err(error) => format!("{error} {error:?}"),
            };
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        let shown = format!("{request:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        Ok(())
    }
}
