use alloc::vec::Vec;

use super::client_request::check_authority;
use super::error::excerpt;
use super::fields::{Fields, announces_body};
use super::offer::{Offers, received_extensions};
use super::request::Request;
use super::request_error::RequestError;
use super::syntax::{check_token, elements};

/// What §4.2.1 asks of the fields, over whichever version of HTTP, found in one pass over them.
#[derive(Default)]
pub(super) struct Wanted<'f> {
    host: Seen<'f>,
    pub(super) key: Seen<'f>,
    version: Seen<'f>,
    extensions: Seen<'f>,
    subprotocols: Seen<'f>,
    pub(super) upgrade: Seen<'f>,
    pub(super) connection: Seen<'f>,
    pub(super) upgrades_to_websocket: bool,
    pub(super) connection_upgrades: bool,
    announces_body: bool,
}

impl<'f> Wanted<'f> {
    pub(super) fn find(fields: &'f Fields) -> Self {
        let mut wanted = Self::default();
        for (name, value) in fields.iter() {
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if is("host") {
                wanted.host.note(value);
            } else if is("upgrade") {
                wanted.upgrade.note(value);
                wanted.upgrades_to_websocket |= has_element(value, b"websocket");
            } else if is("connection") {
                wanted.connection.note(value);
                wanted.connection_upgrades |= has_element(value, b"upgrade");
            } else if is("sec-websocket-key") {
                wanted.key.note(value);
            } else if is("sec-websocket-version") {
                wanted.version.note(value);
            } else if is("sec-websocket-extensions") {
                wanted.extensions.note(value);
            } else if is("sec-websocket-protocol") {
                wanted.subprotocols.note(value);
            } else if announces_body(name, value) {
                wanted.announces_body = true;
            }
        }
        wanted
    }

    /// §4.2.1 (2): "A |Host| header field containing the server's authority." RFC 9112 §3.2: "A server MUST respond with
    /// a 400 [...] to any request message that contains more than one Host header field line or a Host header field with
    /// an invalid field value."
    pub(super) fn check_host(&self) -> Result<(), RequestError> {
        check_authority(self.host.value("Host")?).map_err(|_| RequestError::Host)
    }

    /// What follows the head is read as frames, so a body there would be taken for frames of somebody else's choice.
    pub(super) fn check_body(&self) -> Result<(), RequestError> {
        if self.announces_body {
            Err(RequestError::UnexpectedBody)
        } else {
            Ok(())
        }
    }

    /// §4.2.1 (6).
    pub(super) fn check_version(&self) -> Result<(), RequestError> {
        match self.version.value("Sec-WebSocket-Version")? {
            b"13" => Ok(()),
            version => Err(RequestError::Version {
                version: excerpt(version),
            }),
        }
    }

    /// The subprotocols and the extensions that the client offers.
    pub(super) fn offers(&self, request: &Request) -> Result<(Offers, Offers), RequestError> {
        let extensions = if self.extensions.count > 0 {
            let offered = request.fields().all("sec-websocket-extensions");
            received_extensions(offered).ok_or(RequestError::Extensions)?
        } else {
            Offers::default()
        };
        let subprotocols = if self.subprotocols.count > 0 {
            offered_subprotocols(request.fields())?
        } else {
            Offers::default()
        };
        Ok((subprotocols, extensions))
    }
}

/// How often a field is there.
#[derive(Default)]
pub(super) struct Seen<'f> {
    last: &'f [u8],
    pub(super) count: usize,
}

impl<'f> Seen<'f> {
    fn note(&mut self, value: &'f [u8]) {
        self.last = value;
        self.count += 1;
    }

    /// The value of a field that must be there exactly once.
    pub(super) fn value(&self, field: &'static str) -> Result<&'f [u8], RequestError> {
        match self.count {
            1 => Ok(self.last),
            count => Err(RequestError::NotExactlyOne { field, count }),
        }
    }
}

fn has_element(list: &[u8], element: &[u8]) -> bool {
    elements(list).any(|have| have.eq_ignore_ascii_case(element))
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
    // §4.1: "MUST all be unique strings". Sorted, because a head has room for thousands of them, and
    // comparing each with each would cost milliseconds a request.
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
