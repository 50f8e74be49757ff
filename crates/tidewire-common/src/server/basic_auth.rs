use std::fmt;
use std::sync::Arc;

use subtle::Choice;
use tidewire_proto::handshake::{InvalidField, Request, Response};

use crate::credentials::Credentials;

/// Lets in only who names a user and the password (RFC 7617); others are refused with 401 and the challenge.
///
/// Both are sent in the clear with each handshake: use TLS.
///
/// ```
/// # use tidewire_common::BasicAuth;
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
    /// As for [`new`](Self::new), and for a user or a password that no client can show.
    pub fn fixed<U: Into<String>, P: Into<String>>(
        realm: &str,
        users: impl IntoIterator<Item = (U, P)>,
    ) -> Result<Self, InvalidField> {
        let users: Vec<Credentials> = users
            .into_iter()
            .map(|(user, password)| Credentials::new(user, password))
            .collect::<Result<_, _>>()?;
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
            .map(|who| who.user().to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::tests::request;

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
