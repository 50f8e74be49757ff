use tidewire_proto::Instant;
use tidewire_proto::extension::Extension;
use tidewire_proto::handshake::{Accepted, ClientHandshake, ClientRequest, InvalidField, ResponseError};
use tracing::debug;

use crate::config::Config;
use crate::deflate::Deflate;
use crate::error::HandshakeError;
use crate::extension::{Extensions, Known};
use crate::handshake::{Handshake, Negotiated};
use crate::target::Target;

/// What a client says beside the URL.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    subprotocols: Vec<String>,
    fields: Vec<(String, String)>,
    extension: Option<Known>,
    deflate: Option<Deflate>,
}

impl ClientOptions {
    /// Offers a subprotocol, the favourite first.
    pub fn subprotocol(mut self, subprotocol: impl Into<String>) -> Self {
        self.subprotocols.push(subprotocol.into());
        self
    }

    /// Adds a header field, for example `Origin` or `Authorization`.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Offers an extension, in place of one offered before.
    pub fn extension(mut self, extension: impl Extension + 'static) -> Self {
        self.extension = Some(Known::new(extension));
        self
    }

    /// Offers to compress messages.
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    fn request(&self, authority: &str, resource: &str) -> Result<ClientRequest, InvalidField> {
        let mut request = ClientRequest::new(authority, resource)?;
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
        for (name, value) in &self.fields {
            request = request.field(name, value)?;
        }
        Ok(request)
    }
}

/// A client's side of an opening handshake.
#[derive(Debug)]
pub struct Opening {
    handshake: ClientHandshake,
    extension: Option<Known>,
    deflate: Option<Deflate>,
}

impl Opening {
    /// Appends the request to the output; the time for all of it ends at `deadline`.
    ///
    /// # Errors
    /// [`HandshakeError::Field`] for an option that may not stand in a request; nothing was appended.
    pub fn new(
        config: &Config,
        target: &Target,
        options: &ClientOptions,
        now: Instant,
        deadline: Option<Instant>,
        out: &mut Vec<u8>,
    ) -> Result<Self, HandshakeError> {
        let request = options.request(target.authority(), target.resource())?;
        let timeout = deadline.map(|deadline| deadline - now);
        let nonce = rand::random();
        let handshake = ClientHandshake::new(now, timeout, config.settings.head, request, nonce, out);
        Ok(Self {
            handshake,
            extension: options.extension.clone(),
            deflate: options.deflate.clone(),
        })
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
