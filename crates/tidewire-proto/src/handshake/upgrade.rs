use alloc::string::String;
use alloc::vec::Vec;

use super::accept_key::{accept_key, is_key};
use super::client_request::check_authority;
use super::error::{AcceptanceError, InvalidField, excerpt};
use super::fields::{Fields, check_token, is_owned, write_field};
use super::offer::{Offers, check_extension, check_subprotocol, received_extensions};
use super::request::{HttpVersion, Request};
use super::request_error::RequestError;

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
    accept: String,
    subprotocols: Offers,
    extensions: Offers,
}

impl Upgrade {
    /// Judges a request.
    ///
    /// # Errors
    ///
    /// The first rule of §4.2.1 that the request breaks; [`RequestError::response`] is the answer.
    pub fn check(request: &Request) -> Result<Self, RequestError> {
        let fields = request.fields();
        // §4.2.1 (1): "An HTTP/1.1 or higher GET request".
        if request.method() != "GET" {
            return Err(RequestError::Method {
                method: excerpt(request.method().as_bytes()),
            });
        }
        if request.version() != HttpVersion::Http11 {
            return Err(RequestError::HttpVersion);
        }
        if !is_resource_name(request.target()) {
            return Err(RequestError::Target);
        }
        // (2): "A |Host| header field containing the server's authority." RFC 9112 §3.2: "A server MUST respond with
        // a 400 [...] to any request message that contains more than one Host header field line or a Host header field
        // with an invalid field value."
        let host = exactly_one(fields, "Host")?;
        if check_authority(host).is_err() {
            return Err(RequestError::Host);
        }
        // (3), (4): "containing the value "websocket"", "a |Connection| header field that includes the token
        // "Upgrade"", both "treated as an ASCII case-insensitive value".
        if !fields.has_token("upgrade", "websocket") || !fields.has_token("connection", "upgrade") {
            return Err(RequestError::NotAnUpgrade);
        }
        // (6) goes before (5): another version may have another key, and its client is to learn of ours.
        let version = exactly_one(fields, "Sec-WebSocket-Version")?;
        if version != b"13" {
            return Err(RequestError::Version {
                version: excerpt(version),
            });
        }
        let key = exactly_one(fields, "Sec-WebSocket-Key")?;
        if !is_key(key) {
            return Err(RequestError::Key);
        }
        let extensions =
            received_extensions(fields.all("sec-websocket-extensions")).ok_or(RequestError::Extensions)?;
        Ok(Self {
            accept: accept_key(key),
            subprotocols: offered_subprotocols(fields)?,
            extensions,
        })
    }

    /// The subprotocols that the client offers, its favourite first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        self.subprotocols.iter()
    }

    /// The extensions that the client offers, each with its parameters; only the start of their syntax was checked.
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.extensions.iter()
    }

    /// Appends the 101 response to the output; frames may follow.
    ///
    /// # Errors
    ///
    /// When the client did not offer the subprotocol or an extension. Nothing was written.
    pub fn accept(&self, acceptance: &Acceptance, out: &mut Vec<u8>) -> Result<(), AcceptanceError> {
        // §4.2.2: "either a single value representing the subprotocol the server is ready to use or null. The value
        // chosen MUST be derived from the client's handshake".
        if let Some(subprotocol) = &acceptance.subprotocol
            && !self.subprotocols.has(subprotocol)
        {
            return Err(AcceptanceError::SubprotocolNotOffered {
                subprotocol: excerpt(subprotocol.as_bytes()),
            });
        }
        // §9.1: "The server MUST NOT [accept] an extension that was not requested by the client".
        if let Some(extension) = acceptance
            .extensions
            .iter()
            .find(|have| !self.extensions.has_name_of(have))
        {
            return Err(AcceptanceError::ExtensionNotOffered {
                extension: excerpt(extension.as_bytes()),
            });
        }
        out.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
        write_field(out, "Upgrade", b"websocket");
        write_field(out, "Connection", b"Upgrade");
        write_field(out, "Sec-WebSocket-Accept", self.accept.as_bytes());
        if let Some(subprotocol) = &acceptance.subprotocol {
            write_field(out, "Sec-WebSocket-Protocol", subprotocol.as_bytes());
        }
        if !acceptance.extensions.is_empty() {
            write_field(out, "Sec-WebSocket-Extensions", acceptance.extensions.as_bytes());
        }
        acceptance.fields.write(out);
        out.extend_from_slice(b"\r\n");
        Ok(())
    }
}

/// What a server adds when it accepts an upgrade.
///
/// ```
/// use tidewire_proto::handshake::{Acceptance, InvalidField};
///
/// let acceptance = Acceptance::new().subprotocol("chat")?.field("Set-Cookie", "session=7")?;
/// # let _ = acceptance;
/// # Ok::<(), InvalidField>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acceptance {
    subprotocol: Option<String>,
    extensions: Offers,
    fields: Fields,
}

impl Acceptance {
    /// Creates the acceptance that adds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses a subprotocol, in place of one chosen before.
    ///
    /// # Errors
    ///
    /// When it is no token.
    pub fn subprotocol(mut self, subprotocol: &str) -> Result<Self, InvalidField> {
        check_subprotocol(subprotocol, &Offers::default())?;
        self.subprotocol = Some(subprotocol.into());
        Ok(self)
    }

    /// Accepts one more extension, with the parameters that were agreed on.
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
    /// As for [`Fields::push`], and for the fields of the handshake itself and those that frame a message.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, InvalidField> {
        if is_owned(name) {
            return Err(InvalidField::Reserved {
                name: excerpt(name.as_bytes()),
            });
        }
        self.fields.push(name, value)?;
        Ok(self)
    }
}

fn exactly_one<'f>(fields: &'f Fields, field: &'static str) -> Result<&'f [u8], RequestError> {
    fields
        .exactly_one(field)
        .map_err(|count| RequestError::NotExactlyOne { field, count })
}

/// §4.2.1 (1) takes a path or an absolute URL; §3: "Fragment identifiers are meaningless in the context of WebSocket
/// URIs and MUST NOT be used on these URIs."
fn is_resource_name(target: &str) -> bool {
    let scheme = target.split_once("://").map(|(scheme, _)| scheme);
    let absolute = ["http", "https", "ws", "wss"]
        .iter()
        .any(|known| scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(known)));
    (target.starts_with('/') || absolute)
        && target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

fn offered_subprotocols(fields: &Fields) -> Result<Offers, RequestError> {
    let mut offers = Offers::default();
    let mut sorted = Vec::new();
    for offer in fields.tokens("sec-websocket-protocol") {
        let token = str::from_utf8(offer)
            .ok()
            .filter(|text| check_token(text).is_ok());
        let token = token.ok_or_else(|| RequestError::Subprotocol {
            subprotocol: excerpt(offer),
        })?;
        offers.push(token);
        sorted.push(token);
    }
    // §4.1: "MUST all be unique strings". Sorted, because a head has room for thousands of them, and comparing each
    // with each would cost milliseconds a request.
    sorted.sort_unstable();
    match sorted
        .iter()
        .zip(sorted.iter().skip(1))
        .find(|(one, next)| one == next)
    {
        None => Ok(offers),
        Some((subprotocol, _)) => Err(RequestError::DuplicateSubprotocol {
            subprotocol: excerpt(subprotocol.as_bytes()),
        }),
    }
}
