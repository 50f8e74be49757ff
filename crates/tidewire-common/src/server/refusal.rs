use tidewire_proto::handshake::{RequestError, Response};

use super::accepting::Declined;

/// Why there will be no connection.
pub(super) struct Refusal {
    pub(super) response: Response,
    pub(super) reason: Reason,
}

pub(super) enum Reason {
    /// The request breaks a rule.
    Rule(RequestError),
    /// The policy does not want it.
    Policy(&'static str),
}

impl Reason {
    /// Whether the response is the one that this was the reason for, as far as can be told.
    pub(super) fn is_told_by(&self, response: &Response) -> bool {
        match self {
            Self::Rule(error) => error.status() == response.status(),
            Self::Policy(_) => true,
        }
    }
}

impl Refusal {
    /// A refusal with the reason as its text.
    pub(super) fn new(status: u16, reason: &'static str) -> Self {
        let response = Response::new(status).unwrap_or_else(|_| Response::internal_error());
        Self::by_policy(response.body(format!("{reason}\n")), reason)
    }

    /// What the server did wrong is for its log alone.
    pub(super) fn internal(reason: &'static str) -> Self {
        Self::by_policy(Response::internal_error().body("internal error\n"), reason)
    }

    pub(super) fn by_policy(response: Response, reason: &'static str) -> Self {
        Self {
            response,
            reason: Reason::Policy(reason),
        }
    }
}

impl From<Declined> for Refusal {
    fn from((status, reason): Declined) -> Self {
        Self::new(status, reason)
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        Self {
            response: error.response(),
            reason: Reason::Rule(error),
        }
    }
}
