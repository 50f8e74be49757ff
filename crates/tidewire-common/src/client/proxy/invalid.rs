use tidewire_proto::handshake::InvalidField;

/// Why a proxy cannot be used as it is described. Texts show no user, password or value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidProxy {
    /// Its URL holds a control character or a space.
    #[error("proxy URL with a space or a control character")]
    Character,
    /// Its URL has no scheme.
    #[error("proxy URL without a scheme: http:// or socks5h:// is the usual one")]
    NoScheme,
    /// Its scheme is none of a proxy.
    #[error(
        "proxy URL with the scheme {scheme}: http, https, socks4, socks4a, socks5 or socks5h is required"
    )]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// Its URL cannot be read.
    #[error("proxy URL cannot be read: {0}")]
    Syntax(url::ParseError),
    /// Its URL has a path, a query or a fragment, which mean nothing; a `/`, `?` or `#` in a password is to be encoded.
    #[error(
        "proxy URL with a path, a query or a fragment: in a password, / ? and # are written %2F %3F and %23"
    )]
    Path,
    /// Its credentials may not be sent.
    #[error("proxy's {0}")]
    Credentials(InvalidField),
    /// Its user or password is longer than SOCKS can tell.
    #[error("proxy's {part} has {len} bytes: SOCKS allows {limit}")]
    TooLong {
        /// Which of the two.
        part: &'static str,
        /// Its length, in bytes.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// It has a password, where SOCKS4 knows only users.
    #[error("proxy has a password: SOCKS4 knows none")]
    Password,
    /// It has a password and no user, which SOCKS5 requires.
    #[error("proxy has a password and no user: SOCKS5 requires one")]
    User,
    /// A field of the request may not be sent.
    #[error("proxy's {0}")]
    Field(InvalidField),
    /// It has a field, where SOCKS knows none.
    #[error("proxy has a field: SOCKS knows none")]
    NoFields,
}

/// An environment variable that names a proxy which cannot be used.
///
/// Boxed, since what goes wrong with a handshake stands in the future of every one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("variable {}: {}", .0.name, .0.error)]
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
