use tidewire_proto::handshake::{Fields, Request, RequestError, Response};
use tracing::{debug, warn};

use super::accepting::{Accepting, Declined, Refused};
use super::policy::{Asked, ServerPolicy};
use crate::handshake::Negotiated;

/// A server's side of an opening handshake whose heads an HTTP library reads and writes.
#[derive(Debug)]
pub struct Hosted<'p> {
    policy: &'p ServerPolicy,
}

/// The answer that begins a connection.
#[derive(Debug)]
pub struct Consent {
    /// The status to send.
    pub status: u16,
    /// The fields to send.
    pub fields: Fields,
    /// The connection's start, once that was sent.
    pub negotiated: Negotiated,
}

impl<'p> Hosted<'p> {
    /// The handshake of a request that has come.
    pub fn new(policy: &'p ServerPolicy) -> Self {
        Self { policy }
    }

    /// What the policy's [`on_request`](ServerPolicy::on_request) says, for an adapter that asks more before it answers.
    pub fn on_request(&self, request: &Request) -> Option<Response> {
        self.policy.first(request)
    }

    /// Answers the request as the policy judges it, with what the application was `asked` before.
    ///
    /// # Errors
    /// Why it is refused, with what is sent.
    pub fn answer(&self, request: Request, asked: Asked) -> Result<Consent, Box<Refused>> {
        // `Debug` of a request shows no secrets.
        debug!(?request, "handshake");
        let judged = self.policy.judge(&request, asked, None);
        let accepted = judged.map_err(|refusal| {
            let status = refusal.response.status();
            // RFC 9110 §9.3.6: "Any 2xx (Successful) response indicates that the sender [...] will switch to tunnel mode".
            if request.method() == "CONNECT" && (200..300).contains(&status) {
                warn!(status, "a page in answer to CONNECT would be a tunnel");
                return Box::new(self.decline(Accepting::FAILED));
            }
            Box::new(Refused::note(refusal))
        })?;
        match accepted.upgrade.accepted(&accepted.acceptance) {
            Ok((status, fields)) => Ok(Consent {
                status,
                fields,
                negotiated: accepted.negotiated(request, Vec::new()),
            }),
            // Only what the client offered is chosen, so this is not reached; an answer is owed all the same.
            Err(_) => Err(Box::new(self.decline(Accepting::FAILED))),
        }
    }

    /// Refuses the request without a look at it.
    pub fn decline(&self, declined: Declined) -> Refused {
        Refused::by(self.policy, declined)
    }

    /// Refuses what breaks a rule before it is a request.
    pub fn refuse(&self, error: RequestError) -> Refused {
        Refused::by(self.policy, error)
    }
}
