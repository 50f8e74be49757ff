use core::fmt;
use core::mem;

use super::context::{Takeover, WindowBits};
use super::parameter_error::ParameterError;
use crate::handshake::{excerpt, trim_text, unquote};

/// The extension's name in `Sec-WebSocket-Extensions`.
pub(crate) const NAME: &str = "permessage-deflate";

pub(super) const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
pub(super) const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
pub(super) const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
pub(super) const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";

/// The parameters of permessage-deflate as they stand in one offer or one answer (RFC 7692 §7.1).
///
/// They come from a peer, through [`parse`](Self::parse), or from [`Contexts::offer`](super::Contexts::offer) and
/// [`Contexts::answer`](super::Contexts::answer). The default has none of them. `Display` writes the element of
/// `Sec-WebSocket-Extensions`.
///
/// ```
/// use tidewire_proto::deflate::{ParameterError, Parameters, WindowBits};
///
/// let offer = Parameters::parse("permessage-deflate ;server_max_window_bits=\"10\"; client_max_window_bits")?;
/// assert_eq!(offer.server_max_window_bits(), WindowBits::new(10));
/// assert_eq!(
///     offer.to_string(),
///     "permessage-deflate; server_max_window_bits=10; client_max_window_bits"
/// );
/// # Ok::<(), ParameterError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Parameters {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<WindowBits>,
    pub(super) client_max_window_bits: ClientMaxWindowBits,
}

/// The parameter `client_max_window_bits`, the only one whose value may be left out (RFC 7692 §7.1.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClientMaxWindowBits {
    /// It is not there: the client's window is not to be limited.
    #[default]
    Absent,
    /// It is there alone: the client lets the server choose. Only an offer may say so.
    WithoutValue,
    /// It names a window.
    Value(WindowBits),
}

impl Parameters {
    /// Reads one element of `Sec-WebSocket-Extensions`, an offer or an answer.
    ///
    /// White space is allowed around `;` and `=`, and values may be quoted.
    ///
    /// # Errors
    ///
    /// When the extension is another, or a parameter is unknown, repeated, or has another value than it may have
    /// in an offer. A server is to pass over such an offer, a client to fail.
    pub fn parse(extension: &str) -> Result<Self, ParameterError> {
        // No semicolon stands within quotes, where only a token may be (RFC 6455 §9.1).
        let mut elements = extension.split(';').map(trim_text);
        if elements.next() != Some(NAME) {
            return Err(ParameterError::OtherExtension {
                extension: excerpt(extension.as_bytes()),
            });
        }
        // §7: "A server MUST decline an extension negotiation offer for this extension if any of the following
        // conditions are met", and a client "MUST _Fail the WebSocket Connection_" on such an answer: "an
        // extension parameter not defined for use in an offer", "an extension parameter with an invalid value",
        // "multiple extension parameters with the same name".
        let mut parameters = Self::default();
        for element in elements {
            parameters.add(element)?;
        }
        Ok(parameters)
    }

    /// Whether the server's messages are to stand alone (§7.1.1.1).
    pub const fn server_no_context_takeover(self) -> bool {
        self.server_no_context_takeover
    }

    /// Whether the client's messages are to stand alone (§7.1.1.2); in an offer, whether they will.
    pub const fn client_no_context_takeover(self) -> bool {
        self.client_no_context_takeover
    }

    /// The limit of the server's window (§7.1.2.1).
    pub const fn server_max_window_bits(self) -> Option<WindowBits> {
        self.server_max_window_bits
    }

    /// The limit of the client's window (§7.1.2.2).
    pub const fn client_max_window_bits(self) -> ClientMaxWindowBits {
        self.client_max_window_bits
    }

    pub(super) const fn server_takeover(self) -> Takeover {
        if self.server_no_context_takeover {
            Takeover::Forbidden
        } else {
            Takeover::Allowed
        }
    }

    pub(super) const fn client_takeover(self) -> Takeover {
        if self.client_no_context_takeover {
            Takeover::Forbidden
        } else {
            Takeover::Allowed
        }
    }

    fn add(&mut self, element: &str) -> Result<(), ParameterError> {
        let (name, value) = match element.split_once('=') {
            Some((name, value)) => (trim_text(name), Some(trim_text(value))),
            None => (element, None),
        };
        match name {
            SERVER_NO_CONTEXT_TAKEOVER => {
                set(
                    &mut self.server_no_context_takeover,
                    SERVER_NO_CONTEXT_TAKEOVER,
                    value,
                )?;
            }
            CLIENT_NO_CONTEXT_TAKEOVER => {
                set(
                    &mut self.client_no_context_takeover,
                    CLIENT_NO_CONTEXT_TAKEOVER,
                    value,
                )?;
            }
            SERVER_MAX_WINDOW_BITS => {
                let parameter = SERVER_MAX_WINDOW_BITS;
                let bits = window_bits(parameter, value.unwrap_or_default())?;
                if self.server_max_window_bits.replace(bits).is_some() {
                    return Err(ParameterError::Repeated { parameter });
                }
            }
            CLIENT_MAX_WINDOW_BITS => {
                let parameter = CLIENT_MAX_WINDOW_BITS;
                let limit = match value {
                    None => ClientMaxWindowBits::WithoutValue,
                    Some(value) => ClientMaxWindowBits::Value(window_bits(parameter, value)?),
                };
                if mem::replace(&mut self.client_max_window_bits, limit) != ClientMaxWindowBits::Absent {
                    return Err(ParameterError::Repeated { parameter });
                }
            }
            "" => return Err(ParameterError::MissingName),
            unknown => {
                return Err(ParameterError::Unknown {
                    parameter: excerpt(unknown.as_bytes()),
                });
            }
        }
        Ok(())
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        if self.server_no_context_takeover {
            write!(f, "; {SERVER_NO_CONTEXT_TAKEOVER}")?;
        }
        if self.client_no_context_takeover {
            write!(f, "; {CLIENT_NO_CONTEXT_TAKEOVER}")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(f, "; {SERVER_MAX_WINDOW_BITS}={bits}")?;
        }
        match self.client_max_window_bits {
            ClientMaxWindowBits::Absent => Ok(()),
            ClientMaxWindowBits::WithoutValue => write!(f, "; {CLIENT_MAX_WINDOW_BITS}"),
            ClientMaxWindowBits::Value(bits) => write!(f, "; {CLIENT_MAX_WINDOW_BITS}={bits}"),
        }
    }
}

/// §7.1.1.1 and §7.1.1.2: "This extension parameter has no value."
fn set(is_there: &mut bool, parameter: &'static str, value: Option<&str>) -> Result<(), ParameterError> {
    if value.is_some() {
        return Err(ParameterError::UnexpectedValue { parameter });
    }
    if mem::replace(is_there, true) {
        return Err(ParameterError::Repeated { parameter });
    }
    Ok(())
}

/// §7.1.2.1 and §7.1.2.2: "a decimal integer value without leading zeroes between 8 to 15, inclusive".
fn window_bits(parameter: &'static str, value: &str) -> Result<WindowBits, ParameterError> {
    if value.is_empty() {
        return Err(ParameterError::MissingValue { parameter });
    }
    let unquoted = unquote(value);
    let number = unquoted.as_deref().filter(|text| {
        // `parse` alone would take a sign and zeroes.
        text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
    });
    number
        .and_then(|text| text.parse().ok())
        .and_then(WindowBits::new)
        .ok_or_else(|| ParameterError::InvalidValue {
            parameter,
            value: excerpt(unquoted.as_deref().unwrap_or(value).as_bytes()),
        })
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn what_the_grammar_allows_is_read_and_written_in_its_shortest_form() {
        let table = [
            ("", ""),
            ("  \t", ""),
            ("; server_no_context_takeover", "; server_no_context_takeover"),
            ("\t;\tclient_no_context_takeover ", "; client_no_context_takeover"),
            ("; server_max_window_bits=8", "; server_max_window_bits=8"),
            ("; server_max_window_bits=15", "; server_max_window_bits=15"),
            ("; server_max_window_bits=\"10\"", "; server_max_window_bits=10"),
            (
                "; server_max_window_bits=\"\\1\\0\"",
                "; server_max_window_bits=10",
            ),
            (";server_max_window_bits =\t\"9\" ", "; server_max_window_bits=9"),
            ("; client_max_window_bits", "; client_max_window_bits"),
            ("; client_max_window_bits=9", "; client_max_window_bits=9"),
            ("; client_max_window_bits=\"15\"", "; client_max_window_bits=15"),
            (
                ";client_max_window_bits;server_max_window_bits=12;client_no_context_takeover;server_no_context_takeover",
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; \
                client_max_window_bits",
            ),
        ];
        for (given, written) in table {
            let parsed = Parameters::parse(&format!("permessage-deflate{given}"));
            let expected = format!("permessage-deflate{written}");
            assert_eq!(
                parsed.map(|parameters| parameters.to_string()),
                Ok(expected),
                "{given:?}"
            );
        }
    }

    #[test]
    fn every_broken_rule_is_named() {
        const SERVER: &str = "parameter server_max_window_bits";
        const CLIENT: &str = "parameter client_max_window_bits";
        let table = [
            ("", "extension  is not permessage-deflate".into()),
            (
                "Permessage-Deflate",
                "extension Permessage-Deflate is not permessage-deflate".into(),
            ),
            (
                "x; permessage-deflate",
                "extension x; permessage-deflate is not permessage-deflate".into(),
            ),
            (
                "permessage-deflate;",
                "parameter of permessage-deflate has no name".into(),
            ),
            (
                "permessage-deflate;; x",
                "parameter of permessage-deflate has no name".into(),
            ),
            (
                "permessage-deflate; =9",
                "parameter of permessage-deflate has no name".into(),
            ),
            (
                "permessage-deflate; x=1",
                "permessage-deflate has no parameter x".into(),
            ),
            (
                "permessage-deflate; \0\n",
                "permessage-deflate has no parameter \\x00\\n".into(),
            ),
            (
                "permessage-deflate; Server_max_window_bits=9",
                "permessage-deflate has no parameter Server_max_window_bits".into(),
            ),
            (
                "permessage-deflate; server_no_context_takeover=1",
                "parameter server_no_context_takeover has a value: none is allowed".into(),
            ),
            (
                "permessage-deflate; client_no_context_takeover=",
                "parameter client_no_context_takeover has a value: none is allowed".into(),
            ),
            (
                "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
                "parameter server_no_context_takeover is repeated: at most one is allowed".into(),
            ),
            (
                "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
                "parameter client_no_context_takeover is repeated: at most one is allowed".into(),
            ),
            (
                "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
                format!("{SERVER} is repeated: at most one is allowed"),
            ),
            (
                "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
                format!("{CLIENT} is repeated: at most one is allowed"),
            ),
            (
                "permessage-deflate; server_max_window_bits",
                format!("{SERVER} has no value: 8 to 15 is required"),
            ),
            (
                "permessage-deflate; server_max_window_bits=",
                format!("{SERVER} has no value: 8 to 15 is required"),
            ),
            (
                "permessage-deflate; client_max_window_bits= ",
                format!("{CLIENT} has no value: 8 to 15 is required"),
            ),
        ];
        for (extension, text) in table {
            let parsed = Parameters::parse(extension).map_err(|error| error.to_string());
            assert_eq!(parsed, Err(text), "{extension:?}");
        }
    }

    #[test]
    fn a_window_is_a_number_of_8_to_15_in_its_shortest_form() {
        let values = [
            ("7", "7"),
            ("16", "16"),
            ("08", "08"),
            ("\"08\"", "08"),
            ("\"\"", ""),
            ("+9", "+9"),
            ("-9", "-9"),
            ("0", "0"),
            ("9.", "9."),
            ("0x9", "0x9"),
            ("1 0", "1 0"),
            ("\"9 \"", "9 "),
            ("256", "256"),
            ("264", "264"),
            ("=9", "=9"),
            ("'9'", "\\'9\\'"),
            ("\"9", "\\\"9"),
            ("9\"", "9\\\""),
            ("\"", "\\\""),
            ("\"9\\\"", "\\\"9\\\\\\\""),
            ("\"1\"0\"", "\\\"1\\\"0\\\""),
            ("٩", "\\xd9\\xa9"),
        ];
        for (value, shown) in values {
            for parameter in [SERVER_MAX_WINDOW_BITS, CLIENT_MAX_WINDOW_BITS] {
                let parsed = Parameters::parse(&format!("permessage-deflate; {parameter}={value}"));
                let text =
                    format!("parameter {parameter} is {shown}: 8 to 15 without leading zeroes is required");
                assert_eq!(
                    parsed.map_err(|error| error.to_string()),
                    Err(text),
                    "{parameter} {value:?}"
                );
            }
        }
    }

    #[test]
    fn a_long_name_is_cut_in_the_error() {
        let extension = format!("permessage-deflate; {}", "x".repeat(1000));
        let shown = Parameters::parse(&extension).map_err(|error| error.to_string().len() < 150);
        assert_eq!(shown, Err(true));
    }
}
