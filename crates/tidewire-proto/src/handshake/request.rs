use alloc::string::String;
use alloc::vec;
use core::fmt;

use super::error::{InvalidField, Malformed, excerpt};
use super::fields::Fields;
use super::head::Head;
use super::request_error::RequestError;
use super::syntax::check_token;

/// The version of HTTP that a head came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/1.0, which has no upgrade.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2, where a connection begins with extended `CONNECT` (RFC 8441).
    Http2,
}

impl HttpVersion {
    pub(super) fn from_minor(minor: Option<u8>) -> Option<Self> {
        match minor {
            Some(0) => Some(Self::Http10),
            Some(1) => Some(Self::Http11),
            _ => None,
        }
    }
}

/// The head of a request that a server received.
///
/// Its syntax was checked; what it asks for is judged by [`Upgrade::check`](super::Upgrade::check).
/// `Debug` leaves out the query and credentials.
///
/// A server that has the head from elsewhere (an HTTP library) makes one:
///
/// ```
/// use tidewire_proto::handshake::{Fields, InvalidField, Request};
///
/// let mut fields = Fields::new();
/// fields.push("Host", "example.com")?;
/// let request = Request::new("GET", "/chat?room=7", fields)?;
/// assert_eq!(request.path(), "/chat");
/// # Ok::<(), InvalidField>(())
/// ```
///
/// Over HTTP/2, `:method` and `:path` are its method and target, and `:authority` is its `Host`:
///
/// ```
/// # use tidewire_proto::handshake::{Fields, HttpVersion, InvalidField, Request};
/// # let mut fields = Fields::new();
/// # fields.push("Host", "example.com")?;
/// let request = Request::new("CONNECT", "/chat", fields)?.over(HttpVersion::Http2).protocol("websocket")?;
/// # let _ = request;
/// # Ok::<(), InvalidField>(())
/// ```
#[derive(Clone)]
pub struct Request {
    version: HttpVersion,
    /// In front of them the method, a space and the target, and another space with the protocol, where there is one.
    fields: Fields,
}

impl Request {
    /// Creates an HTTP/1.1 request from parts.
    ///
    /// # Errors
    ///
    /// When the method is no token, or the target is not visible ASCII.
    pub fn new(method: &str, target: &str, fields: Fields) -> Result<Self, InvalidField> {
        check_token(method).map_err(|byte| InvalidField::Method { byte })?;
        match target.bytes().find(|byte| !byte.is_ascii_graphic()) {
            None if !target.is_empty() => Ok(Self {
                version: HttpVersion::Http11,
                fields: fields.behind(&[method, " ", target]),
            }),
            byte => Err(InvalidField::Target { byte }),
        }
    }

    /// Sets the version that the request came with.
    pub fn over(mut self, version: HttpVersion) -> Self {
        self.version = version;
        self
    }

    /// Sets what `:protocol` says, of a request over HTTP/2.
    ///
    /// # Errors
    ///
    /// When it is no token.
    pub fn protocol(self, protocol: &str) -> Result<Self, InvalidField> {
        check_token(protocol).map_err(|byte| InvalidField::Protocol { byte })?;
        let (method, target, _) = self.line();
        let fields = self.fields.clone().behind(&[method, " ", target, " ", protocol]);
        Ok(Self { fields, ..self })
    }

    /// The method, as it was written: methods have case.
    pub fn method(&self) -> &str {
        self.line().0
    }

    /// The target, as it was written: a path with a query, or an absolute URL.
    pub fn target(&self) -> &str {
        self.line().1
    }

    /// The path that is asked for, also where the target is a URL; percent-encoding is left as it is.
    pub fn path(&self) -> &str {
        let target = self.target();
        let target = target.split_once('?').map_or(target, |(target, _)| target);
        // RFC 9112 §3.2.2: "A server MUST accept the absolute-form in requests".
        match target.split_once("://") {
            Some((_, behind)) if !target.starts_with('/') => {
                behind.find('/').and_then(|at| behind.get(at..)).unwrap_or("/")
            }
            _ => target,
        }
    }

    /// The query, without its question mark.
    pub fn query(&self) -> Option<&str> {
        self.target().split_once('?').map(|(_, query)| query)
    }

    /// What `:protocol` said, over HTTP/2: what to speak on the stream of a `CONNECT`.
    pub fn connect_protocol(&self) -> Option<&str> {
        Some(self.line().2).filter(|protocol| !protocol.is_empty())
    }

    /// The version.
    pub fn version(&self) -> HttpVersion {
        self.version
    }

    /// The header fields.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The method, the target and the protocol, none of which has a space in it.
    fn line(&self) -> (&str, &str, &str) {
        let mut words = self.fields.line().split(' ');
        let mut word = || words.next().unwrap_or_default();
        (word(), word(), word())
    }

    /// Parses a complete head.
    pub(super) fn parse(head: &Head) -> Result<Self, RequestError> {
        // Browsers send a dozen fields or two.
        let mut few = [httparse::EMPTY_HEADER; 24];
        let mut many;
        let room = match few.get_mut(..head.field_count()) {
            Some(few) => few,
            None => {
                many = vec![httparse::EMPTY_HEADER; head.field_count()];
                &mut many
            }
        };
        let mut parsed = httparse::Request::new(room);
        let status = parsed.parse(head.as_bytes()).map_err(|error| match error {
            httparse::Error::Version if names_another_version(head.as_bytes()) => RequestError::HttpVersion,
            _ => RequestError::Malformed(Malformed::StartLine),
        })?;
        match (
            status,
            parsed.method,
            parsed.path,
            HttpVersion::from_minor(parsed.version),
        ) {
            (httparse::Status::Complete(_), Some(method), Some(target), Some(version)) => Ok(Self {
                version,
                fields: Fields::from_parsed(&[method, " ", target], parsed.headers),
            }),
            _ => Err(RequestError::Malformed(Malformed::StartLine)),
        }
    }
}

impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        (self.line(), self.version, &self.fields) == (other.line(), other.version, &other.fields)
    }
}

impl Eq for Request {}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &format_args!("{}", excerpt(self.method().as_bytes())))
            .field("target", &format_args!("{}", shown_target(self.target())))
            .field("version", &self.version)
            .field("protocol", &self.connect_protocol())
            .field("fields", &self.fields)
            .finish()
    }
}

/// The target for `Debug`. Queries carry access tokens where browsers cannot send fields.
pub(super) fn shown_target(target: &str) -> String {
    match target.split_once('?') {
        Some((path, _)) => excerpt(path.as_bytes()) + "?…",
        None => excerpt(target.as_bytes()),
    }
}

/// Whether the first line has the form of HTTP, though of a version that the parser does not know.
fn names_another_version(head: &[u8]) -> bool {
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|&byte| byte == b' ');
    let version = words.nth(2).unwrap_or_default();
    matches!(
        version,
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9']
    ) && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::handshake::HeadLimits;
    use crate::handshake::head::StartLine;

    fn parse(text: &[u8]) -> Result<Request, RequestError> {
        let mut head = Head::new(StartLine::Request, HeadLimits::default());
        head.handle_input(text)?;
        Request::parse(&head)
    }

    #[test]
    fn a_request_line_is_taken_apart() -> Result<(), RequestError> {
        let request = parse(b"GET /a/b?c=d?e HTTP/1.1\r\nA:  b \r\n\r\n")?;
        assert_eq!((request.method(), request.target()), ("GET", "/a/b?c=d?e"));
        assert_eq!((request.path(), request.query()), ("/a/b", Some("c=d?e")));
        assert_eq!(request.version(), HttpVersion::Http11);
        assert!(request.fields().iter().eq([("A", &b"b"[..])]));
        assert_eq!(parse(b"POST / HTTP/1.0\r\n\r\n")?.version(), HttpVersion::Http10);
        Ok(())
    }

    #[test]
    fn the_path_is_the_same_whether_the_target_is_a_path_or_a_url() -> Result<(), InvalidField> {
        for (target, path, query) in [
            ("/admin/a", "/admin/a", None),
            ("http://example.com/admin/a", "/admin/a", None),
            ("wss://example.com:443/?http://a/b", "/", Some("http://a/b")),
            ("http://example.com", "/", None),
            ("http://example.com?a", "/", Some("a")),
            ("http:///a", "/a", None),
            ("/http://a/b", "/http://a/b", None),
            ("//a/b", "//a/b", None),
            ("*", "*", None),
            ("example.com:443", "example.com:443", None),
        ] {
            let request = Request::new("GET", target, Fields::new())?;
            assert_eq!((request.path(), request.query()), (path, query), "{target}");
            assert_eq!(request.target(), target);
        }
        Ok(())
    }

    #[test]
    fn a_request_line_of_another_form_is_refused() {
        let table: &[(&[u8], RequestError)] = &[
            (b"GET / HTTP/2.0\r\n\r\n", RequestError::HttpVersion),
            (b"PRI * HTTP/2.0\r\n\r\n", RequestError::HttpVersion),
            (b"GET / HTTP/1.2\r\n\r\n", RequestError::HttpVersion),
            (
                b"GET / HTTP/1.1x\r\n\r\n",
                RequestError::Malformed(Malformed::StartLine),
            ),
            (
                b"GET / http/1.1\r\n\r\n",
                RequestError::Malformed(Malformed::StartLine),
            ),
            (
                b"GET / HTTP/11\r\n\r\n",
                RequestError::Malformed(Malformed::StartLine),
            ),
            (b"GET /\r\n\r\n", RequestError::Malformed(Malformed::StartLine)),
            (
                b"GET  / HTTP/1.1\r\n\r\n",
                RequestError::Malformed(Malformed::StartLine),
            ),
            (
                b"GET / a HTTP/1.1\r\n\r\n",
                RequestError::Malformed(Malformed::StartLine),
            ),
            (
                b"GET\t/ HTTP/1.1\r\n\r\n",
                RequestError::Malformed(Malformed::StartLine),
            ),
            (
                b"GET /\xff HTTP/1.1\r\n\r\n",
                RequestError::Malformed(Malformed::StartLine),
            ),
            (
                b"GET / HTTP/1.1 \r\n\r\n",
                RequestError::Malformed(Malformed::StartLine),
            ),
            (
                b"G(T / HTTP/1.1\r\n\r\n",
                RequestError::Malformed(Malformed::StartLine),
            ),
        ];
        for (input, expected) in table {
            assert_eq!(parse(input), Err(expected.clone()), "{}", input.escape_ascii());
        }
    }

    #[test]
    fn parts_that_are_no_request_are_refused() {
        for (method, target) in [
            ("", "/"),
            ("G T", "/"),
            ("G\r\n", "/"),
            ("GET", ""),
            ("GET", "/ "),
            ("GET", "/\r\n"),
            ("GET", "/ä"),
        ] {
            assert!(
                Request::new(method, target, Fields::new()).is_err(),
                "{method:?} {target:?}"
            );
        }
    }

    #[test]
    fn debug_hides_the_query() -> Result<(), InvalidField> {
        let mut fields = Fields::new();
        fields.push("Authorization", "Basic hunter2")?;
        let shown = format!("{:?}", Request::new("GET", "/chat?access_token=hunter2", fields)?);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("/chat?…"), "{shown}");
        Ok(())
    }
}
