use alloc::string::String;
use core::error::Error;
use core::fmt;

/// How much of what a peer sent is repeated in errors and `Debug`.
const EXCERPT: usize = 64;

/// A host, target, field, subprotocol, extension or credential that may not be written.
///
/// Nothing was sent. The texts name the rule and the offending byte, never the value: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidField {
    /// The field name is empty, or has a byte that no token has.
    Name {
        /// The first byte that is wrong; `None` when the name is empty.
        byte: Option<u8>,
    },
    /// The field value has a control character.
    Value {
        /// The field's name.
        name: String,
        /// The control character.
        byte: u8,
    },
    /// The field belongs to the handshake or frames the message.
    Reserved {
        /// The field's name.
        name: String,
    },
    /// The host is empty, or has a byte that no authority without user info has.
    Host {
        /// The first byte that is wrong; `None` when the host is empty.
        byte: Option<u8>,
    },
    /// The method is empty, or has a byte that no token has.
    Method {
        /// The first byte that is wrong; `None` when the method is empty.
        byte: Option<u8>,
    },
    /// The target does not start with `/`, or is not visible ASCII without a fragment.
    Target {
        /// The first byte that is wrong; `None` when the target is empty.
        byte: Option<u8>,
    },
    /// The protocol of a `CONNECT` is empty, or has a byte that no token has.
    Protocol {
        /// The first byte that is wrong; `None` when the protocol is empty.
        byte: Option<u8>,
    },
    /// The subprotocol is empty, or has a byte that no token has.
    Subprotocol {
        /// The first byte that is wrong; `None` when the subprotocol is empty.
        byte: Option<u8>,
    },
    /// The subprotocol is in the list already.
    DuplicateSubprotocol,
    /// The extension does not start with a token, has a comma, or is not visible ASCII.
    Extension {
        /// The first byte that is wrong; `None` when the name is empty.
        byte: Option<u8>,
    },
    /// The origin is empty, or has a byte that is not visible ASCII.
    Origin {
        /// The first byte that is wrong; `None` when the origin is empty.
        byte: Option<u8>,
    },
    /// The cookie's name is no token, or its value has a byte that RFC 6265 §4.1.1 keeps out.
    Cookie {
        /// The first byte that is wrong; `None` when the name is empty.
        byte: Option<u8>,
    },
    /// The name of a user has a colon, or it or the password a control character (RFC 7617 §2).
    Credentials {
        /// The first byte that is wrong.
        byte: u8,
    },
    /// The bearer token is empty, or has a byte that RFC 6750 §2.1 keeps out.
    BearerToken {
        /// The first byte that is wrong; `None` when the token is empty.
        byte: Option<u8>,
    },
    /// The status is not that of a final response.
    Status {
        /// The status.
        status: u16,
    },
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, rule, byte) = match self {
            Self::Value { name, byte } => {
                return write!(
                    f,
                    "value of field {name} has byte {byte:#04x}: control characters are refused"
                );
            }
            Self::Reserved { name } => {
                return write!(f, "field {name} is written by the handshake alone");
            }
            Self::DuplicateSubprotocol => return f.write_str("subprotocol is offered twice"),
            Self::Status { status } => {
                return write!(
                    f,
                    "status {status} is outside the range of final responses, 200 to 599"
                );
            }
            Self::Credentials { byte } => {
                return write!(
                    f,
                    "credentials have byte {byte:#04x}: control characters, and colons in the name, are refused"
                );
            }
            Self::Name { byte } => ("field name", "a token is required", byte),
            Self::Origin { byte } => ("origin", "visible ASCII is required", byte),
            Self::Cookie { byte } => (
                "cookie",
                "a token as its name, and a value without spaces, quotes, commas, semicolons and backslashes is required",
                byte,
            ),
            Self::BearerToken { byte } => (
                "bearer token",
                "letters, digits and -._~+/ with = at the end are required",
                byte,
            ),
            Self::Host { byte } => ("host", "an authority without user info is required", byte),
            Self::Method { byte } => ("method", "a token is required", byte),
            Self::Target { byte } => (
                "request target",
                "visible ASCII that starts with / and has no # is required",
                byte,
            ),
            Self::Protocol { byte } => ("protocol", "a token is required", byte),
            Self::Subprotocol { byte } => ("subprotocol", "a token is required", byte),
            Self::Extension { byte } => (
                "extension",
                "one token with parameters in visible ASCII is required",
                byte,
            ),
        };
        match byte {
            Some(byte) => write!(f, "{what} has byte {byte:#04x}: {rule}"),
            None => write!(f, "{what} is empty: {rule}"),
        }
    }
}

impl Error for InvalidField {}

/// How a head breaks the syntax of HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// The first byte cannot start a head: the peer speaks another protocol, perhaps TLS.
    FirstByte(u8),
    /// The request line or status line has another form.
    StartLine,
    /// A line ended with LF alone.
    BareLineFeed,
    /// A CR was not followed by LF.
    BareCarriageReturn,
    /// A line has a control character.
    Control(u8),
    /// A field name has a byte that no token has, or no colon follows it.
    FieldName(u8),
    /// A line starts with white space: a field was folded over two lines.
    FoldedLine,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstByte(byte) => write!(f, "first byte {byte:#04x} does not start an HTTP/1.1 head"),
            Self::StartLine => f.write_str("first line is not that of an HTTP/1.1 head"),
            Self::BareLineFeed => f.write_str("line ended with LF alone: CRLF is required"),
            Self::BareCarriageReturn => f.write_str("CR stands alone: CRLF is required"),
            Self::Control(byte) => write!(f, "line has byte {byte:#04x}: control characters are refused"),
            Self::FieldName(byte) => write!(
                f,
                "field name has byte {byte:#04x}: a token and a colon are required"
            ),
            Self::FoldedLine => f.write_str("line starts with white space: folded fields are refused"),
        }
    }
}

impl Error for Malformed {}

/// An acceptance that cannot be written, mostly since it promises what the client did not offer; nothing was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptanceError {
    /// The client did not offer this subprotocol.
    SubprotocolNotOffered {
        /// The subprotocol, escaped and cut.
        subprotocol: String,
    },
    /// The client did not offer an extension of this name.
    ExtensionNotOffered {
        /// The extension, escaped and cut.
        extension: String,
    },
    /// The request came over HTTP/2, whose heads are no text.
    HttpVersion,
}

impl fmt::Display for AcceptanceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SubprotocolNotOffered { subprotocol } => {
                write!(f, "subprotocol {subprotocol} was accepted but not offered")
            }
            Self::ExtensionNotOffered { extension } => {
                write!(f, "extension {extension} was accepted but not offered")
            }
            Self::HttpVersion => f.write_str("head of a response over HTTP/2 is no text"),
        }
    }
}

impl Error for AcceptanceError {}

/// What a peer sent, fit for one line of a log: escaped and cut.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    use fmt::Write as _;

    let mut shown = String::new();
    let start = bytes.get(..EXCERPT).unwrap_or(bytes);
    // Writing to a `String` cannot go wrong.
    let _ = write!(shown, "{}", start.escape_ascii());
    if start.len() < bytes.len() {
        shown.push('…');
    }
    shown
}
