use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tidewire_proto::Instant;
use tidewire_proto::handshake::{
    Acceptance, InvalidField, Request, RequestError, Response, ServerHandshake, Upgrade,
};
use tracing::{debug, info};

use crate::config::Config;
use crate::deflate::Deflate;
use crate::error::HandshakeError;
use crate::handshake::{Handshake, Negotiated};

/// How long a refused peer is listened to at least and at most, before its socket is closed.
const MIN_REFUSAL: Duration = Duration::from_secs(1);
const MAX_REFUSAL: Duration = Duration::from_secs(5);

/// Sees each request before it is judged as an upgrade, and may answer it itself: a health check, a page.
pub type OnRequest = dyn Fn(&Request) -> Option<Response> + Send + Sync;

/// What a server wants of those who connect. Cheap to clone.
#[derive(Clone, Default)]
pub struct ServerPolicy {
    subprotocols: Arc<[String]>,
    on_request: Option<Arc<OnRequest>>,
    deflate: Option<Deflate>,
}

impl ServerPolicy {
    /// Offers these subprotocols, the favourite first; a client that offers others only is refused with 400.
    ///
    /// # Errors
    /// [`InvalidField`] for one that is no token.
    pub fn subprotocols<T: Into<String>>(
        mut self,
        subprotocols: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidField> {
        let subprotocols: Vec<String> = subprotocols.into_iter().map(Into::into).collect();
        for subprotocol in &subprotocols {
            Acceptance::new().subprotocol(subprotocol)?;
        }
        self.subprotocols = subprotocols.into();
        Ok(self)
    }

    /// Lets `answer` see each request first.
    pub fn on_request(
        mut self,
        answer: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        self.on_request = Some(Arc::new(answer));
        self
    }

    /// Compresses messages with clients that offer it.
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    /// The server's favourite among what the client offers.
    fn choose(&self, upgrade: &Upgrade) -> Option<&str> {
        self.subprotocols
            .iter()
            .map(String::as_str)
            .find(|ours| upgrade.subprotocols().any(|offer| offer == *ours))
    }
}

impl fmt::Debug for ServerPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerPolicy")
            .field("subprotocols", &self.subprotocols)
            .field("on_request", &self.on_request.is_some())
            .field("deflate", &self.deflate)
            .finish()
    }
}

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
    /// The handshake of a connection that was accepted at `now`.
    pub fn new(config: &Config, policy: &'p ServerPolicy, now: Instant) -> Self {
        let handshake = ServerHandshake::new(now, config.settings.open_timeout, config.settings.head);
        Self { handshake, policy }
    }

    /// Takes input, all of it; gives the connection's start once the request was answered.
    ///
    /// # Errors
    /// [`HandshakeError::Request`] or [`HandshakeError::Declined`]; the refusal stands in the output.
    pub fn handle_input(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Negotiated>, HandshakeError> {
        match self.handshake.handle_input(input) {
            Ok(None) => Ok(None),
            Ok(Some(request)) => self.answer(request, out).map(Some),
            Err(error) => Err(refuse(error, out)),
        }
    }

    /// The moment at which [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.handshake.poll_timeout()
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
            .map_err(|error| refuse(error, out))
    }

    /// Refuses the request before it is there, for example since the server shuts down.
    pub fn decline(&mut self, status: u16, text: &str, out: &mut Vec<u8>) -> HandshakeError {
        decline(status, text, out)
    }

    fn answer(&mut self, request: Request, out: &mut Vec<u8>) -> Result<Negotiated, HandshakeError> {
        // `Debug` of a request shows no secrets.
        debug!(?request, "handshake");
        if let Some(response) = self
            .policy
            .on_request
            .as_ref()
            .and_then(|answer| answer(&request))
        {
            let status = response.status();
            // A page or a health check is an answer, and no refusal.
            if status >= 400 {
                info!(
                    status,
                    reason = "answered by the application",
                    "handshake declined"
                );
            }
            response.write(out);
            return Err(HandshakeError::Declined { status });
        }
        let upgrade = Upgrade::check(&request).map_err(|error| refuse(error, out))?;
        let mut acceptance = Acceptance::new();
        let subprotocol = self.policy.choose(&upgrade);
        match subprotocol {
            Some(subprotocol) => acceptance = acceptance.subprotocol(subprotocol)?,
            None if self.policy.subprotocols.is_empty() => {}
            None => return Err(decline(400, "no common subprotocol\n", out)),
        }
        let mut parameters = None;
        let mut deflate = None;
        if let Some(ours) = &self.policy.deflate
            && let Some((answer, agreed)) = upgrade.deflate(ours.granted())
        {
            parameters = Some(answer);
            deflate = Some(ours.extension(agreed));
            acceptance = acceptance.deflate(answer);
        }
        if upgrade.accept(&acceptance, out).is_err() {
            // Only what the client offered is chosen, so this is not reached; an answer is owed all the same.
            return Err(decline(500, "internal error\n", out));
        }
        let subprotocol = subprotocol.map(str::to_owned);
        Ok(Negotiated {
            handshake: Handshake::accepted(request, subprotocol, parameters),
            deflate,
            rest: self.handshake.take_rest(),
        })
    }
}

/// Appends the refusal that an error asks for; the one place where refused requests are logged.
fn refuse(error: RequestError, out: &mut Vec<u8>) -> HandshakeError {
    info!(status = error.status(), reason = %error, "handshake refused");
    error.response().write(out);
    HandshakeError::Request(error)
}

fn decline(status: u16, text: &str, out: &mut Vec<u8>) -> HandshakeError {
    info!(status, reason = text.trim_end(), "handshake declined");
    if let Ok(response) = Response::new(status) {
        response.body(text).write(out);
    }
    HandshakeError::Declined { status }
}
