use tidewire_proto::Instant;
use tidewire_proto::handshake::{Accepted, ClientHandshake, ClientRequest, ResponseError};
use tracing::debug;

use super::settings::ClientSettings;
use crate::config::Config;
use crate::deflate::Deflate;
use crate::error::HandshakeError;
use crate::extension::{Extensions, Known};
use crate::handshake::{Handshake, Negotiated};

/// A client's side of an opening handshake.
#[derive(Debug)]
pub struct Opening {
    handshake: ClientHandshake,
    extension: Option<Known>,
    deflate: Option<Deflate>,
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
            extension: settings.extension.clone(),
            deflate: settings.deflate.clone(),
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
        accepted.map(|accepted| self.open(&accepted)).transpose()
    }

    fn open(&mut self, accepted: &Accepted) -> Result<Negotiated, HandshakeError> {
        // `Debug` of a response shows no secrets.
        debug!(response = ?accepted.response(), "handshake");
        let other = match &self.extension {
            Some(ours) => accepted
                .extension(ours.get())
                .map_err(HandshakeError::Response)?
                .map(|transform| (ours.get().bit(), transform)),
            None => None,
        };
        let deflate = self.deflate.as_ref().zip(accepted.deflate());
        let deflate = deflate.map(|(deflate, agreed)| deflate.extension(agreed));
        Ok(Negotiated {
            handshake: Handshake::opened(accepted),
            extensions: Extensions::new(other, deflate),
            rest: self.handshake.take_rest(),
        })
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
            ResponseError::Timeout => HandshakeError::Timeout,
            error => HandshakeError::Response(error),
        })
    }
}
