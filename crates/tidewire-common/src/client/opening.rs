use tidewire_proto::Instant;
use tidewire_proto::handshake::{ClientHandshake, ClientRequest, ResponseError};

use super::offered::Offered;
use super::settings::ClientSettings;
use crate::config::Config;
use crate::error::HandshakeError;
use crate::handshake::Negotiated;

/// A client's side of an opening handshake.
#[derive(Debug)]
pub struct Opening {
    handshake: ClientHandshake,
    offered: Offered,
}

impl Opening {
    /// Appends the request to the output.
    pub(super) fn new(
        config: &Config,
        settings: &ClientSettings,
        request: ClientRequest,
        now: Instant,
        deadline: Option<Instant>,
        out: &mut Vec<u8>,
    ) -> Self {
        let timeout = deadline.map(|deadline| deadline - now);
        let nonce = rand::random();
        let handshake = ClientHandshake::new(now, timeout, config.settings.head, request, nonce, out);
        Self {
            handshake,
            offered: Offered::of(settings),
        }
    }

    /// Takes input, all of it; gives the connection's start once the server has agreed.
    ///
    /// # Errors
    /// [`HandshakeError::Response`] names the refusal or the rule that the response breaks.
    pub fn handle_input(&mut self, input: &[u8]) -> Result<Option<Negotiated>, HandshakeError> {
        let accepted = self
            .handshake
            .handle_input(input)
            .map_err(HandshakeError::Response)?;
        accepted
            .map(|accepted| self.offered.agree(&accepted, self.handshake.take_rest()))
            .transpose()
    }

    /// Takes the end of the stream, which completes some refusals.
    ///
    /// # Errors
    /// Always while the handshake goes on.
    pub fn handle_end(&mut self) -> Result<(), HandshakeError> {
        self.handshake.handle_end().map_err(|error| match error {
            ResponseError::UnexpectedEnd => HandshakeError::UnexpectedEnd,
            error => HandshakeError::Response(error),
        })
    }

    /// What it means that the stream broke: the refusal that the server was about, if it was, says more.
    pub fn fail(&mut self, error: HandshakeError) -> HandshakeError {
        match (error, self.handshake.handle_end()) {
            (HandshakeError::Io(_), Err(refusal @ ResponseError::Refused(_))) => {
                HandshakeError::Response(refusal)
            }
            (error, _) => error,
        }
    }

    /// The moment at which [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.handshake.poll_timeout()
    }

    /// Gives a response up that did not arrive in time.
    ///
    /// # Errors
    /// When that is so.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), HandshakeError> {
        self.handshake.handle_timeout(now).map_err(|error| match error {
            ResponseError::Timeout => HandshakeError::TIMEOUT,
            error => HandshakeError::Response(error),
        })
    }
}
