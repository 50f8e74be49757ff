use std::fmt;

use tidewire_proto::Instant;
use tidewire_proto::handshake::{ClientRequest, ResponseError};
use tracing::info;

use super::connecting::Connecting;
use super::dial::{Destination, SocketOptions};
use super::opening::Opening;
use super::proxy::Detour;
use super::redirect::{self, RedirectError};
use super::settings::{ClientSettings, Origin};
use super::target::Target;
use super::trace::Trace;
use crate::ClientTls;
use crate::config::Config;
use crate::credentials::Credentials;
use crate::error::HandshakeError;

/// A client's way from a URL to a connection, over redirects. What may not be sent is found when it begins.
#[derive(Debug)]
pub struct Journey<'s> {
    settings: &'s ClientSettings,
    target: Target,
    origin: Origin,
    /// What is shown there of who asks: a secret.
    shown: Shown,
    /// Whom it trusts there, and as whom it comes; `None` is the system.
    tls: Option<ClientTls>,
    /// How many redirects were followed.
    followed: usize,
}

impl<'s> Journey<'s> {
    /// Begins at the URL.
    ///
    /// # Errors
    /// [`HandshakeError::Url`] and [`HandshakeError::Field`] for what cannot be asked.
    pub fn new(settings: &'s ClientSettings) -> Result<Self, HandshakeError> {
        let target = Target::parse(&settings.url)?;
        let shown = Shown(settings.shown(&target)?);
        let journey = Self {
            settings,
            target,
            origin: Origin::Named,
            shown,
            tls: settings.tls.clone(),
            followed: 0,
        };
        journey.request()?;
        Ok(journey)
    }

    /// Where it leads now.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What is connected to there: the target's host, unless something was set in its place.
    pub fn destination(&self) -> Destination {
        let host = || Destination::Host {
            name: self.target.host().into(),
            port: self.target.port(),
        };
        self.settings.destination.clone().unwrap_or_else(host)
    }

    /// The proxy that leads there, if one does, and what it is asked for. The environment is read now.
    ///
    /// # Errors
    /// [`HandshakeError::Variable`], where it names one that cannot be used, and [`HandshakeError::Tunnel`], where the one
    /// that was set cannot be asked for what was set in place of the host.
    pub fn detour(&self) -> Result<Option<Detour>, HandshakeError> {
        let destination = self.settings.destination.as_ref();
        Detour::new(&self.settings.proxy, &self.target, destination)
    }

    /// What is set on the socket.
    pub fn socket_options(&self) -> &SocketOptions {
        &self.settings.socket_options
    }

    /// Who is told of frames.
    pub fn trace(&self) -> Option<&Trace> {
        self.settings.trace.as_ref()
    }

    /// Whom it trusts, where it leads over TLS; `None` is the system.
    pub fn tls(&self) -> Option<&ClientTls> {
        self.tls.as_ref()
    }

    /// Begins the handshake, over a stream that leads to the target: appends the request to the output. The time for all
    /// of it ends at `deadline`.
    ///
    /// # Errors
    /// [`HandshakeError::Field`] for what a redirect asks that cannot be asked; nothing was appended.
    pub fn open(
        &self,
        config: &Config,
        now: Instant,
        deadline: Option<Instant>,
        out: &mut Vec<u8>,
    ) -> Result<Opening, HandshakeError> {
        Ok(Opening::new(
            config,
            self.settings,
            self.request()?,
            now,
            deadline,
            out,
        ))
    }

    /// Begins the handshake over HTTP/2, on a connection that leads to the target.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn connect(&self) -> Result<Connecting, HandshakeError> {
        Ok(Connecting::new(self.settings, self.request()?))
    }

    /// Goes on to where a response redirects to.
    ///
    /// # Errors
    /// The same error where it is no redirect, or none are followed; [`HandshakeError::Redirect`] where this one may not be.
    pub fn follow(&mut self, error: HandshakeError) -> Result<(), HandshakeError> {
        let HandshakeError::Response(ResponseError::Refused(response)) = &error else {
            // In TLS 1.3 a server may refuse a client's certificate as late as here.
            return Err(error.with_server(self.target.host()));
        };
        let limit = self.settings.redirects;
        let Some(location) = redirect::location(response).filter(|_| limit > 0) else {
            return Err(error);
        };
        if self.followed == limit {
            return Err(RedirectError::TooMany { limit }.into());
        }
        let next = redirect::follow(&self.target, location)?;
        let same = next.is_same_origin(&self.target);
        if !same && self.settings.destination.is_some() {
            return Err(RedirectError::OtherOrigin.into());
        }
        info!(from = %self.target, to = %next, status = response.status(), "redirected");
        self.followed += 1;
        let named = next.credentials().map(Credentials::to_basic);
        if !same {
            // Once away, it stays away: who comes back is led by somebody else.
            self.origin = Origin::Other;
            self.shown = Shown(named);
            self.tls = self.tls.take().map(ClientTls::unnamed);
        } else if named.is_some() && !self.shows_what_was_set() {
            self.shown = Shown(named);
        }
        self.target = next;
        Ok(())
    }

    /// Whether the application says who it is here, before which no URL goes.
    fn shows_what_was_set(&self) -> bool {
        self.origin == Origin::Named && self.settings.has_authorization()
    }

    fn request(&self) -> Result<ClientRequest, HandshakeError> {
        let shown = self.shown.0.as_deref();
        Ok(self.settings.request(&self.target, self.origin, shown)?)
    }
}

/// What nobody but the origin may see.
struct Shown(Option<String>);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "shown" } else { "none" })
    }
}
