use super::fields::Fields;
use super::request_error::RequestError;
use super::syntax::elements;

/// What §4.2.1 asks of the fields, found in one pass over them.
#[derive(Default)]
pub(super) struct Wanted<'f> {
    pub(super) host: Seen<'f>,
    pub(super) key: Seen<'f>,
    pub(super) version: Seen<'f>,
    pub(super) extensions: Seen<'f>,
    pub(super) subprotocols: Seen<'f>,
    pub(super) upgrades_to_websocket: bool,
    pub(super) connection_upgrades: bool,
}

impl<'f> Wanted<'f> {
    pub(super) fn find(fields: &'f Fields) -> Self {
        let mut wanted = Self::default();
        for (name, value) in fields.iter() {
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if is("host") {
                wanted.host.note(value);
            } else if is("upgrade") {
                wanted.upgrades_to_websocket |= has_element(value, b"websocket");
            } else if is("connection") {
                wanted.connection_upgrades |= has_element(value, b"upgrade");
            } else if is("sec-websocket-key") {
                wanted.key.note(value);
            } else if is("sec-websocket-version") {
                wanted.version.note(value);
            } else if is("sec-websocket-extensions") {
                wanted.extensions.note(value);
            } else if is("sec-websocket-protocol") {
                wanted.subprotocols.note(value);
            }
        }
        wanted
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
