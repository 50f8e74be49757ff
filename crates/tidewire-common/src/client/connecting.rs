use tidewire_proto::handshake::{ClientConnect, ClientRequest, Fields, Response, ResponseError};

use super::offered::Offered;
use super::settings::ClientSettings;
use crate::error::HandshakeError;
use crate::handshake::Negotiated;

/// A client's side of an opening handshake over HTTP/2, which a library speaks: what is asked, and what becomes of the
/// response.
#[derive(Debug)]
pub struct Connecting {
    handshake: ClientConnect,
    offered: Offered,
}

impl Connecting {
    pub(super) fn new(settings: &ClientSettings, request: ClientRequest) -> Self {
        Self {
            handshake: ClientConnect::new(request),
            offered: Offered::of(settings),
        }
    }

    /// What is asked.
    pub fn asked(&self) -> &ClientConnect {
        &self.handshake
    }

    /// Takes the head of the response; gives the connection's start where the server agrees, and `None` where the body of
    /// a refusal is to follow.
    ///
    /// # Errors
    /// [`HandshakeError::Response`] names the rule that the response breaks.
    pub fn handle_head(&mut self, status: u16, fields: Fields) -> Result<Option<Negotiated>, HandshakeError> {
        let accepted = self
            .handshake
            .handle_response(Response::received(status, fields)?)
            .map_err(HandshakeError::Response)?;
        accepted
            .map(|accepted| self.offered.agree(&accepted, Vec::new()))
            .transpose()
    }

    /// Takes a part of the body of a refusal.
    ///
    /// # Errors
    /// [`HandshakeError::Response`] with the refusal, as soon as its body is longer than is kept.
    pub fn handle_body(&mut self, part: &[u8]) -> Result<(), HandshakeError> {
        self.handshake.handle_body(part).map_err(HandshakeError::Response)
    }

    /// Takes the end of the stream, and gives what came of it.
    pub fn handle_end(&mut self) -> HandshakeError {
        match self.handshake.handle_end() {
            ResponseError::UnexpectedEnd => HandshakeError::UnexpectedEnd,
            error => HandshakeError::Response(error),
        }
    }

    /// Gives up what has not arrived, and gives the refusal as far as it has.
    pub fn handle_timeout(&mut self) -> HandshakeError {
        match self.handshake.handle_timeout() {
            ResponseError::Timeout => HandshakeError::TIMEOUT,
            error => HandshakeError::Response(error),
        }
    }
}
