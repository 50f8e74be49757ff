use tidewire_proto::handshake::Accepted;
use tracing::debug;

use super::settings::ClientSettings;
use crate::deflate::Deflate;
use crate::error::HandshakeError;
use crate::extension::{Extensions, Known};
use crate::handshake::{Handshake, Negotiated};

/// The extensions that a client has offered.
#[derive(Debug)]
pub(super) struct Offered {
    extension: Option<Known>,
    deflate: Option<Deflate>,
}

impl Offered {
    /// Those that the settings ask for.
    pub(super) fn of(settings: &ClientSettings) -> Self {
        Self {
            extension: settings.extension.clone(),
            deflate: settings.deflate.clone(),
        }
    }

    /// Begins the connection that a server has agreed to, behind whose consent this was received.
    pub(super) fn agree(&self, accepted: &Accepted, rest: Vec<u8>) -> Result<Negotiated, HandshakeError> {
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
            rest,
        })
    }
}
