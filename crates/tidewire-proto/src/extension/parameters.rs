use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::handshake::{InvalidField, check_token, trim_text, unquote};

/// The parameters of an extension in one offer or one answer, in their order (§9.1).
///
/// `Display` writes them as they stand behind the name.
///
/// ```
/// use tidewire_proto::extension::Parameters;
/// use tidewire_proto::handshake::InvalidField;
///
/// let parameters = Parameters::new().with("bits", "32")?.with("strict", None)?;
/// assert_eq!(parameters.to_string(), "; bits=32; strict");
/// assert!(parameters.iter().eq([("bits", Some("32")), ("strict", None)]));
/// assert!(Parameters::new().with("a, b", None).is_err());
/// # Ok::<(), InvalidField>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, Option<String>)>);

impl Parameters {
    /// No parameters.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a parameter, behind the others.
    ///
    /// # Errors
    /// [`InvalidField::Extension`] where the name or the value is no token.
    pub fn with<'v>(mut self, name: &str, value: impl Into<Option<&'v str>>) -> Result<Self, InvalidField> {
        let value = value.into();
        for token in [Some(name), value].into_iter().flatten() {
            check_token(token).map_err(|byte| InvalidField::Extension { byte })?;
        }
        self.0.push((name.into(), value.map(String::from)));
        Ok(self)
    }

    /// Each name, with its value if it has one. A peer may send a name twice.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(name, value)| (&**name, value.as_deref()))
    }

    /// Reads one element of `Sec-WebSocket-Extensions` behind its name; `None` where that breaks the grammar.
    pub(crate) fn parse(extension: &str) -> Option<Self> {
        // No semicolon stands within quotes: the value "after quoted-string unescaping MUST conform to the 'token' ABNF".
        let elements = extension.split(';').skip(1).map(trim_text);
        elements
            .map(|element| match element.split_once('=') {
                Some((name, value)) => (trim_text(name), Some(trim_text(value))),
                None => (element, None),
            })
            .try_fold(Self::new(), |parameters, (name, value)| match value {
                None => parameters.with(name, None).ok(),
                Some(value) => parameters.with(name, &*unquote(value)?).ok(),
            })
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|(name, value)| match value {
            None => write!(f, "; {name}"),
            Some(value) => write!(f, "; {name}={value}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn what_the_grammar_allows_is_read_and_written_in_its_shortest_form() {
        let table = [
            ("x", Some("")),
            ("x \t", Some("")),
            ("x;a", Some("; a")),
            ("x ; a ;\tb", Some("; a; b")),
            ("x; a=1; a=\"2\"", Some("; a=1; a=2")),
            ("x; a =\t\"\\1\\0\" ", Some("; a=10")),
            ("x;", None),
            ("x; =1", None),
            ("x; a=", None),
            ("x; a=\"\"", None),
            ("x; a=\"1", None),
            ("x; a=\"1 2\"", None),
            ("x; a=1=2", None),
            ("x; a b", None),
        ];
        for (extension, written) in table {
            let parsed = Parameters::parse(extension).map(|parameters| parameters.to_string());
            assert_eq!(parsed.as_deref(), written, "{extension}");
        }
    }
}
