use std::fmt;
use std::str;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::{Choice, ConstantTimeEq as _};
use tidewire_proto::handshake::{InvalidField, Request, Response};

/// Lets in only who names a user and the password (RFC 7617); others are refused with 401 and the challenge.
///
/// Both are sent in the clear with each handshake: use TLS.
///
/// ```
/// use tidewire_common::BasicAuth;
///
/// let one = BasicAuth::fixed("chat", [("ada", "correct horse")])?;
/// let many = BasicAuth::new("chat", |who| who.user().starts_with("team-") && who.password().len() > 8)?;
/// # let _ = (one, many);
/// # Ok::<(), tidewire_proto::handshake::InvalidField>(())
/// ```
#[derive(Clone)]
pub struct BasicAuth {
    challenge: Challenge,
    is_right: Arc<dyn Fn(&Credentials) -> bool + Send + Sync>,
}

impl BasicAuth {
    /// Asks `is_right`; the realm is what browsers show of the place that asks.
    ///
    /// To compare passwords it should take as long for a wrong one as for the right one, as [`fixed`](Self::fixed) does. In
    /// a server on threads it may wait for something; on tokio that is for the `basic_auth` of the server itself.
    ///
    /// # Errors
    /// [`InvalidField`] for a realm with quotes, backslashes or control characters.
    pub fn new(
        realm: &str,
        is_right: impl Fn(&Credentials) -> bool + Send + Sync + 'static,
    ) -> Result<Self, InvalidField> {
        Ok(Self {
            challenge: Challenge::new(realm)?,
            is_right: Arc::new(is_right),
        })
    }

    /// Lets in these users, each with a password; how long the answer takes does not tell what was wrong.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn fixed<U: Into<String>, P: Into<String>>(
        realm: &str,
        users: impl IntoIterator<Item = (U, P)>,
    ) -> Result<Self, InvalidField> {
        let users: Vec<Credentials> = users
            .into_iter()
            .map(|(user, password)| Credentials {
                user: user.into(),
                password: password.into(),
            })
            .collect();
        Self::new(realm, move |who| {
            let found = users
                .iter()
                .fold(Choice::from(0), |found, user| found | user.ct_eq(who));
            found.into()
        })
    }

    /// The user who sent this request.
    ///
    /// # Errors
    /// The refusal with the challenge.
    pub(super) fn judge(&self, request: &Request) -> Result<String, Response> {
        Credentials::of(request)
            .filter(|who| (self.is_right)(who))
            .map(|who| who.user)
            .ok_or_else(|| self.challenge.response())
    }
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicAuth")
            .field("challenge", &self.challenge)
            .finish_non_exhaustive()
    }
}

/// What those are answered who are not let in: how they would be.
#[derive(Clone)]
pub struct Challenge(Response);

const CHALLENGE: &str = "WWW-Authenticate";

impl Challenge {
    /// Asks for a user and a password of this realm.
    ///
    /// # Errors
    /// [`InvalidField`] for a realm with quotes, backslashes or control characters.
    pub fn new(realm: &str) -> Result<Self, InvalidField> {
        if let Some(byte) = realm.bytes().find(|byte| b"\"\\".contains(byte)) {
            return Err(InvalidField::Value {
                name: CHALLENGE.into(),
                byte,
            });
        }
        let value = format!("Basic realm=\"{realm}\", charset=\"UTF-8\"");
        let response = Response::new(401)?.field(CHALLENGE, value)?;
        Ok(Self(response.body("a user and a password are needed\n")))
    }

    /// The refusal.
    pub fn response(&self) -> Response {
        self.0.clone()
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0.fields().first(CHALLENGE).unwrap_or_default();
        f.write_str(&value.escape_ascii().to_string())
    }
}

/// A user and a password. `Debug` shows the user alone.
#[derive(Clone)]
pub struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
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

    /// Whether both are the same, in a time that depends on their lengths alone.
    fn ct_eq(&self, other: &Self) -> Choice {
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
mod tests {
    use tidewire_proto::handshake::Fields;

    use super::*;

    fn request(authorization: &[&str]) -> Request {
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
    fn only_users_with_their_own_passwords_are_let_in() {
        let auth = BasicAuth::fixed("here", [("a", "1"), ("b", "22")]).expect("a realm");
        for (value, user) in [
            ("Basic YTox", Some("a")),
            ("Basic YjoyMg==", Some("b")),
            ("Basic YToyMg==", None),
        ] {
            let judged = auth.judge(&request(&[value]));
            assert_eq!(judged.as_deref().ok(), user, "{value}");
        }
        let refused = auth.judge(&request(&[])).expect_err("nobody");
        assert_eq!(refused.status(), 401);
        assert_eq!(
            refused.fields().first("www-authenticate"),
            Some(&b"Basic realm=\"here\", charset=\"UTF-8\""[..])
        );
    }

    #[test]
    fn a_realm_cannot_end_its_quotes() {
        for realm in ["a\"b", "a\\b", "a\r\nb"] {
            let users = [("a", "b")];
            assert!(BasicAuth::fixed(realm, users).is_err(), "{realm:?}");
        }
    }
}
