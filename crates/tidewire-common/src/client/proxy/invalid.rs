use std::error::Error as StdError;
use std::fmt;

use tidewire_proto::handshake::InvalidField;

/// Why a proxy cannot be used as it is described. Texts show no user, password or value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidProxy {
    /// Its URL holds a control character or a space.
    Character,
    /// Its URL has no scheme.
    NoScheme,
    /// Its scheme is none of a proxy.
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// Its URL cannot be read.
    Syntax(url::ParseError),
    /// Its URL has a path, a query or a fragment, which mean nothing; a `/`, `?` or `#` in a password is to be encoded.
    Path,
    /// Its credentials may not be sent.
    Credentials(InvalidField),
    /// Its user or password is longer than SOCKS can tell.
    TooLong {
        /// Which of the two.
        part: &'static str,
        /// Its length, in bytes.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// It has a password, where SOCKS4 knows only users.
    Password,
    /// It has a password and no user, which SOCKS5 requires.
    User,
    /// A field of the request may not be sent.
    Field(InvalidField),
    /// It has a field, where SOCKS knows none.
    NoFields,
}

impl fmt::Display for InvalidProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character => f.write_str("proxy URL with a space or a control character"),
            Self::NoScheme => f.write_str("proxy URL without a scheme: http:// or socks5h:// is the usual one"),
            Self::Scheme { scheme } => write!(
                f,
                "proxy URL with the scheme {scheme}: http, https, socks4, socks4a, socks5 or socks5h is required"
            ),
            Self::Syntax(error) => write!(f, "proxy URL cannot be read: {error}"),
            Self::Path => f.write_str(
                "proxy URL with a path, a query or a fragment: in a password, / ? and # are written %2F %3F and %23",
            ),
            Self::TooLong { part, len, limit } => {
                write!(f, "proxy's {part} has {len} bytes: SOCKS allows {limit}")
            }
            Self::Password => f.write_str("proxy has a password: SOCKS4 knows none"),
            Self::User => f.write_str("proxy has a password and no user: SOCKS5 requires one"),
            Self::Credentials(error) | Self::Field(error) => write!(f, "proxy's {error}"),
            Self::NoFields => f.write_str("proxy has a field: SOCKS knows none"),
        }
    }
}

impl StdError for InvalidProxy {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Syntax(error) => Some(error),
            Self::Credentials(error) | Self::Field(error) => Some(error),
            Self::Character
            | Self::NoScheme
            | Self::Scheme { .. }
            | Self::Path
            | Self::TooLong { .. }
            | Self::Password
            | Self::User
            | Self::NoFields => None,
        }
    }
}

/// An environment variable that names a proxy which cannot be used.
///
/// Boxed, since what goes wrong with a handshake stands in the future of every one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidVariable(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    name: String,
    error: InvalidProxy,
}

impl InvalidVariable {
    pub(super) fn new(name: &str, error: InvalidProxy) -> Self {
        let name = name.to_owned();
        Self(Box::new(Inner { name, error }))
    }

    /// The variable's name, as it is written in the environment.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What is wrong with its value.
    pub fn error(&self) -> &InvalidProxy {
        &self.0.error
    }
}

impl fmt::Display for InvalidVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "variable {}: {}", self.0.name, self.0.error)
    }
}

impl StdError for InvalidVariable {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0.error)
    }
}
