use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tidewire_proto::deflate::{self, Parameters};
use tidewire_proto::extension::{self, Extension};
use tidewire_proto::handshake::{Acceptance, Fields, InvalidField, Request, Response, Upgrade};

use super::basic_auth::BasicAuth;
use super::origins::Origins;
use super::refusal::Refusal;
use super::routes::Routes;
use crate::deflate::Deflate;
use crate::extension::{Claim, Known};

/// What a server wants of those who connect, and what it tells them. Cheap to clone.
///
/// A request is judged in this order: [`on_request`](Self::on_request) may answer it, then the
/// [credentials](Self::basic_auth) are checked (401), the path where the server has a router (404), the rules of the upgrade
/// (400, 405, 426, 505), the [origin](Self::origins) (403), and a [subprotocol](Self::subprotocols) is chosen (400).
/// [`on_answer`](Self::on_answer) sees what came of it. A function of the application's that panics is answered with 500.
///
/// ```
/// # use tidewire_common::{BasicAuth, Origins, ServerPolicy};
/// let policy = ServerPolicy::default()
///     .origins(Origins::new(["https://example.com"])?.or_none())
///     .basic_auth(BasicAuth::fixed("chat", [("ada", "correct horse")])?)
///     .subprotocols(["chat.v2", "chat.v1"])?
///     .field("Server", "chat/2.1")?;
/// # let _ = policy;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct ServerPolicy(Arc<Terms>);

#[derive(Clone, Default)]
struct Terms {
    on_request: Option<Arc<OnRequest>>,
    basic_auth: Option<BasicAuth>,
    origins: Option<Origins>,
    subprotocols: Vec<String>,
    choose: Option<Arc<Choose>>,
    extension: Option<Known>,
    deflate: Option<Deflate>,
    fields: Fields,
    on_answer: Option<Arc<OnAnswer>>,
}

type OnRequest = dyn Fn(&Request) -> Option<Response> + Send + Sync;
type Choose = dyn Fn(&Request, &[&str]) -> Result<Option<String>, Response> + Send + Sync;
type OnAnswer = dyn Fn(&Request, Answer) -> Answer + Send + Sync;

/// Why there is no connection where the application has its own answer.
const ANSWERED: &str = "answered by the application";

/// Why there is none for whoever is not known.
const NO_CREDENTIALS: &str = "no credentials, or wrong ones";

/// What an adapter has asked the application about a request, before it is judged.
#[derive(Debug)]
pub enum Asked {
    /// Nothing, or it left the answer to the policy.
    Nothing,
    /// The application has an answer of its own.
    Answered(Response),
    /// The credentials, after the policy's `on_request`; they are this user's.
    User(String),
    /// The same, and they are nobody's; with the challenge.
    Nobody(Response),
}

/// What a request is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The upgrade, with these fields beside those of the handshake.
    Accept(Fields),
    /// Anything else: a refusal, a page.
    Respond(Response),
}

/// The terms of a connection.
pub(super) struct Accepted {
    pub(super) upgrade: Upgrade,
    pub(super) acceptance: Acceptance,
    pub(super) subprotocol: Option<String>,
    /// What was answered, and what is then done.
    pub(super) extension: Option<(String, Claim)>,
    pub(super) deflate: Option<(Parameters, deflate::Extension)>,
    pub(super) user: Option<String>,
}

impl ServerPolicy {
    /// Lets `answer` see each request first, which may answer it in place of an upgrade: a health check, a page.
    ///
    /// In a server on threads it may wait for something; on tokio that is for the `on_request` of the server itself.
    pub fn on_request(self, answer: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static) -> Self {
        self.with(|terms| terms.on_request = Some(Arc::new(answer)))
    }

    /// Wants a user and a password (RFC 7617); [`Handshake::user`](crate::Handshake::user) tells who it is. A check that takes
    /// time is, on tokio, for the `basic_auth` of the server itself.
    pub fn basic_auth(self, auth: BasicAuth) -> Self {
        self.with(|terms| terms.basic_auth = Some(auth))
    }

    /// Lets in pages of these origins alone, all others are refused with 403. By default every page on the web may connect.
    pub fn origins(self, origins: Origins) -> Self {
        self.with(|terms| terms.origins = Some(origins))
    }

    /// Offers these subprotocols, the favourite first; a client that offers none of them is refused with 400.
    ///
    /// # Errors
    /// [`InvalidField`] for one that is no token.
    pub fn subprotocols<T: Into<String>>(
        self,
        subprotocols: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidField> {
        let subprotocols: Vec<String> = subprotocols.into_iter().map(Into::into).collect();
        for subprotocol in &subprotocols {
            Acceptance::new().subprotocol(subprotocol)?;
        }
        Ok(self.with(|terms| terms.subprotocols = subprotocols))
    }

    /// Has `choose` pick one of the subprotocols that a client offers, its favourite first, or none, or refuse; in place of
    /// [`subprotocols`](Self::subprotocols). One that was not offered is an error of the server's, with status 500.
    pub fn choose_subprotocol(
        self,
        choose: impl Fn(&Request, &[&str]) -> Result<Option<String>, Response> + Send + Sync + 'static,
    ) -> Self {
        self.with(|terms| terms.choose = Some(Arc::new(choose)))
    }

    /// Knows an [extension](tidewire_proto::extension), in place of one known before; clients that offer it get it. Where
    /// it claims the first reserved bit, they go without [compression](Self::deflate).
    ///
    /// # Errors
    /// [`InvalidField`] where its name is no token.
    pub fn extension(self, extension: impl Extension + 'static) -> Result<Self, InvalidField> {
        // Both are tokens.
        extension::Parameters::new().with(extension.name(), None)?;
        Ok(self.with(|terms| terms.extension = Some(Known::new(extension))))
    }

    /// Compresses messages with clients that offer it.
    pub fn deflate(self, deflate: Deflate) -> Self {
        self.with(|terms| terms.deflate = Some(deflate))
    }

    /// Adds a header field to every answer that has none of this name, `Server` for example; nothing is added by default.
    ///
    /// # Errors
    /// [`InvalidField`] for what may not stand in a header, and for the fields of the handshake itself.
    pub fn field(self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, InvalidField> {
        Acceptance::new().field(name, value.as_ref())?;
        let mut fields = self.0.fields.clone();
        fields.push(name, value)?;
        Ok(self.with(|terms| terms.fields = fields))
    }

    /// Lets `change` see the answer to each request, which may add fields to it, a cookie for example, or put a response in
    /// its place. (An upgrade in the place of a refusal is an error of the server's, with status 500.)
    pub fn on_answer(self, change: impl Fn(&Request, Answer) -> Answer + Send + Sync + 'static) -> Self {
        self.with(|terms| terms.on_answer = Some(Arc::new(change)))
    }

    fn with(mut self, change: impl FnOnce(&mut Terms)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// What `on_request` says.
    pub(super) fn first(&self, request: &Request) -> Option<Response> {
        self.0.on_request.as_ref()?(request)
    }

    /// Judges a request about which the application may have been asked before, and which takes one of the routes if there
    /// are any. Where a function of the application's panics, that is an error of the server's.
    pub(super) fn judge(
        &self,
        request: &Request,
        asked: Asked,
        routes: Option<&Routes>,
    ) -> Result<Accepted, Refusal> {
        // Nothing of ours is left half-changed: each request is judged by itself.
        catch_unwind(AssertUnwindSafe(|| {
            self.judge_unless_panicking(request, asked, routes)
        }))
        .unwrap_or_else(|_| Err(Refusal::internal("a function of the application panicked")))
        .map_err(|refusal| self.dress(refusal))
    }

    fn judge_unless_panicking(
        &self,
        request: &Request,
        asked: Asked,
        routes: Option<&Routes>,
    ) -> Result<Accepted, Refusal> {
        let accepted = self.let_in(request, asked).and_then(|user| {
            if routes.is_some_and(|routes| routes.find(request).is_none()) {
                return Err(Refusal::new(404, "no such path"));
            }
            self.0.accept(request, user)
        });
        let (answer, terms) = match accepted {
            Ok(accepted) => (Answer::Accept(Fields::new()), Ok(accepted)),
            Err(Refusal { response, reason }) => (Answer::Respond(response), Err(reason)),
        };
        let answer = match &self.0.on_answer {
            Some(change) => change(request, answer),
            None => answer,
        };
        match (answer, terms) {
            (Answer::Accept(fields), Ok(accepted)) => accepted
                .with(&fields, &self.0.fields)
                .map_err(|_| Refusal::internal("a field that may not stand in an answer")),
            (Answer::Accept(_), Err(_)) => Err(Refusal::internal("an upgrade in place of a refusal")),
            (Answer::Respond(response), Err(reason)) if reason.is_told_by(&response) => {
                Err(Refusal { response, reason })
            }
            (Answer::Respond(response), _) => Err(Refusal::by_policy(response, ANSWERED)),
        }
    }

    /// The user who sent this request, where one is wanted.
    fn let_in(&self, request: &Request, asked: Asked) -> Result<Option<String>, Refusal> {
        let refuse = |challenge| Refusal::by_policy(challenge, NO_CREDENTIALS);
        match asked {
            Asked::Nothing => match (self.first(request), &self.0.basic_auth) {
                (Some(response), _) => Err(Refusal::by_policy(response, ANSWERED)),
                (None, Some(auth)) => auth.judge(request).map(Some).map_err(refuse),
                (None, None) => Ok(None),
            },
            Asked::Answered(response) => Err(Refusal::by_policy(response, ANSWERED)),
            Asked::User(user) => Ok(Some(user)),
            Asked::Nobody(challenge) => Err(refuse(challenge)),
        }
    }

    /// Adds the fields that every answer has, but for those that this one has already.
    pub(super) fn dress(&self, refusal: Refusal) -> Refusal {
        let mut response = refusal.response;
        for (name, value) in self.0.fields.iter() {
            if response.fields().first(name).is_none()
                // All may stand there, as was seen when they were set.
                && let Ok(dressed) = response.clone().field(name, value)
            {
                response = dressed;
            }
        }
        Refusal { response, ..refusal }
    }
}

impl Terms {
    fn accept(&self, request: &Request, user: Option<String>) -> Result<Accepted, Refusal> {
        let upgrade = Upgrade::check(request)?;
        if self
            .origins
            .as_ref()
            .is_some_and(|origins| !origins.allow(request))
        {
            return Err(Refusal::new(403, "origin is not allowed"));
        }
        let subprotocol = self.choose(request, &upgrade)?;
        let extension = self.extension.as_ref().and_then(|ours| {
            let (answer, transform) = upgrade.extension(ours.get())?;
            Some((answer, (ours.get().bit(), transform)))
        });
        // RFC 7692 §5: not "together with another extension if the PMCE will conflict with the extension on their use of
        // the RSV1 bit".
        let is_rsv1_left = extension.is_none() || self.extension.as_ref().is_some_and(Known::leaves_rsv1);
        let deflate = self.deflate.as_ref().filter(|_| is_rsv1_left).and_then(|ours| {
            let (answer, agreed) = upgrade.deflate(ours.granted())?;
            Some((answer, ours.extension(agreed)))
        });
        let mut acceptance = Acceptance::new();
        if let Some(subprotocol) = &subprotocol {
            acceptance = acceptance
                .subprotocol(subprotocol)
                .map_err(|_| Refusal::internal("a subprotocol that is none"))?;
        }
        // The order is that of the work (§9.1).
        if let Some((answer, _)) = &extension {
            acceptance = acceptance
                .extension(answer)
                .map_err(|_| Refusal::internal("an extension that is none"))?;
        }
        if let Some((answer, _)) = &deflate {
            acceptance = acceptance.deflate(*answer);
        }
        Ok(Accepted {
            upgrade,
            acceptance,
            subprotocol,
            extension,
            deflate,
            user,
        })
    }

    /// The subprotocol of the connection: the server's favourite among those that the client offers.
    fn choose(&self, request: &Request, upgrade: &Upgrade) -> Result<Option<String>, Refusal> {
        if let Some(choose) = &self.choose {
            let offered: Vec<&str> = upgrade.subprotocols().collect();
            let chosen = choose(request, &offered)
                .map_err(|response| Refusal::by_policy(response, "no subprotocol was chosen"))?;
            return match chosen {
                Some(chosen) if !offered.contains(&chosen.as_str()) => {
                    Err(Refusal::internal("a subprotocol that was not offered"))
                }
                chosen => Ok(chosen),
            };
        }
        let is_offered = |ours: &&String| upgrade.subprotocols().any(|offer| offer == ours.as_str());
        match self.subprotocols.iter().find(is_offered) {
            None if !self.subprotocols.is_empty() => Err(Refusal::new(400, "no common subprotocol")),
            chosen => Ok(chosen.cloned()),
        }
    }
}

impl Accepted {
    /// Adds fields of this answer, and of those that every answer has the others.
    fn with(mut self, fields: &Fields, every: &Fields) -> Result<Self, InvalidField> {
        let others = every.iter().filter(|(name, _)| fields.first(name).is_none());
        for (name, value) in fields.iter().chain(others) {
            self.acceptance = self.acceptance.field(name, value)?;
        }
        Ok(self)
    }
}

impl fmt::Debug for ServerPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms = &*self.0;
        f.debug_struct("ServerPolicy")
            .field("on_request", &terms.on_request.is_some())
            .field("basic_auth", &terms.basic_auth)
            .field("origins", &terms.origins)
            .field("subprotocols", &terms.subprotocols)
            .field("choose_subprotocol", &terms.choose.is_some())
            .field("extension", &terms.extension)
            .field("deflate", &terms.deflate)
            .field("fields", &terms.fields)
            .field("on_answer", &terms.on_answer.is_some())
            .finish()
    }
}
