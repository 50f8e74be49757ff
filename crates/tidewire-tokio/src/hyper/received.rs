use std::future::pending;
use std::pin::pin;

use bytes::Bytes;
use http::Version;
use hyper::ext::Protocol;
use hyper::upgrade::OnUpgrade;
use tidewire_common::proto::handshake::Request;
use tidewire_common::{Accepting, Asked, HandshakeError, Hosted, Refused};
use tracing::warn;

use super::messages;
use super::upgrading::Upgrading;
use crate::accept::Accept;
use crate::clock::after;
use crate::stages::expiry;

/// A request, and what else hyper knows of the one who sent it.
pub(crate) struct Received {
    pub(crate) request: Request,
    version: Version,
    /// What gives the stream; nothing where the HTTP server, or something in front of us, has taken it.
    on_upgrade: Option<OnUpgrade>,
}

/// What is sent instead of a consent, and why.
pub(crate) type Refusal = Box<(http::Response<Bytes>, HandshakeError)>;

impl Received {
    pub(crate) fn of<B>(request: &mut http::Request<B>, accept: &Accept) -> Result<Self, Refusal> {
        let version = request.version();
        let protocol = request.extensions().get::<Protocol>();
        let received = messages::request(
            request.method(),
            request.uri(),
            version,
            request.headers(),
            protocol,
        );
        match received {
            Ok(received) => Ok(Self::new(received, version, request.extensions_mut().remove())),
            Err(error) => Err(refusal(Hosted::new(&accept.policy).refuse(error), version)),
        }
    }

    pub(crate) fn new(request: Request, version: Version, on_upgrade: Option<OnUpgrade>) -> Self {
        Self {
            request,
            version,
            on_upgrade,
        }
    }

    /// Answers the request as these settings say: gives the connection that begins once the response was sent.
    pub(crate) async fn answer(self, accept: &Accept) -> Result<(http::Response<Bytes>, Upgrading), Refusal> {
        let Self {
            request,
            version,
            on_upgrade,
        } = self;
        let hosted = Hosted::new(&accept.policy);
        let deadline = accept.config.open_timeout().map(after);
        let (expiry, stopped) = (pin!(expiry(deadline)), pin!(pending::<()>()));
        let first = |request: &Request| hosted.on_request(request);
        let asked = match accept.questions.ask(first, &request, expiry, stopped) {
            Some(asking) => asking.await,
            None => Ok(Asked::Nothing),
        };
        let asked = asked.map_err(|declined| refusal(hosted.decline(declined), version))?;
        let consent = hosted.answer(request, asked);
        let consent = consent.map_err(|refused| refusal(*refused, version))?;
        let Some(on_upgrade) = on_upgrade else {
            warn!("HTTP server gives no stream for a connection");
            return Err(refusal(hosted.decline(Accepting::FAILED), version));
        };
        let response = messages::consent(consent.status, &consent.fields);
        let upgrading = Upgrading {
            on_upgrade,
            negotiated: consent.negotiated,
            config: accept.config.clone(),
            deadline,
        };
        Ok((response, upgrading))
    }
}

fn refusal(Refused { response, error }: Refused, version: Version) -> Refusal {
    Box::new((messages::refusal(response, version), error))
}
