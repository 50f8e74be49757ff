use std::fmt;
use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use subtle::{Choice, ConstantTimeEq as _};
use tidewire_proto::handshake::{InvalidField, Request};
use url::Url;

/// A user and a password. `Debug` shows the user alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    /// For a client that shows them.
    ///
    /// # Errors
    /// [`InvalidField::Credentials`] for a name with a colon, and for control characters in either (RFC 7617 §2).
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Result<Self, InvalidField> {
        let (user, password) = (user.into(), password.into());
        let wrong = user.bytes().find(|byte| *byte == b':');
        let mut all = user.bytes().chain(password.bytes());
        match wrong.or_else(|| all.find(u8::is_ascii_control)) {
            Some(byte) => Err(InvalidField::Credentials { byte }),
            None => Ok(Self { user, password }),
        }
    }

    /// Those that a URL names, decoded; `None` where it names none.
    pub(crate) fn of_url(url: &Url) -> Result<Option<Self>, InvalidField> {
        if url.username().is_empty() && url.password().is_none() {
            return Ok(None);
        }
        let decoded = |part: &str| {
            let bytes: Vec<u8> = percent_decode_str(part).collect();
            String::from_utf8(bytes).map_err(|error| InvalidField::Credentials {
                byte: *error
                    .as_bytes()
                    .get(error.utf8_error().valid_up_to())
                    .unwrap_or(&0),
            })
        };
        let password = decoded(url.password().unwrap_or_default())?;
        Self::new(decoded(url.username())?, password).map(Some)
    }

    /// Those of a request's `Authorization`; `None` where it has none, several, or one of another scheme.
    pub fn of(request: &Request) -> Option<Self> {
        let mut fields = request.fields().all("authorization");
        let (Some(value), None) = (fields.next(), fields.next()) else {
            return None;
        };
        let (scheme, encoded) = str::from_utf8(value).ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = STANDARD.decode(encoded.trim_start_matches(' ')).ok()?;
        // RFC 7617 §2: the first colon ends the user's name.
        let (user, password) = str::from_utf8(&decoded).ok()?.split_once(':')?;
        Some(Self {
            user: user.into(),
            password: password.into(),
        })
    }

    /// The name of the user.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The value of the field that shows them.
    pub(crate) fn to_basic(&self) -> String {
        format!(
            "Basic {}",
            STANDARD.encode(format!("{}:{}", self.user, self.password))
        )
    }

    /// Whether both are the same, in a time that depends on their lengths alone.
    pub(crate) fn ct_eq(&self, other: &Self) -> Choice {
        self.user.as_bytes().ct_eq(other.user.as_bytes())
            & self.password.as_bytes().ct_eq(other.password.as_bytes())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use tidewire_proto::handshake::Fields;

    use super::*;

    pub(crate) fn request(authorization: &[&str]) -> Request {
        let mut fields = Fields::new();
        for value in authorization {
            fields.push("Authorization", value).expect("a value");
        }
        Request::new("GET", "/", fields).expect("a request")
    }

    #[test]
    fn credentials_are_read_as_they_were_written() {
        for (value, user, password) in [
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"),
            ("bASIC  dGVzdDoxMjPCow==", "test", "123£"),
            ("Basic YTpiOmM=", "a", "b:c"),
            ("Basic Og==", "", ""),
        ] {
            let who = Credentials::of(&request(&[value])).expect(value);
            assert_eq!((who.user(), who.password()), (user, password), "{value}");
            assert!(
                password.is_empty() || !format!("{who:?}").contains(password),
                "{who:?}"
            );
        }
    }

    #[test]
    fn what_are_no_credentials_are_none() {
        for values in [
            &[][..],
            &["Basic YTpi", "Basic YTpi"],
            &["Bearer YTpi"],
            &["Basic"],
            &["Basic YTpi!"],
            &["Basic YWI="],
            &["Basic gDpi"],
        ] {
            assert!(Credentials::of(&request(values)).is_none(), "{values:?}");
        }
    }

    #[test]
    fn what_is_shown_is_read_again() {
        for (user, password) in [("Aladdin", "open sesame"), ("", ""), ("ä", "a:b")] {
            let who = Credentials::new(user, password).expect(user);
            assert_eq!(Credentials::of(&request(&[&who.to_basic()])), Some(who));
        }
        for (user, password, byte) in [("a:b", "", b':'), ("a\n", "", b'\n'), ("a", "\0", 0)] {
            let refused = Credentials::new(user, password).expect_err(user);
            assert_eq!(refused, InvalidField::Credentials { byte });
        }
    }
}
