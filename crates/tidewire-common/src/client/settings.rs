use std::fmt;

use tidewire_proto::extension::Extension;
use tidewire_proto::handshake::{ClientRequest, InvalidField};

use super::dial::{Destination, SocketOptions};
use super::proxy::ProxyChoice;
use super::target::Target;
use super::trace::Trace;
use crate::ClientTls;
use crate::credentials::Credentials;
use crate::deflate::Deflate;
use crate::extension::Known;

const AUTHORIZATION: &str = "Authorization";
const COOKIE: &str = "Cookie";
const USER_AGENT: &str = "User-Agent";
/// What a client says it is where nothing else is set.
const PROGRAM: &str = concat!("tidewire/", env!("CARGO_PKG_VERSION"));

/// What an application asks of its connections, beside the [`Config`](crate::Config).
///
/// An adapter's `Connect` holds it, and shows what can be set through [`connect_settings!`](crate::connect_settings).
/// Nothing is checked before a [`Journey`](super::Journey) begins. `Debug` leaves out what may be secret.
#[derive(Clone)]
pub struct ClientSettings {
    /// Where it leads.
    pub url: String,
    /// The subprotocols that are offered, the favourite first.
    pub subprotocols: Vec<String>,
    /// Header fields of the application's own.
    pub fields: Vec<(String, String)>,
    /// The `Host` field, where it is not the URL's.
    pub host: Option<String>,
    /// The page it is said to come from.
    pub origin: Option<String>,
    /// `None` sends none.
    pub user_agent: Option<String>,
    /// Names and values.
    pub cookies: Vec<(String, String)>,
    /// What is shown to the origin that the URL names, and to no other.
    pub authorization: Option<Authorization>,
    /// An extension that is offered.
    pub(crate) extension: Option<Known>,
    /// Compression that is offered.
    pub deflate: Option<Deflate>,
    /// Whom `wss` trusts; `None` is the system.
    pub tls: Option<ClientTls>,
    /// How many redirects are followed.
    pub redirects: usize,
    /// What is connected to in place of the URL's host.
    pub destination: Option<Destination>,
    /// What is set on its socket.
    pub socket_options: SocketOptions,
    /// Who is told of each frame.
    pub trace: Option<Trace>,
    /// Which proxy leads there.
    pub proxy: ProxyChoice,
}

impl ClientSettings {
    /// The defaults, for a URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            subprotocols: Vec::new(),
            fields: Vec::new(),
            host: None,
            origin: None,
            user_agent: Some(PROGRAM.into()),
            cookies: Vec::new(),
            authorization: None,
            extension: None,
            deflate: None,
            tls: None,
            redirects: 10,
            destination: None,
            socket_options: SocketOptions::default(),
            trace: None,
            proxy: ProxyChoice::default(),
        }
    }

    /// The extension in place of one offered before.
    pub fn offer(&mut self, extension: impl Extension + 'static) {
        self.extension = Some(Known::new(extension));
    }

    /// What is shown to the origin of the URL: what was set, or else what the URL names.
    pub(super) fn shown(&self, target: &Target) -> Result<Option<String>, InvalidField> {
        if self.names(AUTHORIZATION) {
            return Ok(None);
        }
        match (&self.authorization, target.credentials()) {
            (Some(authorization), _) => authorization.value().map(Some),
            (None, Some(credentials)) => Ok(Some(credentials.to_basic())),
            (None, None) => Ok(None),
        }
    }

    /// Whether it was set what is shown to the origin of the URL, whatever URLs name.
    pub(super) fn has_authorization(&self) -> bool {
        self.authorization.is_some() || self.names(AUTHORIZATION)
    }

    /// The request for a target, which shows this there.
    pub(super) fn request(
        &self,
        target: &Target,
        origin: Origin,
        shown: Option<&str>,
    ) -> Result<ClientRequest, InvalidField> {
        let host = self.host.as_deref().filter(|_| origin == Origin::Named);
        let mut request = ClientRequest::new(host.unwrap_or(target.authority()), target.resource())?;
        for subprotocol in &self.subprotocols {
            request = request.subprotocol(subprotocol)?;
        }
        // The first is the favourite (§9.1), and in our answers and those of most others the first to work.
        if let Some(extension) = &self.extension {
            request = request.offer(extension.get())?;
        }
        if let Some(deflate) = &self.deflate {
            request = request.deflate(deflate.asked());
        }
        if let Some(origin) = &self.origin {
            self.check_single("Origin")?;
            request = request.origin(origin)?;
        }
        if let Some(user_agent) = self.user_agent.as_ref().filter(|_| !self.names(USER_AGENT)) {
            request = request.field(USER_AGENT, user_agent)?;
        }
        for (name, value) in self.fields.iter().filter(|(name, _)| origin.may_see(name)) {
            request = request.field(name, value)?;
        }
        for (name, value) in self.cookies.iter().filter(|_| origin.may_see(COOKIE)) {
            self.check_single(COOKIE)?;
            request = request.cookie(name, value)?;
        }
        match shown {
            Some(authorization) => request.field(AUTHORIZATION, authorization),
            None => Ok(request),
        }
    }

    fn names(&self, field: &str) -> bool {
        self.fields
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(field))
    }

    /// Refuses a field of the application's own beside what was set: it would be sent twice.
    fn check_single(&self, name: &str) -> Result<(), InvalidField> {
        if self.names(name) {
            return Err(InvalidField::Reserved { name: name.into() });
        }
        Ok(())
    }
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |pairs: &[(String, String)]| -> Vec<String> {
            pairs.iter().map(|(name, _)| name.clone()).collect()
        };
        let target = Target::parse(&self.url).map(|target| target.to_string());
        f.debug_struct("ClientSettings")
            .field("url", &target)
            .field("subprotocols", &self.subprotocols)
            .field("fields", &names(&self.fields))
            .field("host", &self.host)
            .field("origin", &self.origin)
            .field("user_agent", &self.user_agent)
            .field("cookies", &names(&self.cookies))
            .field("authorization", &self.authorization)
            .field("deflate", &self.deflate)
            .field("tls", &self.tls)
            .field("redirects", &self.redirects)
            .field("destination", &self.destination)
            .field("socket_options", &self.socket_options)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

/// What a request shows of who sends it.
#[derive(Clone)]
pub enum Authorization {
    /// A user and a password, not yet checked.
    Basic(String, String),
    /// A token, not yet checked.
    Bearer(String),
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic(..) => "Basic",
            Self::Bearer(_) => "Bearer",
        })
    }
}

impl Authorization {
    fn value(&self) -> Result<String, InvalidField> {
        match self {
            Self::Basic(user, password) => Ok(Credentials::new(user, password)?.to_basic()),
            Self::Bearer(token) => {
                let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte);
                let wrong = token.trim_end_matches('=').bytes().find(|byte| !allowed(byte));
                if wrong.is_some() || token.is_empty() || token.starts_with('=') {
                    return Err(InvalidField::BearerToken { byte: wrong });
                }
                Ok(format!("Bearer {token}"))
            }
        }
    }
}

/// Whom a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The one that the application named.
    Named,
    /// Another one, which a redirect leads to.
    Other,
}

impl Origin {
    /// Whether a field of the application's may be sent there: what it shows to one origin, no other may see.
    fn may_see(self, field: &str) -> bool {
        let secret = [AUTHORIZATION, COOKIE, "Proxy-Authorization"];
        self == Self::Named || !secret.iter().any(|name| name.eq_ignore_ascii_case(field))
    }
}
