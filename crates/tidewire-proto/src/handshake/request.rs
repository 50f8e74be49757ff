use alloc::string::String;
use alloc::vec;
use core::fmt;

use super::error::{InvalidField, Malformed, excerpt};
use super::fields::{Fields, check_token};
use super::head::Head;
use super::request_error::RequestError;

/// The version in a head's first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/1.0, which has no upgrade.
    Http10,
    /// HTTP/1.1.
    Http11,
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
/// Its syntax is that of HTTP/1.x; what it asks for is judged by [`Upgrade::check`](super::Upgrade::check). `Debug`
/// leaves out the query and credentials.
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
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    method: String,
    target: String,
    version: HttpVersion,
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
                method: method.into(),
                target: target.into(),
                version: HttpVersion::Http11,
                fields,
            }),
            byte => Err(InvalidField::Target { byte }),
        }
    }

    /// The method, as it was written: methods have case.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The target, as it was written: a path with a query, or an absolute URL.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The target up to its query; percent-encoding is left as it is.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(&*self.target, |(path, _)| path)
    }

    /// The query, without its question mark.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The version.
    pub fn version(&self) -> HttpVersion {
        self.version
    }

    /// The header fields.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Parses a complete head.
    pub(super) fn parse(head: &Head) -> Result<Self, RequestError> {
        let mut room = vec![httparse::EMPTY_HEADER; head.field_count()];
        let mut parsed = httparse::Request::new(&mut room);
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
                method: method.into(),
                target: target.into(),
                version,
                fields: Fields::from_parsed(parsed.headers),
            }),
            _ => Err(RequestError::Malformed(Malformed::StartLine)),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &format_args!("{}", excerpt(self.method.as_bytes())))
            .field("target", &format_args!("{}", shown_target(&self.target)))
            .field("version", &self.version)
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

/// Whether the first line ends like one of HTTP, though of a version that the parser does not know.
fn names_another_version(head: &[u8]) -> bool {
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    matches!(
        line,
        [
            ..,
            b' ',
            b'H',
            b'T',
            b'T',
            b'P',
            b'/',
            b'0'..=b'9',
            b'.',
            b'0'..=b'9'
        ]
    )
}
