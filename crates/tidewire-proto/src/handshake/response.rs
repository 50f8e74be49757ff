use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::error::{InvalidField, Malformed, excerpt};
use super::fields::{Fields, write_field};
use super::head::Head;
use super::request::HttpVersion;
use super::response_error::ResponseError;

/// What a body is where the response does not say it.
const USUAL_TYPE: &[u8] = b"text/plain; charset=utf-8";

/// A response: the refusal that a server sends, or the answer that a client received.
///
/// `Debug` leaves out the body and credentials.
///
/// ```
/// use tidewire_proto::handshake::{InvalidField, Response};
///
/// let mut out = Vec::new();
/// Response::new(403)?.field("X-Reason", "origin")?.body("origin is not allowed\n").write(&mut out);
/// assert!(out.starts_with(b"HTTP/1.1 403 Forbidden\r\nX-Reason: origin\r\n"));
/// assert!(out.ends_with(b"\r\n\r\norigin is not allowed\n"));
/// # Ok::<(), InvalidField>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    reason: String,
    version: HttpVersion,
    pub(super) fields: Fields,
    pub(super) body: Vec<u8>,
    pub(super) truncated: bool,
}

impl Response {
    /// Creates a final response with the usual reason phrase, no fields and no body.
    ///
    /// # Errors
    ///
    /// When the status is not within 200 to 599: an upgrade is written by
    /// [`Upgrade::accept`](super::Upgrade::accept) alone.
    pub fn new(status: u16) -> Result<Self, InvalidField> {
        if (200..=599).contains(&status) {
            Ok(Self::with_status(status))
        } else {
            Err(InvalidField::Status { status })
        }
    }

    /// Creates a response that an HTTP library received over HTTP/2, which knows no reason phrases.
    ///
    /// # Errors
    ///
    /// When the status is not within 200 to 599: interim responses are the library's.
    pub fn received(status: u16, fields: Fields) -> Result<Self, InvalidField> {
        let response = Self::new(status)?;
        Ok(Self {
            version: HttpVersion::Http2,
            fields,
            ..response
        })
    }

    /// Creates the response of a server that failed, with no fields and no body.
    pub fn internal_error() -> Self {
        Self::with_status(500)
    }

    /// Creates a response with one of our own statuses.
    pub(super) fn with_status(status: u16) -> Self {
        Self {
            status,
            reason: usual_reason(status).into(),
            version: HttpVersion::Http11,
            fields: Fields::new(),
            body: Vec::new(),
            truncated: false,
        }
    }

    /// Adds a header field.
    ///
    /// # Errors
    ///
    /// As for [`Fields::push`], and for `Connection`, `Content-Length` and `Transfer-Encoding`, which
    /// [`write`](Self::write) adds as they must be.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, InvalidField> {
        if is_framing(name) {
            return Err(InvalidField::Reserved { name: name.into() });
        }
        self.fields.push(name, value)?;
        Ok(self)
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase: visible ASCII, spaces and tabs, possibly empty.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The version.
    pub fn version(&self) -> HttpVersion {
        self.version
    }

    /// The header fields.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The body, or as much of it as was kept.
    pub fn content(&self) -> &[u8] {
        &self.body
    }

    /// Whether the body went on: beyond what is kept, or beyond the time or the stream that it had.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Appends the response to the output.
    ///
    /// `Content-Length` and `Connection: close` are added, and `Content-Type: text/plain; charset=utf-8`
    /// where the response has no `Content-Type`. There is no `Date`: the core has no clock. The connection is
    /// to be closed once this has been sent.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("HTTP/1.1 {} {}\r\n", self.status, self.reason).as_bytes());
        for (name, value) in self.fields.iter().filter(|(name, _)| !is_framing(name)) {
            write_field(out, name, value);
        }
        write_field(
            out,
            "Connection",
            if self.names_protocols() {
                b"close, Upgrade"
            } else {
                b"close"
            },
        );
        if self.has_content() {
            if !self.has_type() {
                write_field(out, "Content-Type", USUAL_TYPE);
            }
            write_field(out, "Content-Length", format!("{}", self.body.len()).as_bytes());
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(&self.body);
        } else {
            out.extend_from_slice(b"\r\n");
        }
    }

    /// The fields and the body as an HTTP library sends them over this version, which says itself where the response ends
    /// and what becomes of the connection.
    ///
    /// ```
    /// use tidewire_proto::handshake::{HttpVersion, InvalidField, Response};
    ///
    /// let (fields, body) = Response::new(403)?.body("no\n").parts(HttpVersion::Http2);
    /// assert!(fields.iter().eq([("Content-Type", &b"text/plain; charset=utf-8"[..])]));
    /// assert_eq!(body, b"no\n");
    /// # Ok::<(), InvalidField>(())
    /// ```
    pub fn parts(self, version: HttpVersion) -> (Fields, Vec<u8>) {
        let mut fields = Fields::new();
        for (name, value) in self.fields.iter().filter(|(name, _)| !is_framing(name)) {
            // RFC 9113 §8.2.2: "An endpoint MUST NOT generate an HTTP/2 message containing connection-specific header
            // fields", among which it counts Upgrade.
            if version != HttpVersion::Http2 || !name.eq_ignore_ascii_case("upgrade") {
                fields.append(name, value);
            }
        }
        if version != HttpVersion::Http2 && self.names_protocols() {
            fields.append("Connection", b"Upgrade");
        }
        if !self.has_content() {
            return (fields, Vec::new());
        }
        if !self.has_type() {
            fields.append("Content-Type", USUAL_TYPE);
        }
        (fields, self.body)
    }

    /// RFC 9110 §7.8: "A sender of Upgrade MUST also send an "Upgrade" connection option".
    fn names_protocols(&self) -> bool {
        self.fields.first("upgrade").is_some()
    }

    /// RFC 9110 §8.6, §15.3.5, §15.4.5: some have neither a body nor, for 204, a length.
    fn has_content(&self) -> bool {
        !matches!(self.status, 204 | 304)
    }

    fn has_type(&self) -> bool {
        self.fields.first("content-type").is_some()
    }

    /// Parses a complete head.
    pub(super) fn parse(head: &Head) -> Result<Self, ResponseError> {
        let mut room = vec![httparse::EMPTY_HEADER; head.field_count()];
        let mut parsed = httparse::Response::new(&mut room);
        let status = parsed.parse(head.as_bytes()).map_err(|error| match error {
            httparse::Error::Version => ResponseError::HttpVersion,
            _ => ResponseError::Malformed(Malformed::StartLine),
        })?;
        match (status, parsed.code, HttpVersion::from_minor(parsed.version)) {
            (httparse::Status::Complete(_), Some(status @ 100..=999), Some(version)) => Ok(Self {
                status,
                reason: parsed.reason.unwrap_or_default().into(),
                version,
                fields: Fields::from_parsed(&[], parsed.headers),
                body: Vec::new(),
                truncated: false,
            }),
            _ => Err(ResponseError::Malformed(Malformed::StartLine)),
        }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("reason", &format_args!("{}", excerpt(self.reason.as_bytes())))
            .field("version", &self.version)
            .field("fields", &self.fields)
            .field("body_len", &self.body.len())
            .field("truncated", &self.truncated)
            .finish()
    }
}

/// Fields that say where the response ends: those of a received response do not fit it when it is written
/// again.
fn is_framing(name: &str) -> bool {
    ["connection", "content-length", "transfer-encoding"]
        .iter()
        .any(|framing| framing.eq_ignore_ascii_case(name))
}

fn usual_reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        410 => "Gone",
        414 => "URI Too Long",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn a_refusal_has_a_length_and_closes() -> Result<(), InvalidField> {
        let mut out = b"before ".to_vec();
        Response::new(503)?
            .field("Retry-After", "5")?
            .body("later\n")
            .write(&mut out);
        let expected = b"before HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n\
            Content-Type: text/plain; charset=utf-8\r\nContent-Length: 6\r\n\r\nlater\n";
        assert_eq!(
            out.escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
        Ok(())
    }

    #[test]
    fn a_content_type_of_its_own_is_kept() -> Result<(), InvalidField> {
        let mut out = Vec::new();
        Response::new(499)?
            .field("content-type", "application/json")?
            .body("{}")
            .write(&mut out);
        let expected = b"HTTP/1.1 499 \r\ncontent-type: application/json\r\nConnection: close\r\n\
            Content-Length: 2\r\n\r\n{}";
        assert_eq!(
            out.escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
        Ok(())
    }

    #[test]
    fn a_response_without_content_has_no_body() -> Result<(), InvalidField> {
        for status in [204, 304] {
            let mut out = Vec::new();
            Response::new(status)?.body("body").write(&mut out);
            assert!(
                out.ends_with(b"Connection: close\r\n\r\n"),
                "{status}: {}",
                out.escape_ascii()
            );
        }
        Ok(())
    }

    #[test]
    fn framing_is_not_for_the_caller() -> Result<(), InvalidField> {
        for name in ["Connection", "content-length", "TRANSFER-ENCODING"] {
            let refused = Response::new(403)?.field(name, "1");
            assert_eq!(refused, Err(InvalidField::Reserved { name: name.into() }));
        }
        for status in [0, 99, 100, 101, 199, 600, 999, u16::MAX] {
            assert_eq!(Response::new(status), Err(InvalidField::Status { status }));
        }
        Ok(())
    }

    #[test]
    fn an_http_library_is_left_the_framing() -> Result<(), InvalidField> {
        let refusal = Response::new(426)?.field("Upgrade", "websocket")?.body("what\n");
        let text = ("Content-Type", USUAL_TYPE);
        let upgrade = [("Upgrade", &b"websocket"[..]), ("Connection", b"Upgrade"), text];
        let (fields, body) = refusal.clone().parts(HttpVersion::Http11);
        assert!(fields.iter().eq(upgrade), "{fields:?}");
        assert_eq!(body, b"what\n");
        let (fields, _) = refusal.parts(HttpVersion::Http2);
        assert!(fields.iter().eq([text]), "{fields:?}");
        let nothing = Response::new(204)?.body("body").parts(HttpVersion::Http11);
        assert_eq!(nothing, (Fields::new(), Vec::new()));
        Ok(())
    }

    #[test]
    fn debug_hides_the_body() -> Result<(), InvalidField> {
        let shown = format!(
            "{:?}",
            Response::new(403)?
                .field("Set-Cookie", "hunter2")?
                .body("hunter2")
        );
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("body_len: 7"), "{shown}");
        Ok(())
    }
}
