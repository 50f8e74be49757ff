use alloc::format;
use alloc::string::String;

use super::error::InvalidField;
use super::syntax::{check_token, elements, is_token_byte};
use crate::extension::{Extension, Parameters};

/// Subprotocols or extensions in order of preference, as they stand in a field.
///
/// One string, because a peer may send thousands of them: a `String` each would hold 20 times what was
/// received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Offers(String);

impl Offers {
    /// The offers, without surrounding white space; none is empty.
    ///
    /// A comma always separates. §9.1: "When using the quoted-string syntax variant, the value after
    /// quoted-string unescaping MUST conform to the 'token' ABNF", so none stands within quotes.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0
            .split(',')
            .map(|offer| offer.trim_matches([' ', '\t']))
            .filter(|offer| !offer.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Appends text without a comma.
    pub(super) fn push(&mut self, offer: &str) {
        if !self.0.is_empty() {
            self.0.push_str(", ");
        }
        self.0.push_str(offer);
    }

    /// Whether this very offer is there: §4.1 and §4.2.2 compare subprotocols with their case.
    pub(super) fn has(&self, offer: &str) -> bool {
        self.iter().any(|have| have == offer)
    }

    /// Whether an extension of the same name is there, whatever its parameters.
    pub(super) fn has_name_of(&self, extension: &str) -> bool {
        self.iter()
            .any(|have| extension_name(have) == extension_name(extension))
    }
}

/// The name in front of an extension's parameters.
pub(super) fn extension_name(extension: &str) -> &str {
    extension
        .split(';')
        .next()
        .unwrap_or_default()
        .trim_matches([' ', '\t'])
}

/// An extension with these parameters, as it stands in the field.
pub(super) fn element(extension: &dyn Extension, parameters: &Parameters) -> String {
    format!("{}{parameters}", extension.name())
}

/// Refuses a subprotocol that is no token or is in the list already.
pub(super) fn check_subprotocol(subprotocol: &str, offered: &Offers) -> Result<(), InvalidField> {
    check_token(subprotocol).map_err(|byte| InvalidField::Subprotocol { byte })?;
    // §4.1: "The elements that comprise this value [...] MUST all be unique strings."
    if offered.has(subprotocol) {
        return Err(InvalidField::DuplicateSubprotocol);
    }
    Ok(())
}

/// Refuses an extension that is not one name with parameters in visible text.
pub(super) fn check_extension(extension: &str) -> Result<(), InvalidField> {
    let wrong = |byte: &u8| *byte == b',' || !(byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t'));
    if let Some(&byte) = extension.as_bytes().iter().find(|byte| wrong(byte)) {
        return Err(InvalidField::Extension { byte: Some(byte) });
    }
    check_token(extension_name(extension)).map_err(|byte| InvalidField::Extension { byte })
}

/// The extensions in received field values, or `None` when one is not visible text.
pub(super) fn received_extensions<'v>(values: impl Iterator<Item = &'v [u8]>) -> Option<Offers> {
    let mut offers = Offers::default();
    for extension in values.flat_map(elements) {
        let visible = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t');
        let text = str::from_utf8(extension).ok()?;
        if !extension.iter().all(visible) || !extension.first().is_some_and(|&byte| is_token_byte(byte)) {
            return None;
        }
        offers.push(text);
    }
    Some(offers)
}
