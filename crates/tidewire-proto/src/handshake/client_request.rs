use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::error::{InvalidField, excerpt};
use super::fields::{Fields, is_owned, write_field};
use super::offer::{Offers, check_extension, check_subprotocol};
use super::request::shown_target;

/// The request with which a client asks for a connection.
///
/// Everything is checked when it is added, so that nothing that somebody else chose can add a line of its own.
/// `Debug` leaves out the query and credentials.
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
    fields: Fields,
}

impl ClientRequest {
    /// Creates a request for a target on a host.
    ///
    /// The host is the URL's authority without user info, with the port where it is not the scheme's own. The target
    /// is the URL's path and query.
    ///
    /// # Errors
    ///
    /// When the host is no such authority, or the target does not start with `/`, has a fragment, or is not visible
    /// ASCII.
    pub fn new(host: &str, target: &str) -> Result<Self, InvalidField> {
        check_authority(host.as_bytes()).map_err(|byte| InvalidField::Host { byte })?;
        check_origin_form(target.as_bytes()).map_err(|byte| InvalidField::Target { byte })?;
        Ok(Self {
            host: host.into(),
            target: target.into(),
            subprotocols: Offers::default(),
            extensions: Offers::default(),
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

    /// Adds a header field.
    ///
    /// # Errors
    ///
    /// As for [`Fields::push`], and for `Host`, the fields of the handshake itself and those that frame a message.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, InvalidField> {
        if is_owned(name) || name.eq_ignore_ascii_case("host") {
            return Err(InvalidField::Reserved {
                name: excerpt(name.as_bytes()),
            });
        }
        self.fields.push(name, value)?;
        Ok(self)
    }

    pub(super) fn write(&self, key: &str, out: &mut Vec<u8>) {
        for part in ["GET ", &self.target, " HTTP/1.1\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        // RFC 9112 §3.2: "a user agent SHOULD generate Host as the first field".
        write_field(out, "Host", self.host.as_bytes());
        write_field(out, "Upgrade", b"websocket");
        write_field(out, "Connection", b"Upgrade");
        write_field(out, "Sec-WebSocket-Key", key.as_bytes());
        write_field(out, "Sec-WebSocket-Version", b"13");
        if !self.subprotocols.is_empty() {
            write_field(out, "Sec-WebSocket-Protocol", self.subprotocols.as_bytes());
        }
        if !self.extensions.is_empty() {
            write_field(out, "Sec-WebSocket-Extensions", self.extensions.as_bytes());
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
            .field("fields", &self.fields)
            .finish()
    }
}

/// Refuses what is no `uri-host [ ":" port ]` (RFC 9110 §7.2) with the first byte that is wrong, or `None` when it is
/// empty. User info is refused with its `@`.
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
