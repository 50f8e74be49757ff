use std::net::IpAddr;
use std::time::Duration;

use tidewire_proto::Instant;
use tidewire_proto::handshake::{Request, Response, ServerHandshake};
use tracing::{debug, info};

use super::policy::{Accepted, Asked, ServerPolicy};
use super::preface::{Preface, Wire};
use super::proxy_protocol::ProxyProtocol;
use super::refusal::{Reason, Refusal};
use super::routes::Routes;
use crate::config::Config;
use crate::error::HandshakeError;
use crate::extension::Extensions;
use crate::handshake::{Handshake, Negotiated};

/// How long a refused peer is listened to at least and at most, before its socket is closed.
const MIN_REFUSAL: Duration = Duration::from_secs(1);
const MAX_REFUSAL: Duration = Duration::from_secs(5);

/// The status of a refusal, and why, which is its text.
pub type Declined = (u16, &'static str);

/// A server's side of an opening handshake.
///
/// The answer, consent or refusal, is appended to the output. After a refusal the adapter writes it, shuts its
/// sending side down and discards input until its end, so that the refusal is not destroyed by a reset.
#[derive(Debug)]
pub struct Accepting<'p> {
    handshake: ServerHandshake,
    policy: &'p ServerPolicy,
}

impl<'p> Accepting<'p> {
    /// Why a request is declined that comes too late.
    pub const SHUTS_DOWN: Declined = (503, "server shuts down");
    /// Why one is declined where the server failed; what it did wrong is for its log.
    pub const FAILED: Declined = (500, "internal error");

    /// The handshake of a connection that was accepted at `now`.
    pub fn new(config: &Config, policy: &'p ServerPolicy, now: Instant) -> Self {
        let handshake = ServerHandshake::new(now, config.settings.open_timeout, config.settings.head);
        Self { handshake, policy }
    }

    /// What the connection begins with before HTTP, if it does: see [`Preface::new`].
    pub fn preface(
        &self,
        protocol: Option<&ProxyProtocol>,
        peer: Option<IpAddr>,
        wire: Wire,
    ) -> Option<Preface<'p>> {
        Preface::new(protocol, peer, wire, self.policy)
    }

    /// Takes input, all of it; gives the request once it is there, to be [answered](Self::answer).
    ///
    /// # Errors
    /// [`HandshakeError::Request`]; the refusal stands in the output.
    pub fn handle_input(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Request>, HandshakeError> {
        self.handshake
            .handle_input(input)
            .map_err(|error| Refused::by(self.policy, error).write(out))
    }

    /// What the policy's [`on_request`](ServerPolicy::on_request) says, for an adapter that asks more before it answers.
    pub fn on_request(&self, request: &Request) -> Option<Response> {
        self.policy.first(request)
    }

    /// Answers the request as the policy judges it, with what the application was `asked` before; where there are routes,
    /// with 404 if it takes none of them. Gives the connection's start.
    ///
    /// # Errors
    /// [`HandshakeError::Request`] or [`HandshakeError::Declined`]; the refusal stands in the output.
    pub fn answer(
        &mut self,
        request: Request,
        asked: Asked,
        routes: Option<&Routes>,
        out: &mut Vec<u8>,
    ) -> Result<Negotiated, HandshakeError> {
        // `Debug` of a request shows no secrets.
        debug!(?request, "handshake");
        let accepted = self
            .policy
            .judge(&request, asked, routes)
            .map_err(|refusal| Refused::note(refusal).write(out))?;
        if accepted.upgrade.accept(&accepted.acceptance, out).is_err() {
            // Only what the client offered is chosen, so this is not reached; an answer is owed all the same.
            return Err(self.decline(Self::FAILED, out));
        }
        Ok(accepted.negotiated(request, self.handshake.take_rest()))
    }

    /// The moment at which [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.handshake.poll_timeout()
    }

    /// The end of the handshake's time.
    pub fn deadline(&self) -> Option<Instant> {
        self.handshake.deadline()
    }

    /// How long a refusal may take from now on: to be written, and to be read by the peer until it closes.
    ///
    /// What is left of the handshake's time, but a second at least, so that the refusal of a request that came too
    /// late arrives.
    pub fn refusal_timeout(&self, now: Instant) -> Duration {
        let left = self.handshake.deadline().map_or(MAX_REFUSAL, |at| at - now);
        left.clamp(MIN_REFUSAL, MAX_REFUSAL)
    }

    /// Gives a request up that did not arrive in time.
    ///
    /// # Errors
    /// When that is so; the refusal stands in the output.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<u8>) -> Result<(), HandshakeError> {
        self.handshake
            .handle_timeout(now)
            .map_err(|error| Refused::by(self.policy, error).write(out))
    }

    /// Refuses the request without a look at it, for example since the server shuts down.
    pub fn decline(&mut self, declined: Declined, out: &mut Vec<u8>) -> HandshakeError {
        Refused::by(self.policy, declined).write(out)
    }
}

impl Accepted {
    /// The start of the connection, of which the client's first frames may be there.
    pub(super) fn negotiated(self, request: Request, rest: Vec<u8>) -> Negotiated {
        let (parameters, deflate) = self.deflate.unzip();
        let (answer, other) = self.extension.unzip();
        Negotiated {
            handshake: Handshake::accepted(request, self.subprotocol, answer, parameters, self.user),
            extensions: Extensions::new(other, deflate),
            rest,
        }
    }
}

/// A response that is no upgrade, and why.
#[derive(Debug)]
pub struct Refused {
    /// What is sent.
    pub response: Response,
    /// What our side is told.
    pub error: HandshakeError,
}

impl Refused {
    /// A refusal before the policy has judged a request, in the policy's words all the same.
    pub(super) fn by(policy: &ServerPolicy, refusal: impl Into<Refusal>) -> Self {
        Self::note(policy.dress(refusal.into()))
    }

    /// The one place where refused requests are logged.
    pub(super) fn note(Refusal { response, reason }: Refusal) -> Self {
        let status = response.status();
        let error = match reason {
            Reason::Rule(error) => {
                info!(status, reason = %error, "handshake refused");
                HandshakeError::Request(error)
            }
            Reason::Policy(reason) => {
                // A page or a health check is an answer, and no refusal.
                if status >= 400 {
                    info!(status, reason, "handshake declined");
                }
                HandshakeError::Declined { status }
            }
        };
        Self { response, error }
    }

    /// Appends the response.
    fn write(self, out: &mut Vec<u8>) -> HandshakeError {
        self.response.write(out);
        self.error
    }
}
