use alloc::string::{String, ToString as _};

use super::error::{AcceptanceError, InvalidField, excerpt};
use super::fields::{Fields, is_owned};
use super::offer::{Offers, check_extension, check_subprotocol};
use crate::deflate::Parameters;

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

    /// Accepts permessage-deflate with the answer that [`Upgrade::deflate`](super::Upgrade::deflate) gives.
    ///
    /// Once: a client refuses a second one.
    pub fn deflate(mut self, answer: Parameters) -> Self {
        self.extensions.push(&answer.to_string());
        self
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

    /// Refuses what the client did not offer.
    pub(super) fn check(&self, subprotocols: &Offers, extensions: &Offers) -> Result<(), AcceptanceError> {
        // §4.2.2: "Either a single value representing the subprotocol the server is ready to use or null. The
        // value chosen MUST be derived from the client's handshake".
        if let Some(subprotocol) = &self.subprotocol
            && !subprotocols.has(subprotocol)
        {
            return Err(AcceptanceError::SubprotocolNotOffered {
                subprotocol: excerpt(subprotocol.as_bytes()),
            });
        }
        // §4.2.2, on extensions: "the value MUST be derived from the client's handshake".
        if let Some(extension) = self.extensions.iter().find(|have| !extensions.has_name_of(have)) {
            return Err(AcceptanceError::ExtensionNotOffered {
                extension: excerpt(extension.as_bytes()),
            });
        }
        Ok(())
    }

    /// Tells the fields of the response that are the server's choice.
    pub(super) fn answer(&self, mut field: impl FnMut(&str, &[u8])) {
        if let Some(subprotocol) = &self.subprotocol {
            field("Sec-WebSocket-Protocol", subprotocol.as_bytes());
        }
        if !self.extensions.is_empty() {
            field("Sec-WebSocket-Extensions", self.extensions.as_bytes());
        }
        for (name, value) in self.fields.iter() {
            field(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acceptance_injects_nothing() {
        for subprotocol in ["", "a,b", "a b", "a\r\nb: c"] {
            assert!(
                Acceptance::new().subprotocol(subprotocol).is_err(),
                "{subprotocol:?}"
            );
        }
        for extension in ["", ";a", "a, b", "a\r\nb: c", "ä", "a b"] {
            assert!(Acceptance::new().extension(extension).is_err(), "{extension:?}");
        }
        let fields = [
            "upgrade",
            "Connection",
            "Sec-WebSocket-Accept",
            "sec-websocket-protocol",
            "Content-Length",
            "a\r\nb",
            "",
        ];
        for name in fields {
            assert!(Acceptance::new().field(name, "x").is_err(), "{name:?}");
        }
        assert!(Acceptance::new().field("a", "b\r\nc: d").is_err());
    }
}
